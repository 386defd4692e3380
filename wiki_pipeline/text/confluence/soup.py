"""HTML, and XML that is none, into the same kind of tree as the storage format; BeautifulSoup reads it.

The tree is copied into lxml elements so that one table of handlers serves both. What is nested deeper than
`MAX_TREE_DEPTH` is attached at that depth, so no later step meets an endless chain.
"""

from __future__ import annotations

import re
import warnings
from html import unescape
from itertools import islice
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.element import CData, Comment, Declaration, Doctype, NavigableString, PageElement, ProcessingInstruction
from bs4.exceptions import ParserRejectedMarkup
from lxml import etree

from wiki_pipeline.text.confluence.registry import Element, qualified

MAX_TREE_DEPTH = 200
# BeautifulSoup reads some 30,000 tags a second.
MAX_TAGS = 200_000
MAX_ATTRIBUTES = 64
# Elements within which others begin anew: no end tag inside closes anything outside.
_SCOPE_NAMES = """
    td th caption table ac:rich-text-body ac:plain-text-body ac:layout-cell ac:task-body ac:link-body ac:caption
    ac:structured-macro ac:macro
"""
_SCOPES = frozenset(_SCOPE_NAMES.split())
_BLOCKS = """
    p div ul ol dl table h1 h2 h3 h4 h5 h6 pre blockquote hr section article details figure ac:task-list ac:layout
    ac:layout-section ac:layout-cell
"""
_LISTS, _TABLE = _SCOPES | {"ul", "ol"}, frozenset({"table", "ac:rich-text-body"})
_PARAGRAPH, _CELLS, _ROWS = frozenset({"p"}), frozenset({"td", "th"}), frozenset({"td", "th", "tr"})
_ALL_ROWS = _ROWS | {"thead", "tbody", "tfoot", "caption", "colgroup"}
# By the element that begins: which open elements it ends, and the elements beyond which it ends none.
_IMPLIED_END: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    **dict.fromkeys(_BLOCKS.split(), (_PARAGRAPH, _SCOPES)),
    "li": (_PARAGRAPH | {"li"}, _LISTS),
    **dict.fromkeys(("dt", "dd"), (_PARAGRAPH | {"dt", "dd"}, _SCOPES | {"dl"})),
    **dict.fromkeys(("td", "th"), (_CELLS, _TABLE | {"tr"})),
    "tr": (_ROWS, _TABLE),
    **dict.fromkeys(("thead", "tbody", "tfoot"), (_ALL_ROWS, _TABLE)),
    "option": (frozenset({"option"}), frozenset({"select"})),
}
_NOTHING: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())
# How far to look for an element that ends; what is nested deeper keeps its words all the same.
_FAR_ENOUGH = 64
_NOT_TEXT = (Comment, Doctype, Declaration, ProcessingInstruction)
_NAME = re.compile(r"[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?")
_FOR_PROGRAMS = re.compile(
    r"<(?P<name>ac:parameter|ac:task-id|ac:task-status|ac:task-uuid|script|style)\b[^<>]*>[^<]*(?:</(?P=name)>)?",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_BLOCK_TAG = re.compile(
    r"</?(?:p|div|br|li|tr|td|th|h[1-6]|pre|blockquote|section|ac:[a-z-]*(?:body|macro|task|cell))\b[^<>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def parse(text: str) -> tuple[Element, str]:
    """See `html.parse_html`."""
    if text.count("<") > MAX_TAGS:
        return _paragraphs(text), "The page is not well-formed or too large to be laid out: its text is kept."
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "looks like a file name", "looks like XML": both are fine here
        try:
            soup = _Soup(_ended(text), "html.parser")
        except ParserRejectedMarkup:  # a marked section of a kind that there is not: shown as text
            soup = _Soup(_ended(text.replace("<![", "&lt;![")), "html.parser")
    # Declared once: else lxml declares them at each element, and looks all the way up whenever one moves.
    root = etree.Element("root", nsmap={"ac": "ac", "ri": "ri", "at": "at"})
    parents: list[Element] = [root]
    pending: list[tuple[PageElement, int]] = [(child, 0) for child in reversed(soup.contents)]
    # Of text that comes in pieces (between end tags of nothing) each piece added to the others would copy them all.
    pieces: list[str] = []
    place = root
    while pending:
        node, depth = pending.pop()
        parent = parents[min(depth, MAX_TREE_DEPTH)]
        if isinstance(node, Tag) or parent is not place:
            _append_text(place, pieces)
            place = parent
        if isinstance(node, Tag):
            name = qualified(node.name) if _NAME.fullmatch(node.name) else "span"
            element = etree.SubElement(parent, name)
            _copy_attributes(node, element)
            del parents[min(depth, MAX_TREE_DEPTH) + 1 :]
            parents.append(element)
            pending.extend((child, depth + 1) for child in reversed(node.contents))
        elif isinstance(node, NavigableString) and (isinstance(node, CData) or not isinstance(node, _NOT_TEXT)):
            pieces.append(_CONTROL.sub("", node))
    _append_text(place, pieces)
    return root, ""


class _Soup(BeautifulSoup):
    """Elements that end without saying so end where HTML lets them: `<p>` before a block, `<li>` before `<li>` ..."""

    def handle_starttag(self, name: str, *rest: Any, **more: Any) -> Tag | None:
        """Close what the new element ends, then open it."""
        ended, scope = _IMPLIED_END.get(name, _NOTHING)
        if ended:
            for tag in list(islice(reversed(self.tagStack), _FAR_ENOUGH)):
                if tag.name in scope:
                    break
                if tag.name in ended:
                    super().handle_endtag(tag.name)
        return super().handle_starttag(name, *rest, **more)

    def handle_endtag(self, name: str, nsprefix: str | None = None) -> None:
        """Close the element, unless it is outside of the cell or body that is being read: the tag is an error."""
        if name not in _SCOPES:
            for tag in islice(reversed(self.tagStack), _FAR_ENOUGH):
                if tag.name == name:
                    break
                if tag.name in _SCOPES:
                    return
        super().handle_endtag(name, nsprefix)


def _ended(text: str) -> str:
    """The text with what opens a comment, a declaration or a tag shown as text where none ends any more.

    The parser would look for the end from each of them to the end of the text.
    """
    for begin, end in (("<!--", "-->"), ("<![", "]"), ("<!", ">"), ("<?", ">"), ("<", ">")):
        last = text.rfind(end) + len(end) if end in text else 0
        if text.find(begin, last) >= 0:
            text = text[:last] + text[last:].replace(begin, f"&lt;{begin[1:]}")
    return text


def _paragraphs(text: str) -> Element:
    """The words of a page without its structure, in time that depends on its length alone."""
    last = text.rfind("-->") + len("-->")  # behind it no comment ends; looking from each start would take too long
    text = _COMMENT.sub("", text[:last]) + text[last:]
    root = etree.Element("root")
    for block in _BLOCK_TAG.split(_FOR_PROGRAMS.sub("", text)):
        words = " ".join(_CONTROL.sub("", unescape(_TAG.sub("", block))).split())
        if words:
            etree.SubElement(root, "p").text = words
    return root


def _copy_attributes(tag: Tag, element: Element) -> None:
    for key, value in islice(tag.attrs.items(), MAX_ATTRIBUTES):
        if _NAME.fullmatch(key):
            element.set(qualified(key), _CONTROL.sub("", " ".join(value) if isinstance(value, list) else str(value)))


def _append_text(parent: Element, pieces: list[str]) -> None:
    """Move the pieces to the end of an element."""
    text = "".join(pieces)
    pieces.clear()
    if not text:
        return
    last = next(parent.iterchildren(reversed=True), None)  # `len(parent)` would count them each time
    if last is not None:
        last.tail = (last.tail or "") + text
    else:
        parent.text = (parent.text or "") + text
