"""The Atlassian Document Format as Markdown: one function a kind of node. What is unknown gives its content.

Text of atoms (people, dates, statuses, emoji, smart links) stands in their attributes. Blocks in a table's cells are
written as lines; nothing of a cell is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wiki_pipeline.links.jira import MAY_BE_ISSUES
from wiki_pipeline.model import Heading, Link
from wiki_pipeline.text import markdown
from wiki_pipeline.text.heading_anchors import Slugs
from wiki_pipeline.text.markdown import escape

Node = Mapping[str, Any]

_MAX_DEPTH = 60
_LOWEST = 6
_PANELS = {"info": "NOTE", "note": "NOTE", "tip": "TIP", "success": "TIP", "warning": "WARNING", "error": "CAUTION"}
_EMPHASIS = {"strong": "**", "em": "*", "strike": "~~"}
_TAGGED = {"underline": "u"}


@dataclass
class AdfWriter:
    """Writes the texts of one issue.

    Attributes:
        users: display names by account id, where they are known better than the text knows them.
        files: addresses of attachments by name.
        shift: by how many levels headings are lowered.
    """

    users: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    shift: int = 2
    headings: list[Heading] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    slugs: Slugs = field(default_factory=Slugs)
    _depth: int = 0

    def document(self, node: object) -> str:
        """A whole text."""
        return self.blocks(node.get("content")) if isinstance(node, dict) else ""

    def heading(self, level: int, inline: str) -> str:
        """A heading, entered into the list of them; `inline` is Markdown."""
        text = markdown.plain(inline)
        if not text:
            return ""
        level = min(level, _LOWEST)
        self.headings.append(Heading(level, text, self.slugs.add(text)))
        return f"{'#' * level} {' '.join(inline.split())}"

    def link(self, text: str, target: str) -> str:
        """A link, entered into the list of them; `text` is Markdown."""
        if not target.startswith(("http://", "https://", "mailto:")):
            return text or escape(target)
        self.links.append(Link(markdown.plain(text) or target, target))
        return markdown.link(text or escape(target), target)

    # --- blocks ----

    def blocks(self, content: object) -> str:
        """Blocks, an empty line between each two; parts of a line that stand among them are a paragraph."""
        out: list[str] = []
        line: list[Node] = []
        if not isinstance(content, list) or self._depth > _MAX_DEPTH:
            return ""
        self._depth += 1
        for node in content:
            if not isinstance(node, dict):
                continue
            write = _BLOCKS.get(str(node.get("type")))
            if write is None and (node.get("type") in _INLINE or "text" in node):
                line.append(node)
                continue
            if line:
                out.append(markdown.paragraph(self.inline(line)))
                line = []
            out.append(write(self, node) if write else self.blocks(node.get("content")))
        if line:
            out.append(markdown.paragraph(self.inline(line)))
        self._depth -= 1
        return "\n\n".join([block for block in out if block])

    def inline(self, content: object) -> str:
        """Parts of a line; blocks among them are joined into it."""
        parts: list[str] = []
        for node in content if isinstance(content, list) else ():
            if not isinstance(node, dict):
                continue
            kind = node.get("type")
            if kind == "text":
                text = node.get("text")
                marks = node.get("marks")
                shown = text if isinstance(text, str) else ""
                parts.append(self._marked(shown, marks) if marks else escape(shown))
                continue
            write = _INLINE.get(str(kind))
            shown = (
                write(self, node)
                if write
                else " ".join(self.blocks([node]).split())
                if kind in _BLOCKS
                else self.inline(node.get("content"))
            )
            parts.append(shown)
        return "".join(parts)

    def _marked(self, text: str, marks: object) -> str:
        named = (
            {str(mark.get("type")): mark for mark in marks if isinstance(mark, dict)} if isinstance(marks, list) else {}
        )
        core = text.strip()
        if not core:
            return text
        before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
        shown = markdown.code_span(core) if "code" in named else escape(core)
        if "subsup" in named:
            tag = "sup" if _attribute(named["subsup"], "type") == "sup" else "sub"
            shown = f"<{tag}>{shown}</{tag}>"
        for name, tag in _TAGGED.items():
            shown = f"<{tag}>{shown}</{tag}>" if name in named else shown
        for name, sign in _EMPHASIS.items():
            shown = f"{sign}{shown}{sign}" if name in named else shown
        if "link" in named:
            shown = self.link(shown, _attribute(named["link"], "href"))
        return f"{before}{shown}{after}"

    def items(self, node: Node, mark: Callable[[int, Node], str]) -> str:
        """A list: an item's later blocks are indented below it."""
        out: list[str] = []
        for number, item in enumerate(_children(node)):
            if item.get("type") in {"taskList", "decisionList", "bulletList", "orderedList"}:  # a list within the list
                inner = self.blocks([item])
                out.append("  " + markdown.indented(inner, 2))
                continue
            sign = mark(number, item)
            inner = self.blocks(item.get("content"))
            tight = inner.replace("\n\n- ", "\n- ").replace("\n\n1. ", "\n1. ")
            out.append(f"{sign} {markdown.indented(tight, len(sign.split(' ')[0]) + 1)}".rstrip())
        return "\n".join(out)

    def table(self, node: Node) -> str:
        """A table; cells that span several columns are followed by empty ones."""
        rows: list[list[str]] = []
        for row in _children(node):
            cells: list[str] = []
            for cell in _children(row):
                text = self.blocks(cell.get("content"))
                cells.append(markdown.cell(_flat(text)))
                span = (cell.get("attrs") or {}).get("colspan")
                cells += [""] * (min(span, 50) - 1 if isinstance(span, int) else 0)
            rows.append(cells)
        if not rows:
            return ""
        first = _children(_children(node)[0])
        if not all(cell.get("type") == "tableHeader" for cell in first):
            rows.insert(0, [""] * len(rows[0]))
        return markdown.table(rows)


