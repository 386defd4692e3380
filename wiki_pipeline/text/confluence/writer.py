"""Walks the tree of one page and writes it as Markdown, one handler an element; collects links, headings and notes.

The walk is a bounded recursion: what is nested deeper than `MAX_DEPTH` elements becomes its plain text, so that a
hostile page can neither exhaust the stack nor multiply its own size by indentation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from lxml import etree

from wiki_pipeline.links.confluence import Upstream
from wiki_pipeline.model import Dependency, Heading, Link
from wiki_pipeline.text import markdown
from wiki_pipeline.text.confluence.allowance import Including
from wiki_pipeline.text.confluence.registry import AC, BLOCK, BLOCK_MACROS, INLINE, INLINE_MACROS, Element, Handler
from wiki_pipeline.text.heading_anchors import Places, Slugs, folded, identifier
from wiki_pipeline.text.known import NOTHING_KNOWN, Known
from wiki_pipeline.text.markdown import escape, paragraph

MAX_DEPTH = 80
MAX_LEVEL = 16
MACROS = {AC + "structured-macro", AC + "macro"}
# Text in these is for programs, never for readers.
SILENT = {
    AC + "parameter",
    AC + "default-parameter",
    AC + "task-id",
    AC + "task-status",
    AC + "task-uuid",
    "script",
    "style",
}
EXTENSION = AC + "adf-extension"
_EXTENSION_NODES = {EXTENSION, AC + "adf-node", AC + "adf-content"}
# Elements whose content decides whether they stand in a line.
_EITHER = MACROS | _EXTENSION_NODES
_NAME = AC + "name"
_IMAGE = AC + "image"
# The commonest of those that are parts of a line whatever they hold.
_NEVER_BLOCKS = {"br", "img", "time", AC + "link", _IMAGE, AC + "emoticon"}
# Blocks that a cell of a pipe table, a heading or a link can hold, as lines.
_SIMPLE_BLOCKS = frozenset({"p", "div", "section", "center", "figure", "figcaption", AC + "rich-text-body"})


@dataclass
class PageWriter:
    """The state of one page's conversion.

    Attributes:
        root: the page's tree.
        upstream: addresses on the page's own server.
        title: the page's title.
        known: names and other pages.
        including: the pages around this one, if its text is part of another page's.
        people: names shown, by id; empty where a name is not known.
        named: prefixes of names of documents on which the text depends besides those in it: projects of queries.
        unknown: macros without a handler, by name.
        second_list: the list being written follows another of its kind directly.
        emphasis: tags of the emphases around the text being written.
        level: number of lists around the text being written.
    """

    root: Element
    upstream: Upstream
    title: str = ""
    known: Known = NOTHING_KNOWN
    including: Including = field(default_factory=Including)
    headings: list[Heading] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    dependencies: list[Dependency] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    slugs: Slugs = field(default_factory=Slugs)
    second_list: bool = False
    emphasis: tuple[str, ...] = ()
    level: int = 0
    _depth: int = 0

    # --- walking ---------------------------------------------------------------------------------------------------

    def blocks(self, node: Element) -> str:
        """The content of a node as paragraphs, lists, tables and so on, with an empty line between each two."""
        if self._depth >= MAX_DEPTH:
            return paragraph(self._flattened(node))
        self._depth += 1
        out: list[str] = []
        line: list[str] = [escape(node.text)] if node.text else []
        previous = ""
        for child in node:
            tag = child.tag
            handler = BLOCK.get(tag)
            if handler is None and tag not in _NEVER_BLOCKS:
                handler = self._block_handler(child, tag)
            tail = child.tail
            if handler is None and tag == _IMAGE and not line and (not tail or tail.isspace()):
                handler = INLINE[tag]  # an image on its own is a paragraph of its own
            if handler is not None:
                if line:
                    text = paragraph("".join(line))
                    if text:
                        out.append(text)
                        previous = ""
                    line.clear()
                # Two lists side by side would run together: every second one gets other markers.
                self.second_list = tag == previous and not self.second_list
                text = handler(child, self)
                if text:
                    out.append(text)
                    previous = tag
            else:
                line.append(self._inline_child(child, tag))
            if tail and (line or not tail.isspace()):
                line.append(escape(tail))
        if line:
            text = paragraph("".join(line))
            if text:
                out.append(text)
        self._depth -= 1
        return "\n\n".join(out)

    def inline(self, node: Element) -> str:
        """The content of a node as part of a line; blocks inside are joined into it."""
        if not len(node):
            return escape(node.text) if node.text else ""
        if self._depth >= MAX_DEPTH:
            return self._flattened(node)
        self._depth += 1
        parts = [escape(node.text)] if node.text else []
        for child in node:
            tag = child.tag
            handler = BLOCK.get(tag) or (self._block_handler(child, tag) if tag in _EITHER else None)
            parts.append(f" {one_line(handler(child, self))} " if handler else self._inline_child(child, tag))
            if child.tail:
                parts.append(escape(child.tail))
        self._depth -= 1
        return "".join(parts)

    def _inline_child(self, child: Element, tag: str) -> str:
        handler = INLINE.get(tag)
        if handler is not None:
            return handler(child, self)
        if tag in MACROS:
            return self._inline_macro(child)
        return "" if tag in SILENT else self.inline(child)

    def _inline_macro(self, node: Element) -> str:
        name = (node.get(_NAME) or "").lower()
        if handler := INLINE_MACROS.get(name):
            return handler(node, self)
        block: Handler = BLOCK_MACROS.get(name, unknown_macro)
        return one_line(block(node, self))

    def _block_handler(self, node: Element, tag: str) -> Callable[[Element, PageWriter], str] | None:
        """The handler of a node that is no block by its name: a block macro, or something inline around blocks."""
        if tag in MACROS:
            name = (node.get(_NAME) or "").lower()
            handler = BLOCK_MACROS.get(name)
            if handler is None and name not in INLINE_MACROS:
                inside = _has_block_body(node) and not self._is_part_of_a_line(node)
                handler = unknown_macro if inside else None
            return None if handler is not None and self._stands_in_line(node) else handler
        if tag in _EXTENSION_NODES:
            return None if _is_inline_app(node) else INLINE[tag]
        if tag in INLINE and tag not in _PHRASES:
            return None
        return _transparent if len(node) and self.holds_blocks(node) else None

    def _stands_in_line(self, node: Element) -> bool:
        """Whether a macro's body is part of a line, as Confluence says of some excerpts."""
        mode = next((child.text for child in node if child.get(_NAME) == "atlassian-macro-output-type"), "")
        body = node.find(AC + "rich-text-body")
        return mode == "INLINE" and body is not None and not self.is_complex(body)

    def _is_part_of_a_line(self, node: Element) -> bool:
        """Whether an unknown macro stands among words, with a body that fits there."""
        parent, before = node.getparent(), node.getprevious()
        if parent is None or parent.tag not in _LINES:
            return False
        words = (node.tail, parent.text if before is None else before.tail)
        if not any(text and not text.isspace() for text in words):
            return False
        body = node.find(AC + "rich-text-body")
        return body is None or (len(body) <= 1 and not self.is_complex(body))

    def holds_blocks(self, node: Element, *, besides: frozenset[str] = frozenset()) -> bool:
        """Whether something inside the node stands in paragraphs of its own, besides elements named `besides`."""
        for inner in node.iter():
            tag = inner.tag
            if inner is node or tag in besides:
                continue
            if tag in BLOCK or (tag in _EITHER and self._block_handler(inner, tag) is not None):
                return True
        return False

    def is_complex(self, node: Element) -> bool:
        """Whether the node holds blocks that can't be lines of a table's cell: lists, tables, code, panels."""
        return self.holds_blocks(node, besides=_SIMPLE_BLOCKS)

    def _flattened(self, node: Element) -> str:
        self.note("Nested too deeply: some of the page is kept as plain text.")
        texts: list[str] = []
        walk = etree.iterwalk(node, events=("start", "end"))
        for event, inner in walk:
            if event == "end":
                texts.append((inner.tail or "") if inner is not node else "")
            elif inner.tag in SILENT:
                walk.skip_subtree()
            else:
                texts.append(inner.text or "")
        return escape(" ".join(texts))

    def indent(self, width: int) -> int:
        """By how much the rest of a list item is indented: nothing below so many lists that only harm is meant."""
        return width if self.level <= MAX_LEVEL else 0

    def quoted(self, block: str) -> str:
        """A block as a quote."""
        return markdown.prefixed("> ", block) if block and self._depth <= MAX_DEPTH // 2 else block

    @cached_property
    def places(self) -> Places:
        """The headings of the page and the names that lead to them; found when the first link asks."""
        draft = PageWriter(self.root, self.upstream, self.title, self.known)
        draft.places = Places()
        return Places.of(
            self.title,
            [
                *(
                    (
                        markdown.plain(one_line(draft.inline(node))),
                        (*_anchors_in(node), *filter(None, [node.get("id")])),
                    )
                    for node in self.root.iter("h1", "h2", "h3", "h4", "h5", "h6")
                ),
                ("", tuple(_anchors_in(self.root))),
            ],
        )

    # --- collecting ------------------------------------------------------------------------------------------------

    def note(self, text: str) -> None:
        """Tell people, once, what was repaired or could not be kept."""
        if text not in self.notes:
            self.notes.append(text)

    def name_of(self, person_id: str) -> str:
        """A person's display name, entered as shown on the page; empty if it is not known."""
        return self.people.setdefault(person_id, self.known.users.get(person_id, ""))

    def heading(self, level: int, inline: str) -> str:
        """A heading, entered into the page's list."""
        inline = one_line(inline)
        text = markdown.plain(inline)
        if not text:
            return ""
        self.headings.append(Heading(level, text, self.slugs.add(text)))
        return f"{'#' * level} {inline}"

    def anchor_link(self, text: str, name: str) -> str:
        """A link to a place on the same page, by the name of an anchor or a heading as any tool would spell it."""
        shown = one_line(text) or escape(name)
        return markdown.link(shown, "#" + self.places.find(name))

    def named_place(self, name: str) -> str:
        """Where a link to `#name` leads; nothing to write if that is a heading's own anchor.

        Links on the page itself lead to the heading that a name is in. It is written all the same, for other pages.
        """
        written = identifier(name)
        return "" if self.places.headings.get(folded(written)) == written else f'<a id="{written}"></a>'

    def placeholder(self, text: str, *, ready: bool = False) -> str:
        """A short mark in place of content that only Confluence's server can make; `ready` text is Markdown already."""
        return f"*[{text if ready else escape(text)}]*"

    def link(self, text: str, target: str, title: str = "") -> str:
        """A link, entered into the page's list; `text` is Markdown."""
        if not target:
            return text
        self.links.append(Link(markdown.plain(text) or target, self.upstream.recorded(target)))
        return markdown.link(text, target, title)

    def belongs(self, name: str, target: str) -> None:
        """Enter into the page's links a file that stands behind what is shown, as a drawing behind its picture."""
        if target:
            self.links.append(Link(name, self.upstream.recorded(target)))

    def image(self, alternative: str, target: str, title: str = "") -> str:
        """An image, entered into the page's list of links; `alternative` is plain text."""
        if not target:
            return escape(alternative)
        self.links.append(Link(alternative, self.upstream.recorded(target)))
        return markdown.image(alternative, target, title)


