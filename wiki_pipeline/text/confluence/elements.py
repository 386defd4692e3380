"""Handlers of plain elements: paragraphs, headings, emphasis, links, images, code, quotes and layouts."""

from __future__ import annotations

import json
import re
from unicodedata import category
from urllib.parse import parse_qs, urlsplit

from lxml import etree

from wiki_pipeline.text import markdown
from wiki_pipeline.text.confluence.registry import AC, BLOCK, Element, element
from wiki_pipeline.text.confluence.sites import site_name
from wiki_pipeline.text.confluence.writer import PageWriter, one_line
from wiki_pipeline.text.markdown import escape, paragraph

# Fields of a form that show no text of their own.
_WITHOUT_TEXT = {"hidden", "password", "file", "image", "range", "color"}
# Elements that begin on a line of their own.
_LINES = ("p", "div", "li", "tr")
_BRUSH = re.compile(r"(?:brush:\s*|language-|lang-|highlight-source-|^ ?code )([\w+#-]+)")


@element("p", block=True)
def paragraphs(node: Element, page: PageWriter) -> str:
    """A paragraph; block macros inside stand on their own."""
    if len(node):
        return page.blocks(node)
    text = node.text
    return paragraph(escape(text)) if text else ""


_CONTAINERS = (
    "div section article main header footer nav aside body html center figure figcaption address fieldset form"
)
_LAYOUT = "ac:layout ac:layout-section ac:layout-cell ac:rich-text-body"


@element(*_CONTAINERS.split(), *_LAYOUT.split(), block=True)
def containers(node: Element, page: PageWriter) -> str:
    """Its content; columns of a layout follow each other in reading order."""
    return page.blocks(node)


@element("script", "style", "head", "template")
def programs(node: Element, page: PageWriter) -> str:
    """Nothing: not text for readers."""
    return ""


@element("svg")
def drawings(node: Element, page: PageWriter) -> str:
    """The words in the drawing."""
    etree.strip_elements(node, "script", "style", "metadata", with_tail=False)
    return escape(" ".join(" ".join(node.itertext()).split()))


@element("math")
def formulas(node: Element, page: PageWriter) -> str:
    """A formula: its TeX source between `$` where the page has it, else its characters."""
    source = next((inner.text for inner in node.iter("annotation") if "tex" in (inner.get("encoding") or "")), None)
    return f"${' '.join(source.split())}$" if source else escape(" ".join(" ".join(node.itertext()).split()))


@element("h1", "h2", "h3", "h4", "h5", "h6", block=True)
def headings(node: Element, page: PageWriter) -> str:
    """A heading of the same level."""
    return page.heading(int(node.tag[1]), page.inline(node))


@element("q")
def quotation(node: Element, page: PageWriter) -> str:
    """Its text in quotation marks, as browsers show it."""
    text = page.inline(node)
    return f"“{text}”" if text.strip() else text


@element("br")
def line_break(node: Element, page: PageWriter) -> str:
    """A line break."""
    return "  \n"


@element("hr", block=True)
def rule(node: Element, page: PageWriter) -> str:
    """A rule."""
    return "---"


@element("blockquote", block=True)
def quote(node: Element, page: PageWriter) -> str:
    """A quote."""
    return page.quoted(page.blocks(node))


@element("strong", "b")
def strong(node: Element, page: PageWriter) -> str:
    """Strong text."""
    return emphasised(node, page, "**", "strong")


@element("em", "i", "cite", "var", "dfn")
def emphasis(node: Element, page: PageWriter) -> str:
    """Emphasis."""
    return emphasised(node, page, "*", "em")


@element("del", "s", "strike")
def struck(node: Element, page: PageWriter) -> str:
    """Struck text."""
    return emphasised(node, page, "~~", "del")


@element("sub", "sup", "u", "ins", "kbd", "mark")
def tagged(node: Element, page: PageWriter) -> str:
    """The same HTML tag, which Markdown lets pass."""
    text = page.inline(node)
    return f"<{node.tag}>{text}</{node.tag}>" if text.strip() else text


@element("code", "tt", "samp")
def code_span(node: Element, page: PageWriter) -> str:
    """A code span."""
    children = list(node)
    if len(children) == 1 and children[0].tag == "a" and not (node.text or "").strip() and not children[0].tail:
        anchor = children[0]
        return page.link(markdown.code_span(text_of(anchor)), page.upstream.absolute(anchor.get("href", "")))
    if children and next(node.iter(AC + "*"), None) is not None:
        return (
            f"<code>{page.inline(node)}</code>"  # a person, a link or a macro has no text but what its handler writes
        )
    text = text_of(node)
    if text.strip() and before(node) == "`":
        return f"<code>{escape(text)}</code>"  # the marks of two spans that touch would be read as one
    return markdown.code_span(text)


