"""The table of handlers: what each element and macro of a wiki page becomes in Markdown.

A handler is a function `(node, page) -> str` that returns Markdown. To teach the converter a new element or macro,
write one such function in `elements.py` or in a module of `macros/` and register it:

    @macro("status")
    def status(node: Element, page: PageWriter) -> str:
        return escape(parameters(node).get("title", ""))

`block=True` says that the Markdown stands in paragraphs of its own; all else is part of a line. `reads` names the
bodies of a macro that its handler looks at: any other stands behind the macro, so that nothing in it is lost. The first
line of the docstring is the handler's documentation for users.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from lxml import etree

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml's public name for the type of its elements
# Its second argument is the `PageWriter` that asks, which is built on this table.
Handler: TypeAlias = Callable[[Element, Any], str]

AC = "{ac}"
RI = "{ri}"
AT = "{at}"
RICH, PLAIN = AC + "rich-text-body", AC + "plain-text-body"

INLINE: dict[str, Handler] = {}
BLOCK: dict[str, Handler] = {}
INLINE_MACROS: dict[str, Handler] = {}
BLOCK_MACROS: dict[str, Handler] = {}
# By the name of a macro: the bodies that its handler reads.
READS: dict[str, frozenset[str]] = {}


def qualified(name: str) -> str:
    """`ac:link` as lxml writes it, `{ac}link`."""
    prefix, colon, local = name.partition(":")
    return f"{{{prefix}}}{local}" if colon else name


def element(*names: str, block: bool = False) -> Callable[[Handler], Handler]:
    """Register a handler for elements, written as in the storage format (`strong`, `ac:image`)."""

    def register(handler: Handler) -> Handler:
        for name in names:
            _add(BLOCK if block else INLINE, INLINE if block else BLOCK, qualified(name), handler)
        return handler

    return register


def macro(*names: str, block: bool = True, reads: Collection[str] = ()) -> Callable[[Handler], Handler]:
    """Register a handler for macros (`ac:structured-macro`) by their `ac:name`; `reads`: `RICH`, `PLAIN` or both."""

    def register(handler: Handler) -> Handler:
        for name in names:
            _add(
                BLOCK_MACROS if block else INLINE_MACROS,
                INLINE_MACROS if block else BLOCK_MACROS,
                name.lower(),
                handler,
            )
            READS[name.lower()] = frozenset(reads)
        return handler

    return register


def _add(table: dict[str, Handler], other: dict[str, Handler], name: str, handler: Handler) -> None:
    if name in table or name in other:
        raise ValueError(f"Two handlers for {name}.")
    table[name] = handler
