"""A text in its parts: sentences, items of lists, rows of tables with their header, blocks of code.

Linear in the text, in any script; no language is assumed, so a few abbreviations are known and the rest is judged by
what follows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_FENCE = re.compile(r"^[ \t>]{0,12}(`{3,}|~{3,})")
_ITEM = re.compile(r"^[ \t>]{0,40}(?:[-*+•]|\d{1,4}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?")
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+")
_ROW = re.compile(r"^[ \t>]*\|")
_RULE = re.compile(r"^[ \t>]*\|?[-:| \t]{3,}$")
_QUOTE = re.compile(r"^[ \t]*(?:>[ \t]?)+(?:\[![A-Z]+\][ \t]*)?")
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s|$)|[。！？｡]+[」』”’）]*|[؟۔।॥]+(?=\s|$)")
_SHORT_FORMS = """
e.g i.e etc vs cf dr mr mrs ms prof no nos fig approx ca bzw z.b d.h u.a usw vgl nr str st inc ltd jr sr min max
p.ex par.ex env art sec vol ed al dept est ext tel abs bspw evtl ggf inkl zzgl sog p pp
"""
# What a full stop after them does not end.
_ABBREVIATIONS = frozenset(_SHORT_FORMS.split())
_MONTH = re.compile(r"\s{1,2}(?:Jan|Feb|März|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez|Dec|Oct|Mar|May)")
_MOST_CHARACTERS = 600  # a part that is longer is cut at a space


class Kind(StrEnum):
    """What a part of a text is."""

    SENTENCE = "sentence"
    ITEM = "item"
    ROW = "row"
    CODE = "code"
    HEADING = "heading"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text.

    Attributes:
        begin, end: where it stands, without white space around it; marks of lists and headings are left out.
        header: of a table's row, the line that names its columns.
        block: number of the paragraph, list or table that it belongs to.
    """

    kind: Kind
    begin: int
    end: int
    block: int
    header: str = ""

    def of(self, text: str) -> str:
        """The part itself."""
        return text[self.begin : self.end]


def parts_of(text: str) -> list[Part]:
    """The parts of a Markdown text, in order; they don't overlap."""
    return _Reader(text).parts


class _Reader:
    """Reads line by line; paragraphs are gathered and then cut into sentences."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._block = 0
        self._paragraph: tuple[int, int, Kind] | None = None
        self._fence = ""
        self._code_at = 0
        self._header = ""
        self.parts: list[Part] = []
        at = 0
        for line in text.splitlines(keepends=True):
            self._line(line, at)
            at += len(line)
        self._end_paragraph()
        if self._fence:
            self._code(len(text))

    def _line(self, line: str, at: int) -> None:
        fence = _FENCE.match(line)
        if self._fence:
            if fence and fence[1].startswith(self._fence) and not line.strip(" \t>`~\r\n"):
                self._code(at)
            return
        if fence:
            self._end_paragraph()
            self._fence, self._code_at = fence[1], at + len(line)
            return
        if not line.strip(" \t>\r\n"):
            self._end_paragraph()
            self._header = ""
            self._block += 1
        elif _ROW.match(line):
            self._end_paragraph()
            self._row(line, at)
        elif heading := _HEADING.match(line):
            self._end_paragraph()
            self._add(Kind.HEADING, at + heading.end(), at + len(line))
        elif item := _ITEM.match(line):
            self._end_paragraph()
            self._paragraph = (at + item.end(), at + len(line), Kind.ITEM)
        else:
            quote = _QUOTE.match(line)
            begin = at + (quote.end() if quote else 0)
            first, _, kind = self._paragraph or (begin, 0, Kind.SENTENCE)
            self._paragraph = (first, at + len(line), kind)

    def _row(self, line: str, at: int) -> None:
        if _RULE.match(line):
            return
        if not self._header:
            self._header = line.strip()
            if self._text[at + len(line) :].lstrip(" \t>").startswith("|"):
                return  # the header itself; a line alone is a row
        self._add(Kind.ROW, at, at + len(line), self._header)

    def _code(self, end: int) -> None:
        self._add(Kind.CODE, self._code_at, end)
        self._fence = ""

    def _end_paragraph(self) -> None:
        if self._paragraph is None:
            return
        begin, end, kind = self._paragraph
        self._paragraph = None
        for first, last in sentence_spans(self._text, begin, end):
            self._add(kind, first, last)

    def _add(self, kind: Kind, begin: int, end: int, header: str = "") -> None:
        while begin < end and self._text[begin].isspace():
            begin += 1
        while end > begin and self._text[end - 1].isspace():
            end -= 1
        if end > begin:
            self.parts.append(Part(kind, begin, end, self._block, header))


def sentence_spans(text: str, begin: int, end: int) -> list[tuple[int, int]]:
    """Where the sentences of a piece of running text begin and end."""
    spans: list[tuple[int, int]] = []
    start = begin
    for found in _END.finditer(text, begin, end):
        if _goes_on(text, start, found, end):
            continue
        spans += _short(text, start, found.end())
        start = found.end()
    if text[start:end].strip():
        spans += _short(text, start, end)
    return spans


def _goes_on(text: str, start: int, found: re.Match[str], end: int) -> bool:
    """Whether a full stop ends no sentence: after an abbreviation, an initial, or before a small letter."""
    if found[0] != ".":
        return False
    before = text[start : found.start()]
    last = before.rpartition(" ")[2].rpartition("\n")[2].lstrip("(\"'“„").casefold()
    if last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha()):
        return True
    after = text[found.end() : min(end, found.end() + 3)].lstrip()
    if last.isdigit() and len(last) <= 2 and _MONTH.match(text, found.end()):
        return True  # "am 3. Oktober"
    return after[:1].islower()


def _short(text: str, begin: int, end: int) -> list[tuple[int, int]]:
    spans = []
    while end - begin > _MOST_CHARACTERS:
        at = text.rfind(" ", begin + _MOST_CHARACTERS // 2, begin + _MOST_CHARACTERS)
        at = at if at > 0 else begin + _MOST_CHARACTERS
        spans.append((begin, at))
        begin = at
    return [*spans, (begin, end)]