@element("pre", block=True)
def preformatted(node: Element, page: PageWriter) -> str:
    """A code block; its language from the class that highlighters read."""
    code = text_of(node, breaks="\n")
    if not code.strip():
        return ""
    described = f"{node.get('data-syntaxhighlighter-params', '')} {node.get('class', '')}"
    inner = node.find("code")
    found = _BRUSH.search(described if inner is None else f"{described} {inner.get('class', '')}")
    return markdown.fence(code, found.group(1).lower() if found else "")


@element("a")
def anchors(node: Element, page: PageWriter) -> str:
    """A link; relative addresses become absolute."""
    target = (node.get("href") or "").strip()
    text = page.inline(node)
    if not target:
        return text
    if target.startswith("#"):
        return page.anchor_link(text, target[1:])
    if query := _datasource_query(node, target):
        return page.link(f"{query[0]}: {markdown.code_span(query[1])}", page.upstream.absolute(target))
    return page.link(one_line(text), page.upstream.absolute(target))


def _datasource_query(node: Element, target: str) -> tuple[str, str] | None:
    """What the list that a smart link shows is made of, and the query; None if it shows no list."""
    try:
        parameters = json.loads(node.get("data-datasource") or "{}").get("parameters") or {}
        given = parse_qs(urlsplit(target).query)
        for name, kind in (("jql", "Jira issues"), ("cql", "Search"), ("searchString", "Search")):
            if query := str(parameters.get(name) or "") or (given.get(name, [""])[0] if parameters else ""):
                return kind, query
    except (ValueError, AttributeError, RecursionError):
        return None
    return None


@element("img")
def images(node: Element, page: PageWriter) -> str:
    """An image; emoticons as characters, embedded data as its description."""
    source = (node.get("src") or "").strip()
    alternative = node.get("alt") or node.get("title") or ""
    if not source or source.startswith("data:"):
        return escape(alternative)
    return page.image(alternative, page.upstream.absolute(source))


@element("iframe", "embed", "video", "audio", "source")
def embedded(node: Element, page: PageWriter) -> str:
    """A link to what is embedded, by its title, or what it is on a well-known site (`YouTube video`)."""
    target = page.upstream.absolute(node.get("src") or "")
    return page.link(escape(node.get("title") or site_name(target) or target), target) + page.inline(node)


@element("time")
def dates(node: Element, page: PageWriter) -> str:
    """The date as shown, or as `2024-05-17`."""
    return page.inline(node) or escape(node.get("datetime") or "")


@element("input")
def fields(node: Element, page: PageWriter) -> str:
    """A checkbox or a radio button as `[x]` or `[ ]`; a field or a button as the text that it shows."""
    kind = (node.get("type") or "text").lower()
    if kind in {"checkbox", "radio"}:
        return "[x] " if node.get("checked") is not None else "[ ] "
    return "" if kind in _WITHOUT_TEXT else escape(node.get("value") or "")


@element("select", "datalist")
def choices(node: Element, page: PageWriter) -> str:
    """What can be chosen, with slashes between; what is chosen in bold, the name of a group before what is in it."""
    shown = []
    for option in node.iter("option"):
        text = emphasised(option, page, "**", "strong") if option.get("selected") is not None else page.inline(option)
        text = text.strip() or escape(option.get("label") or "")
        group = option.getparent()
        if group is not None and group.tag == "optgroup" and option.getprevious() is None and group.get("label"):
            text = f"{escape(group.get('label') or '')}: {text}"
        shown.append(text)
    return " / ".join(filter(None, shown))


@element("details", block=True)
def details(node: Element, page: PageWriter) -> str:
    """A collapsed section."""
    summary = node.find("summary")
    title = one_line(page.inline(summary)) if summary is not None else ""
    return collapsed(title, page.blocks(node))


@element("summary", block=True)
def summaries(node: Element, page: PageWriter) -> str:
    """The title of a collapsed section; a paragraph elsewhere."""
    parent = node.getparent()
    return "" if parent is not None and parent.tag == "details" else page.blocks(node)


@element(AC + "placeholder")
def placeholders(node: Element, page: PageWriter) -> str:
    """Nothing: an instruction to authors of a template, which Confluence does not show."""
    return ""


def collapsed(title: str, body: str) -> str:
    """A collapsed section with Markdown inside, as GitHub writes them; `title` is inline Markdown."""
    if not body:
        return f"**{title}**" if title else ""
    shown = markdown.html_text(markdown.plain(title)) or "Details"
    return f"<details>\n<summary>{shown}</summary>\n\n{body}\n\n</details>"


def text_of(node: Element, breaks: str = " ") -> str:
    """The text below a node as it stands, line breaks written as `breaks`."""
    if not len(node):
        return node.text or ""
    for line_end in node.iter("br"):
        line_end.text = breaks
    for line in node.iterdescendants(*_LINES):
        if not (line.tail or "")[:1].isspace():
            line.tail = breaks + (line.tail or "")
    return "".join(node.itertext())


# --- emphasis ---------------------------------------------------------------------------------------------------------


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
