"""Confluence's rendered pages (the `view` representation): what the server made of macros, turned back into macros.

The server marks them by CSS classes. Each rule here rewrites one kind of element into its storage-format form, so that
the table of handlers writes both alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from lxml import etree

from wiki_pipeline.text.confluence.elements import text_of
from wiki_pipeline.text.confluence.registry import AC, Element

Rule: TypeAlias = Callable[[Element], None]
_RULES: dict[str, Rule] = {}


def adapt(root: Element) -> None:
    """Rewrite, in place, all elements below `root` that a rule knows by one of their classes."""
    for node in list(root.iter()):
        for name in (node.get("class") or "").split():
            if name in _RULES:
                _RULES[name](node)
                break


def _css(*names: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        _RULES.update(dict.fromkeys(names, rule))
        return rule

    return register


@_css("confluence-information-macro-information")
def _info(node: Element) -> None:
    _panel(node, "info", "confluence-information-macro-body", "title")


@_css("confluence-information-macro-tip")
def _tip(node: Element) -> None:
    _panel(node, "tip", "confluence-information-macro-body", "title")


@_css("confluence-information-macro-note")
def _note(node: Element) -> None:
    _panel(node, "note", "confluence-information-macro-body", "title")


@_css("confluence-information-macro-warning")
def _warning(node: Element) -> None:
    _panel(node, "warning", "confluence-information-macro-body", "title")


@_css("panel")
def _framed(node: Element) -> None:
    if _child(node, "panelContent") is not None:
        _panel(node, "panel", "panelContent", "panelHeader")


@_css("expand-container")
def _expand(node: Element) -> None:
    _panel(node, "expand", "expand-content", "expand-control-text")


@_css("codeHeader", "preformattedHeader")
def _bold(node: Element) -> None:
    node.tag = "p"
    title = etree.SubElement(node, "strong")
    title.text, node.text = text_of(node), None
    for child in list(node)[:-1]:
        node.remove(child)


@_css("toc-macro", "client-side-toc-macro")
def _contents(node: Element) -> None:
    _empty(node, AC + "structured-macro").set(AC + "name", "toc")


@_css("user-mention", "confluence-userlink")
def _mention(node: Element) -> None:
    name = " ".join(text_of(node).split())
    _empty(node, "span").text = name if name.startswith("@") else f"@{name}"


@_css("emoticon", "emoji")
def _emoticon(node: Element) -> None:
    shown = node.get("data-emoji-fallback") or node.get("alt") or ""
    name = (node.get("data-emoji-short-name") or node.get("data-emoticon-name") or shown.strip("()")).strip(":")
    _empty(node, AC + "emoticon")
    node.set(AC + "emoji-fallback", shown)
    node.set(AC + "name", name)


# What the server's styles are called, old and new, and the colours that they stand for.
_LOZENGES = {
    "success": "Green",
    "error": "Red",
    "removed": "Red",
    "current": "Yellow",
    "moved": "Yellow",
    "complete": "Blue",
    "progress": "Blue",
    "inprogress": "Blue",
    "new": "Purple",
}


@_css("status-macro")
def _status(node: Element) -> None:
    text = " ".join(text_of(node).split())
    names = {name.removeprefix("aui-lozenge-") for name in (node.get("class") or "").split()}
    colour = next((colour for name, colour in _LOZENGES.items() if name in names), "Grey")
    values = {"title": text, "colour": colour, "subtle": "true" if "subtle" in names else ""}
    _empty(node, AC + "structured-macro").set(AC + "name", "status")
    for name, value in values.items():
        parameter = etree.SubElement(node, AC + "parameter")
        parameter.set(AC + "name", name)
        parameter.text = value


@_css("jira-issue")
def _issue(node: Element) -> None:
    key = node.get("data-jira-key")
    link = next(node.iter("a"), None)
    if key and link is not None:
        address = link.get("href") or ""
        _empty(node, "a").text = key
        node.set("href", address)


@_css("confluence-information-macro-icon", "aui-icon", "expand-control-icon")
def _icon(node: Element) -> None:
    _empty(node, "span")


@_css("katex-html")
def _shown_twice(node: Element) -> None:
    """KaTeX's drawing beside the same formula as MathML."""
    _empty(node, "span")


def _panel(node: Element, name: str, body_class: str, title_class: str) -> None:
    body, title = _child(node, body_class), _child(node, title_class)
    node.tag = AC + "structured-macro"
    node.set(AC + "name", name)
    if title is not None:
        parameter = etree.SubElement(node, AC + "parameter")
        parameter.set(AC + "name", "title")
        parameter.text = " ".join(text_of(title).split())
        _empty(title, "span")
    if body is not None:
        body.tag = "div"
        rich = etree.SubElement(node, AC + "rich-text-body")
        rich.append(body)


def _child(node: Element, name: str) -> Element | None:
    return next((inner for inner in node.iter() if name in (inner.get("class") or "").split()), None)


def _empty(node: Element, tag: str) -> Element:
    """The node as an empty element of another name; its tail stays."""
    tail = node.tail
    node.clear()
    node.tag, node.tail = tag, tail
    return node