def _flat(text: str) -> str:
    """Blocks as lines of a cell."""
    return "\n".join(line for line in text.split("\n") if line.strip()) if "\n" in text else text


def _children(node: Node) -> list[Node]:
    content = node.get("content")
    return [child for child in content if isinstance(child, dict)] if isinstance(content, list) else []


def _attribute(node: Node, name: str) -> str:
    value = (node.get("attrs") or {}).get(name) if isinstance(node.get("attrs"), dict) else None
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _text_of(content: object) -> str:
    nodes: Iterable[object] = content if isinstance(content, list) else ()
    return "".join(str(node.get("text") or "") for node in nodes if isinstance(node, dict))


Write = Callable[[AdfWriter, Node], str]


def _paragraph(page: AdfWriter, node: Node) -> str:
    return markdown.paragraph(page.inline(node.get("content")))


def _heading(page: AdfWriter, node: Node) -> str:
    level = _attribute(node, "level")
    return page.heading((int(level) if level.isdigit() else 1) + page.shift, page.inline(node.get("content")))


def _quote(page: AdfWriter, node: Node) -> str:
    return markdown.prefixed("> ", page.blocks(node.get("content")))


def _bullets(page: AdfWriter, node: Node) -> str:
    return page.items(node, lambda _number, _item: "-")


def _numbers(page: AdfWriter, node: Node) -> str:
    start = _attribute(node, "order")
    first = int(start) if start.isdigit() else 1
    return page.items(node, lambda number, _item: f"{first + number}.")


def _tasks(page: AdfWriter, node: Node) -> str:
    return page.items(node, lambda _number, item: f"- [{'x' if _attribute(item, 'state') == 'DONE' else ' '}]")


def _decisions(page: AdfWriter, node: Node) -> str:
    return page.items(node, lambda _number, _item: "- Decision:")


def _code(_page: AdfWriter, node: Node) -> str:
    code = _text_of(node.get("content"))
    return markdown.fence(code, _attribute(node, "language")) if code.strip() else ""


def _panel(page: AdfWriter, node: Node) -> str:
    inner = page.blocks(node.get("content"))
    kind = _PANELS.get(_attribute(node, "panelType"), "NOTE")
    return markdown.prefixed("> ", f"[!{kind}]\n{inner}") if inner else ""