# Elements within a line, which some editors put around blocks all the same.
_PHRASE_NAMES = """
    a abbr b bdi bdo big cite code del em font i ins label mark q s small span strike strong sub sup tt u var
"""
# Elements that hold words of a line.
_LINES = {"p", "li", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6", *_PHRASE_NAMES.split()}
_PHRASES = {AC + "inline-comment-marker", *_PHRASE_NAMES.split()}


def _transparent(node: Element, page: PageWriter) -> str:
    return page.blocks(node)


def unknown_macro(node: Element, page: PageWriter) -> str:
    """A macro without a handler: its body is kept, its parameters are not, its name is counted."""
    page.unknown[node.get(_NAME) or "unnamed"] += 1
    body = node.find(AC + "rich-text-body")
    if body is not None:
        return page.blocks(body)
    code = node.find(AC + "plain-text-body")
    text = (code.text or "").strip("\n") if code is not None else ""
    return markdown.fence(text) if "\n" in text else markdown.code_span(text)


def _is_inline_app(node: Element) -> bool:
    """Whether it is, or holds, an app that stands in a line (`inline-extension`), and nothing else."""
    nodes = [node] if node.tag == AC + "adf-node" else node.findall(AC + "adf-node")
    return bool(nodes) and all((inner.get("type") or "").startswith("inline") for inner in nodes)


def _has_block_body(node: Element) -> bool:
    if node.find(AC + "rich-text-body") is not None:
        return True
    return "\n" in (node.findtext(AC + "plain-text-body") or "").strip("\n")


def _anchors_in(root: Element) -> Iterator[str]:
    """The names that anchor macros give."""
    for node in root.iter(AC + "structured-macro"):
        if node.get(_NAME) == "anchor":
            yield from (child.text or "" for child in node.iter(AC + "parameter"))


def one_line(block: str) -> str:
    """Markdown on a single line."""
    return " ".join(block.split())
