"""Macros that put a frame around content: panels, collapsed sections, excerpts, columns."""

from __future__ import annotations

from wiki_pipeline.text.confluence.elements import collapsed
from wiki_pipeline.text.confluence.emoticons import EMOTICONS
from wiki_pipeline.text.confluence.macro_parameters import parameters, plain_body, rich_body
from wiki_pipeline.text.confluence.registry import AC, PLAIN, RICH, Element, macro
from wiki_pipeline.text.confluence.writer import PageWriter
from wiki_pipeline.text.markdown import escape

# Confluence's note is the yellow one with an exclamation mark, its warning the red one.
_ALERTS = {"info": "NOTE", "tip": "TIP", "success": "TIP", "note": "WARNING", "warning": "CAUTION", "error": "CAUTION"}
_ICONS = {
    ":bulb:": "TIP",
    ":check_mark:": "TIP",
    ":cross_mark:": "CAUTION",
    ":exclamation:": "IMPORTANT",
    ":info:": "NOTE",
    ":information_source:": "NOTE",
    ":no_entry:": "CAUTION",
    ":notepad_spiral:": "NOTE",
    ":pencil:": "NOTE",
    ":warning:": "WARNING",
    ":white_check_mark:": "TIP",
}


@macro("info", "tip", "note", "warning", "success", "error", reads=(RICH, PLAIN))
def alert(node: Element, page: PageWriter) -> str:
    """A GitHub alert (`> [!NOTE]`), its title in bold."""
    kind = _ALERTS[(node.get(AC + "name") or "").lower()]
    return framed(kind, parameters(node).get("title", ""), _content(node, page), page)


@macro("panel", "bgcolor", "tile", reads=(RICH, PLAIN))
def panel(node: Element, page: PageWriter) -> str:
    """A GitHub alert where its icon says which, a quote with the icon otherwise; its title in bold."""
    values = parameters(node)
    name = values.get("panelIcon", "")
    kind = _ICONS.get(name, "")
    icon = "" if kind else icon_of(name, values.get("panelIconText", ""))
    return framed(kind, values.get("title", ""), _content(node, page), page, icon)


def icon_of(name: str, character: str) -> str:
    """A panel's emoji, by the character that the panel names, or by its short name; empty if neither is known."""
    return character if character and not character.isascii() else EMOTICONS.get(name.strip(":"), "")


@macro("expand", "ui-expand", "expandable", reads=(RICH, PLAIN))
def expand(node: Element, page: PageWriter) -> str:
    """A collapsed section (`<details>`)."""
    return collapsed(escape(parameters(node).get("title", "")), _content(node, page))


_TRANSPARENT = """
    excerpt section column details div span layout align center
    multiexcerpt multiexcerpt-macro multiexcerpt-block-macro multiexcerpt-inline-macro multiexcerpt-fast-block-macro
    multiexcerpt-fast-inline-macro shared-block
    ui-tabs ui-children auitabs deck cards table-filter tablefilter pivot-table table-chart table-joiner table-plus
    sortable numberedheadings restrict hide show-if hide-if clickable
"""


@macro(*_TRANSPARENT.split(), reads=(RICH, PLAIN))
def content(node: Element, page: PageWriter) -> str:
    """Its content; page properties keep their table."""
    return _content(node, page)


@macro("ui-tab", "auitabspage", "card", "localtab", reads=(RICH, PLAIN))
def tab(node: Element, page: PageWriter) -> str:
    """Its title in bold, then its content."""
    values = parameters(node)
    title = values.get("title") or values.get("label") or values.get("") or ""
    body = _content(node, page)
    return f"**{escape(title)}**\n\n{body}".strip() if title else body


def framed(kind: str, title: str, body: str, page: PageWriter, icon: str = "") -> str:
    """A quote with an alert's mark, an emoji and a title."""
    heading = f"{escape(icon)} **{escape(title)}**" if title else escape(icon)
    parts = [heading.strip()] if title or (icon and body) else []
    if body:
        parts.append(body)
    if not parts:
        return ""
    inner = "\n\n".join(parts)
    return page.quoted(f"[!{kind}]\n{inner}" if kind else inner)


def _content(node: Element, page: PageWriter) -> str:
    body = rich_body(node)
    content = page.blocks(body) if body is not None else ""
    text = escape(plain_body(node)).strip()
    return f"{content}\n\n{text}".strip() if text else content
