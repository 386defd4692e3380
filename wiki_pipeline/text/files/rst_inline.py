"""docutils' reading of a line, in time that grows with its length.

Its own looks for the end of each mark up to the end of the paragraph, and for addresses in all of a word: what is never
closed, or a word of many colons, takes time with the square of its length or worse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from docutils.parsers.rst.states import Inliner

_AT_ONCE = 4_000  # characters of a paragraph; marks of longer ones don't reach across
_ADDRESS = 500  # characters of the longest word that may be an address
_LONG_WORD = re.compile(rf"(\S{{{_ADDRESS},}}+)")
_PIECE = re.compile(rf"[\s\S]{{1,{_AT_ONCE}}}(?:(?<=\s)|\Z)|\S{{1,{_ADDRESS}}}+")


class BoundedInliner(Inliner):
    """Reads long paragraphs piece by piece."""

    def parse(
        self, text: str, lineno: int, memo: Any, parent: nodes.Element
    ) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """The nodes of a paragraph. What can't be read stays as it is written; no reader sees docutils' complaint about
        it, and a complaint a mark would make a document of marks many times as large."""
        found: list[nodes.Node] = []
        kept = len(memo.document.parse_messages)
        for piece in _pieces(text):
            some, _ = super().parse(piece, lineno, memo, parent)
            del memo.document.parse_messages[kept:]
            found += (nodes.Text(node.astext()) if isinstance(node, nodes.problematic) else node for node in some)
        return found, []

    def implicit_inline(self, text: str, lineno: int) -> list[nodes.Text]:
        """Text with its addresses as links; no long word is one."""
        if len(text) < _ADDRESS:
            return super().implicit_inline(text, lineno)
        found: list[nodes.Text] = []
        for part in _LONG_WORD.split(text):
            found += [nodes.Text(part)] if _LONG_WORD.fullmatch(part) else self._short(part, lineno)
        return found

    def _short(self, text: str, lineno: int) -> list[nodes.Text]:
        return [node for piece in _pieces(text) for node in super(BoundedInliner, self).implicit_inline(piece, lineno)]


# docutils looks for the parts of its expressions in the class itself, not in those that it is made of.
for _name, _value in vars(Inliner).items():
    if isinstance(_value, str) and not _name.startswith("_"):
        setattr(BoundedInliner, _name, _value)


def _pieces(text: str) -> Iterator[str]:
    """A text in pieces that end at white space, if they can."""
    return iter([text]) if len(text) <= _AT_ONCE else (piece.group() for piece in _PIECE.finditer(text))
