"""Content of the new editor that the storage format has no elements for (`ac:adf-extension`): panels, decisions, apps.

An app of Cloud is known by its key or its title. Where an app of the same kind is known as a macro, that macro's
handler writes it; else what the editor keeps as a fallback is shown, else a mark with the app's name. Those are counted
as unknown.
"""

from __future__ import annotations

import re

from lxml import etree

from wiki_pipeline.text.confluence.elements import text_of
from wiki_pipeline.text.confluence.macros.panels import framed, icon_of
from wiki_pipeline.text.confluence.registry import AC, BLOCK_MACROS, INLINE_MACROS, PLAIN, Element, element
from wiki_pipeline.text.confluence.writer import EXTENSION, PageWriter
from wiki_pipeline.text.markdown import escape

_NODE, _ATTRIBUTE, _PARAMETER = AC + "adf-node", AC + "adf-attribute", AC + "adf-parameter"
_CONTENT, _LEAF, _FALLBACK = AC + "adf-content", AC + "adf-leaf", AC + "adf-fallback"
# The editor's note is the purple one, which is no warning as the storage format's is.
_ALERTS = {"info": "NOTE", "note": "NOTE", "tip": "TIP", "success": "TIP", "warning": "WARNING", "error": "CAUTION"}
_MARKS = {"UNDECIDED": "⤷ (undecided) "}
# Apps by words of their keys and titles: the macro that shows the same.
_SISTERS = (
    (re.compile(r"mermaid", re.IGNORECASE), "mermaid"),
    (re.compile(r"plant-?uml", re.IGNORECASE), "plantuml"),
    (re.compile(r"draw\.?io|diagramly", re.IGNORECASE), "drawio"),
    (re.compile(r"gliffy", re.IGNORECASE), "gliffy"),
    (re.compile(r"lucid", re.IGNORECASE), "lucidchart"),
    (re.compile(r"markdown", re.IGNORECASE), "markdown"),
    (re.compile(r"latex|math", re.IGNORECASE), "mathblock"),
    (re.compile(r"code|snippet", re.IGNORECASE), "code"),
    (re.compile(r"chart", re.IGNORECASE), "chart"),
)
_BODIES = (
    "code",
    "source",
    "markdown",
    "content",
    "body",
    "text",
    "diagram",
    "umlDefinition",
    "data",
    "latex",
    "formula",
)
_TITLES = ("title", "globaltitle", "globalTitle", "caption", "diagramDisplayName", "diagramName", "name")


@element("ac:adf-extension", "ac:adf-node", "ac:adf-content", "ac:adf-leaf")
def editor_node(node: Element, page: PageWriter) -> str:
    """Panels as alerts, decisions as a list, apps as their sisters among the macros; anything else as it stands."""
    if node.tag == EXTENSION:
        return _extension(node, page)
    if node.tag == _LEAF:
        return escape(_attribute(node, "text")) or page.inline(node)
    kind = node.get("type") or ""
    if kind == "panel":
        return _panel(node, page)
    if kind.endswith("extension"):
        return _app(node, page)
    is_line = kind == "paragraph" and all(child.tag in {_LEAF, _ATTRIBUTE} for child in node)
    body = page.inline(node) if is_line else page.blocks(node)
    return f"- {_MARKS.get(_attribute(node, 'state'), '⤷ ')}{body}" if kind == "decision-item" and body else body


@element("ac:adf-attribute", "ac:adf-parameter", "ac:adf-mark")
def editor_attribute(node: Element, page: PageWriter) -> str:
    """Nothing: settings of the editor."""
    return ""


def _extension(node: Element, page: PageWriter) -> str:
    if node.find(_NODE) is None:
        return page.blocks(node)
    shown = "\n\n".join(filter(None, (_written(child, page) for child in node if child.tag != _FALLBACK)))
    fallback = node.find(_FALLBACK)
    return shown if shown or fallback is None else page.blocks(fallback)


def _written(node: Element, page: PageWriter) -> str:
    return editor_node(node, page) if node.tag in {_NODE, _CONTENT, _LEAF} else page.blocks(node)


def _panel(node: Element, page: PageWriter) -> str:
    body = page.blocks(node)
    given = _attribute(node, "panel-type")
    if given != "custom":
        return framed(_ALERTS.get(given, "NOTE"), "", body, page)
    return framed("", "", body, page, icon_of(_attribute(node, "panel-icon"), _attribute(node, "panel-icon-text")))


def _app(node: Element, page: PageWriter) -> str:
    """What an app shows, as the macro of its kind would; empty if there is none and the editor keeps a fallback."""
    key, given = _attribute(node, "extension-key"), _parameters(node)
    title = given.get("extension-title") or given.get("title") or _attribute(node, "text") or key.rpartition("/")[2]
    name = _sister(key, title)
    if name and (handler := BLOCK_MACROS.get(name) or INLINE_MACROS.get(name)):
        macro = _as_macro(name, given)
        if macro is not None:
            return str(handler(macro, page))
    page.unknown[title or "unnamed"] += 1
    content = node.find(_CONTENT)
    if content is not None:
        return page.blocks(content)
    parent = node.getparent()
    kept = parent is not None and parent.find(_FALLBACK) is not None
    return "" if kept else page.placeholder(title or "App")


def _sister(key: str, title: str) -> str:
    """The macro that shows what an app does; empty if none is known. Confluence's own are named by the key."""
    if key in BLOCK_MACROS or key in INLINE_MACROS:
        return key
    end = key.rpartition("/")[2]
    return next((name for words, name in _SISTERS if words.search(end) or words.search(title)), "")


def _as_macro(name: str, given: dict[str, str]) -> Element | None:
    """The macro that an app's parameters amount to; None where a text is needed and they hold none."""
    macro = etree.Element(AC + "structured-macro", {AC + "name": name})
    title = next((given[key] for key in _TITLES if given.get(key)), "")
    values = {**given, **({"title": title, "name": title} if title else {})}
    text = next((given[key] for key in _BODIES if given.get(key, "").strip()), "")
    for key, value in values.items():
        if value != text:
            etree.SubElement(macro, AC + "parameter", {AC + "name": key}).text = value
    if text:
        etree.SubElement(macro, PLAIN).text = text
    return macro if text or title else None


def _parameters(node: Element) -> dict[str, str]:
    """An app's parameters by name, those of its own after the editor's; nested ones by the name of the innermost."""
    leaves = (parameter for parameter in node.iter(_PARAMETER) if parameter.find(_PARAMETER) is None)
    return {leaf.get("key") or "": text_of(leaf, "\n") for leaf in leaves}


def _attribute(node: Element, key: str) -> str:
    return next((child.text or "" for child in node if child.tag == _ATTRIBUTE and child.get("key") == key), "")
