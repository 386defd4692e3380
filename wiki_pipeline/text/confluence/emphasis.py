"""Emphasis that reads as emphasis whatever stands around it: marks where CommonMark takes them, HTML tags elsewhere."""

from __future__ import annotations

from unicodedata import category

from wiki_pipeline.text.confluence.registry import BLOCK, Element
from wiki_pipeline.text.confluence.writer import PageWriter

# How far to look for the character next to a mark, through elements without text.
_FAR_ENOUGH = 8


def emphasised(node: Element, page: PageWriter, mark: str, tag: str) -> str:
    """The content of a node between marks; between tags where marks would be read as text.

    CommonMark closes emphasis after punctuation only before white space or punctuation (and opens it likewise), and
    can't tell the marks of two emphases apart that touch or that are one in the other. White space moves out of the
    marks.
    """
    outer = page.emphasis
    if tag in outer:
        return page.inline(node)
    page.emphasis = (*outer, tag)
    text = page.inline(node)
    page.emphasis = outer
    inner = text.strip()
    if not inner:
        return " " if text else ""
    lead, trail = " " if text[0].isspace() else "", " " if text[-1].isspace() else ""
    if outer or "\n" in inner or mark[0] in (inner[0], inner[-1]) or _touches(node, inner, lead, trail):
        return f"{lead}<{tag}>{inner}</{tag}>{trail}"
    return f"{lead}{mark}{inner}{mark}{trail}"


def _touches(node: Element, inner: str, lead: str, trail: str) -> bool:
    """Whether a mark would stand between punctuation inside and a letter outside, or beside another mark."""
    left, right = "" if lead else before(node), "" if trail else _after(node)
    return bool(
        (left and not left.isspace() and (left in "*~_`" or not (_is_letter(inner[0]) or _is_punctuation(left))))
        or (right and not right.isspace() and (right in "*~_" or not (_is_letter(inner[-1]) or _is_punctuation(right))))
    )


def before(node: Element) -> str:
    """The character before a node in its line; nothing at a line's start. Of an element that may end in a mark: it."""
    for _ in range(_FAR_ENOUGH):
        previous = node.getprevious()
        if previous is None:
            parent = node.getparent()
            if parent is None or parent.text or parent.tag in BLOCK:
                return str(parent.text)[-1] if parent is not None and parent.text else ""
            node = parent
            continue
        if previous.tail:
            return str(previous.tail[-1])
        if any(previous.itertext()):
            return "`" if next(previous.iter("code", "tt", "samp"), None) is not None else "*"
        node = previous
    return "*"


def _after(node: Element) -> str:
    """The character behind a node in its line; `*` for an element that may begin with a mark."""
    for _ in range(_FAR_ENOUGH):
        if node.tail:
            return str(node.tail[0])
        following = node.getnext()
        if following is None:
            parent = node.getparent()
            if parent is None or parent.tag in BLOCK:
                return ""
            node = parent
            continue
        if any(following.itertext()):
            return "*"
        node = following
    return "*"


def _is_letter(character: str) -> bool:
    return category(character)[0] in "LNM"


def _is_punctuation(character: str) -> bool:
    return category(character)[0] in "PS"
