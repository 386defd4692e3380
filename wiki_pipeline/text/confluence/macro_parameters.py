"""Reading a macro's parameters and bodies."""

from __future__ import annotations

from wiki_pipeline.text.confluence.elements import text_of
from wiki_pipeline.text.confluence.registry import AC, PLAIN, RI, RICH, Element


def parameters(node: Element, breaks: str = " ") -> dict[str, str]:
    """A macro's parameters by name, as text, line breaks in them written as `breaks`; the nameless one is `""`."""
    found = {}
    for child in node:
        if child.tag in {AC + "parameter", AC + "default-parameter"}:
            found[child.get(AC + "name") or ""] = text_of(child, breaks).strip()
    return found


def referring_parameter(node: Element) -> Element | None:
    """The element around the first `ri:*` reference in a macro's parameters: its `ac:link`, or the parameter."""
    for child in node:
        if child.tag != AC + "parameter":
            continue
        for inner in child.iter():
            if isinstance(inner.tag, str) and inner.tag.startswith(RI):
                return inner.getparent()
    return None


def rich_body(node: Element) -> Element | None:
    """The macro's body of elements."""
    return node.find(RICH)


def plain_body(node: Element) -> str:
    """The macro's body of text, verbatim."""
    body = node.find(PLAIN)
    return text_of(body, breaks="\n") if body is not None else ""
