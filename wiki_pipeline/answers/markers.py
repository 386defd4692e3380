"""Markers of citations in a model's text, read while it comes: `[c3]`, and what models write instead.

`[c3, c7]`, `[3]`, `【3】`, `［3］`, `[[3]]` and `[^3]` are taken too, split over any number of pieces. Only ids that
were issued count; others are dropped and counted. What stands in code is code. An address behind a marker is dropped:
links are made by the program alone. The grammar is linear and bounded: nothing is held back for more than some hundred
characters, whatever comes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_SPECIAL = re.compile(r"[`~\[【［]")
_RUN = re.compile(r"`+|~+")
_ID = r"[cC]?\d{1,3}"
_MARKER = re.compile(
    rf"[\[【［]{{1,2}}[ ]{{0,2}}\^?({_ID}(?:[ ]{{0,2}}[,;、，][ ]{{0,2}}\^?{_ID}){{0,15}})[ ]{{0,2}}"
    r"(?:†[^\[\]【】\n]{0,40})?[\]】］]{1,2}"
)
_PREFIX = re.compile(r"[\[【［]{1,2}[ ^cC\d,;、，]{0,120}(?:†[^\[\]【】\n]{0,40})?[\]】］]{0,2}")
_LINK = re.compile(r"\((?:[^()\s]|\([^()\s]{0,100}\)){0,500}\)")
_LINK_PREFIX = re.compile(r"\((?:[^()\s]|\([^()\s]{0,100}\)){0,500}(?:\([^()\s]{0,100})?")
_LONGEST_RUN = 64


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker of known ids, in the order in which they stand there."""

    ids: tuple[str, ...]


Token = str | Marker


class MarkerReader:
    """Reads a text piece by piece.

    Attributes:
        unknown: ids that were never issued, so far.
        links: addresses dropped behind markers, so far.

    Args:
        known: the ids that were issued, as `c3`.
    """

    def __init__(self, known: Collection[str]) -> None:
        self._known = frozenset(known)
        self._held = ""
        self._last = "\n"  # the character before what comes
        self._only_space = True  # since the beginning of the line
        self._fence = ""
        self._code = 0  # backticks that opened a span of code
        self.unknown = 0
        self.links = 0

    def feed(self, piece: str) -> list[Token]:
        """What of the text is certain with this piece."""
        return self._read(self._held + piece, final=False)

    def end(self) -> list[Token]:
        """The rest."""
        return self._read(self._held, final=True)

    def _read(self, text: str, *, final: bool) -> list[Token]:
        self._held = ""
        out: list[Token] = []
        at = 0
        while at < len(text):
            found = _SPECIAL.search(text, at)
            begin = found.start() if found else len(text)
            if begin > at:
                self._pass(text[at:begin], out)
            if found is None:
                break
            step = self._run(text, begin, out, final) if found[0] in "`~" else self._bracket(text, begin, out, final)
            if not step:
                self._held = text[begin:]
                break
            at = begin + step
        return _joined(out)

    def _pass(self, text: str, out: list[Token]) -> None:
        """Text without anything special."""
        out.append(text)
        if self._code and ("\n\n" in text or (self._last == "\n" and text.startswith("\n"))):
            self._code = 0  # a span of code ends with its paragraph
        line = text.rpartition("\n")
        self._only_space = (bool(line[1]) or self._only_space) and not line[2].strip(" \t>")
        self._last = text[-1]

    def _run(self, text: str, at: int, out: list[Token], final: bool) -> int:
        """Backticks or tildes; 0 if more may come."""
        run = _RUN.match(text, at)
        length = len(run[0]) if run else 1
        if at + length == len(text) and length < _LONGEST_RUN and not final:
            return 0
        mark = text[at] * length
        if self._fence:
            if self._only_space and mark.startswith(self._fence):
                self._fence = ""
        elif self._code:
            self._code = 0 if mark[0] == "`" and length == self._code else self._code
        elif self._only_space and length >= 3:
            self._fence = mark
        elif mark[0] == "`":
            self._code = length
        out.append(mark)
        self._last, self._only_space = mark[-1], False
        return length

    def _bracket(self, text: str, at: int, out: list[Token], final: bool) -> int:
        """A bracket: of a marker, or one of the text; 0 if that can't be told yet."""
        if self._fence or self._code or self._last == "\\":
            self._pass(text[at], out)
            return 1
        found = _MARKER.match(text, at)
        if found is None:
            if not final and _PREFIX.fullmatch(text, at):
                return 0
            self._pass(text[at], out)
            return 1
        end = found.end()
        if not final and (end == len(text) or (text[end] == "(" and _LINK_PREFIX.fullmatch(text, end))):
            return 0
        ids = self._ids(found[1])
        if ids is None:
            self._pass(text[at:end], out)
            return end - at
        if ids:
            out.append(Marker(ids))
        if link := _LINK.match(text, end):
            self.links += 1
            end = link.end()
        return end - at

    def _ids(self, inside: str) -> tuple[str, ...] | None:
        """The known ids between brackets; None if it is no marker, but an index or a number of the text."""
        names = [name.strip(" ^").lower() for name in re.split(r"[,;、，]", inside)]
        bare = not any(name.startswith("c") for name in names)
        ids = [name if name.startswith("c") else f"c{int(name)}" for name in names]
        known = tuple(dict.fromkeys(name for name in ids if name in self._known))
        if bare and not known and (self._last.isalnum() or self._last in "_)]" or any(len(name) > 2 for name in names)):
            return None
        self.unknown += len([name for name in ids if name not in self._known])
        return known


def _joined(tokens: Iterable[Token]) -> list[Token]:
    """Neighbouring texts as one."""
    out: list[Token] = []
    texts: list[str] = []
    for token in tokens:
        if isinstance(token, str):
            texts.append(token)
            continue
        if texts:
            out.append("".join(texts))
            texts = []
        out.append(token)
    return [*out, "".join(texts)] if texts else out


def canonical(tokens: Iterable[Token]) -> str:
    """Tokens as one text, each id with a marker of its own: `[c3][c7]`."""
    return "".join(token if isinstance(token, str) else "".join(f"[{name}]" for name in token.ids) for token in tokens)


def read(text: str, known: Collection[str]) -> list[Token]:
    """A whole text's tokens."""
    reader = MarkerReader(known)
    return [*reader.feed(text), *reader.end()]
