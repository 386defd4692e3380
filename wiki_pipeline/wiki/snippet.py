"""The part of a chunk that shows why it was found."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CHARACTERS = 320
_WORD = re.compile(r"\w+")
_SPACE = re.compile(r"\s+")
# Markdown that says nothing in an excerpt: the rule of a table, the first line of a fence, the mark of an alert ...
_WHOLE = re.compile(
    r"^[ \t>]*(?:`{3,}.*|~{3,}.*|[|:][-| :\t]*-{3}[-| :\t]*|-{3,})$|\[!(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]",
    re.MULTILINE,
)
# ... and what frames text: escapes, links, images, marks at the beginning of lines, emphasis, tags.
_FRAME = re.compile(
    r"\\([!-/:-@\[-`{-~])|!?\[((?:[^\[\]\\]|\\.)*)\]\([^()\s]*(?:\s\"[^\"]*\")?\)"
    r"|^[ \t]*(?:(?:#{1,6}|>|[-+*])(?:[ \t]+|$))+|[*`|]+|<[^<>]+>",
    re.MULTILINE,
)
_FIRST_HEADING = re.compile(r"\s*#{1,6}[ \t][^\n]*\n+(?=\S)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of an excerpt; `found` if it is a word of the query."""

    text: str
    found: bool = False


def pieces_of(text: str, query: str, *, code: bool = False, most: int = _CHARACTERS) -> tuple[Piece, ...]:
    """An excerpt of a chunk around the words of a query, as plain text in pieces.

    Args:
        text: the chunk, as Markdown, or as source code.
        code: keep the lines of the chunk as they are.
        most: characters of the excerpt.
    """
    shown = text.strip("\n") if code else _plain(text)
    words = _telling({word.casefold() for word in _WORD.findall(query)})
    start = _best_start(shown, words)
    cut = shown[start : start + most]
    if start + most < len(shown):
        cut = cut[: max(cut.rfind("\n" if code else " "), most // 2)] + " …"
    return tuple(_marked("… " + cut if start else cut, words))


def _plain(markdown: str) -> str:
    """Without markup, and without the heading at its beginning, which is shown above an excerpt anyway."""
    text = _FIRST_HEADING.sub("", markdown, count=1) if markdown.lstrip().startswith("#") else markdown
    return _SPACE.sub(" ", _FRAME.sub(_inner, _WHOLE.sub("", text))).strip()


def _telling(words: set[str]) -> set[str]:
    """Words that are worth marking: short ones in Latin letters are everywhere. All, if there are no others."""
    return {word for word in words if len(word) > 3 or not word.isascii() or word.isdecimal()} or words


def _inner(found: re.Match[str]) -> str:
    return found[1] or found[2] or ""


def _best_start(text: str, words: set[str]) -> int:
    """Where the window with most different words of the query begins; the text's own beginning if that is as good."""
    places = [(found.start(), found[0].casefold()) for found in _WORD.finditer(text) if _is_one(found[0], words)]
    best, best_count = 0, len({word for place, word in places if place < _CHARACTERS})
    for place, _ in places[:200]:
        count = len({word for other, word in places if place <= other < place + _CHARACTERS - 40})
        if count > best_count:
            best, best_count = place, count
    if not best:
        return 0
    before = text[max(0, best - _CHARACTERS // 4) : best]
    begun = max(before.rfind(". ") + 2, before.rfind("\n") + 1)  # of the sentence or line; 1 if it is further away
    return best - len(before) + begun if begun > 1 else best


def _is_one(word: str, words: set[str]) -> bool:
    return word.casefold() in words


def _marked(text: str, words: set[str]) -> list[Piece]:
    pieces: list[Piece] = []
    end = 0
    for found in _WORD.finditer(text):
        if _is_one(found[0], words):
            if found.start() > end:
                pieces.append(Piece(text[end : found.start()]))
            pieces.append(Piece(found[0], found=True))
            end = found.end()
    if end < len(text):
        pieces.append(Piece(text[end:]))
    return pieces