def _expand(page: AdfWriter, node: Node) -> str:
    title, inner = _attribute(node, "title"), page.blocks(node.get("content"))
    summary = markdown.html_text(title) or "Details"
    return f"<details>\n<summary>{summary}</summary>\n\n{inner}\n\n</details>" if inner else escape(title)


def _rule(_page: AdfWriter, _node: Node) -> str:
    return "---"


def _table(page: AdfWriter, node: Node) -> str:
    return page.table(node)


def _card(page: AdfWriter, node: Node) -> str:
    attrs = node.get("attrs") if isinstance(node.get("attrs"), dict) else {}
    url = _attribute(node, "url")
    data = (attrs or {}).get("data")
    if not url and isinstance(data, dict):
        url = str(data.get("url") or data.get("@id") or "")
        return page.link(escape(str(data.get("name") or "")), url)
    key = url.rpartition(MAY_BE_ISSUES)[2] if MAY_BE_ISSUES in url else ""
    return page.link(escape(key), url)


def _media(page: AdfWriter, node: Node) -> str:
    name = _attribute(node, "alt") or _attribute(node, "__fileName")
    external = _attribute(node, "url") if _attribute(node, "type") == "external" else ""
    target = page.files.get(name, "") or external
    if not target:
        return escape(name)
    page.links.append(Link(name, target))
    return markdown.image(name, target)


def _caption(page: AdfWriter, node: Node) -> str:
    text = page.inline(node.get("content"))
    return f"*{text.strip()}*" if text.strip() else ""


def _extension(page: AdfWriter, node: Node) -> str:
    inner = page.blocks(node.get("content"))
    return inner or escape(_attribute(node, "text"))


def _mention(page: AdfWriter, node: Node) -> str:
    name = page.users.get(_attribute(node, "id"), "") or _attribute(node, "text").removeprefix("@") or "unknown user"
    return escape(f"@{name}")


def _emoji(_page: AdfWriter, node: Node) -> str:
    return escape(_attribute(node, "text") or _attribute(node, "shortName"))


def _date(_page: AdfWriter, node: Node) -> str:
    stamp = _attribute(node, "timestamp")
    try:
        return f"{datetime.fromtimestamp(int(stamp) / 1000, UTC):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return escape(stamp)


def _status(_page: AdfWriter, node: Node) -> str:
    return escape(_attribute(node, "text"))


def _break(_page: AdfWriter, _node: Node) -> str:
    return "  \n"


def _placeholder(_page: AdfWriter, _node: Node) -> str:
    return ""  # an instruction to authors of a template


def _task_text(page: AdfWriter, node: Node) -> str:
    return page.blocks(node.get("content"))


_BLOCKS: dict[str, Write] = {
    "paragraph": _paragraph,
    "heading": _heading,
    "blockquote": _quote,
    "bulletList": _bullets,
    "orderedList": _numbers,
    "taskList": _tasks,
    "decisionList": _decisions,
    "taskItem": _task_text,
    "blockTaskItem": _task_text,
    "decisionItem": _task_text,
    "listItem": _task_text,
    "codeBlock": _code,
    "panel": _panel,
    "expand": _expand,
    "nestedExpand": _expand,
    "rule": _rule,
    "table": _table,
    "mediaSingle": _task_text,
    "mediaGroup": _task_text,
    "layoutSection": _task_text,
    "layoutColumn": _task_text,
    "bodiedSyncBlock": _task_text,
    "blockCard": _card,
    "embedCard": _card,
    "media": _media,
    "caption": _caption,
    "extension": _extension,
    "bodiedExtension": _extension,
}
_INLINE: dict[str, Write] = {
    "hardBreak": _break,
    "mention": _mention,
    "emoji": _emoji,
    "date": _date,
    "status": _status,
    "inlineCard": _card,
    "mediaInline": _media,
    "inlineExtension": _extension,
    "placeholder": _placeholder,
}
