"""Where a document is cut: where its structure is strongest, and so that a cut depends on little besides its own place.

A document is a row of pieces that are never cut. While a span is too large it is divided at the strongest gap in it;
among equally strong gaps that leave enough on both sides a hash of the text behind the gap decides. Packing from the
front would be denser, but there one inserted line moves every cut behind it; here it moves none beyond the segment it
falls into, but for rare cases where a size crosses a bound.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate, chain, count, pairwise
from operator import add
from typing import NamedTuple
from zlib import crc32

# Strength of the gap before a piece, lower is stronger; headings have their level, 1 to 6.
DEEPEST_HEADING = 6
PARAGRAPH = 10
ITEM = 20
ROW = 30
LINE = 40
SENTENCE = 50
NEVER = 99  # directly below a heading or above what a comment describes

# The part of the bound that a cut leaves on both sides where an equally strong one can. Hashes alone cut anywhere: of
# the ends that are left over some hold too little to be found by. On the retrieval benchmark's corpora words found
# 93.9% with it and a bound a sixteenth above the size, 93.0% without and an eighth: means over five seeds of the hash,
# scores computed apart from LanceDB. A seed moves it by 0.3 to 0.7, and bounds of 385 to 445 tokens found 92.3 to 93.9%
# on average: some of the gain is luck.
_LEAST = 0.4
# Of a piece, for its hash. (Of 1,900 edits of single lines of code 3.3% changed more than two segments with 100
# characters, 0.1% with 24.)
_HASHED = 24


class Piece(NamedTuple):
    """Text that belongs together.

    Attributes:
        start, end: offsets in the document.
        size: in the unit of the bound, tokens or characters.
        rank: strength of the gap before it.
        path: headings or scopes around it, outermost first.
        opening: repeated above it where a segment begins with it: a table's header, a fence's first line.
        closing: added below it where a segment ends with it though its block goes on.
    """

    start: int
    end: int
    size: int
    rank: int
    path: tuple[str, ...] = ()
    opening: str = ""
    closing: str = ""


class Segment(NamedTuple):
    """A segment with the 1-based lines of the document that it holds, both included."""

    text: str
    path: tuple[str, ...]
    start_line: int
    end_line: int


def segments(text: str, pieces: Sequence[Piece], *, most: int, overlap: int = 0) -> Iterator[Segment]:
    """The segments of a document, in order.

    Args:
        text: the document.
        pieces: all of it, in order.
        most: the bound of a segment, in the pieces' unit.
        overlap: size of the segment before that each repeats.
    """
    lines = line_starts(text.split("\n"))
    for first, last in spans(text, pieces, most):
        begin, end = pieces[first].start, pieces[last - 1].end
        if overlap and first:
            begin = _overlapping(text, pieces, first, overlap)
        whole = text[begin:end].rstrip()
        if not whole:
            continue
        body = whole.lstrip("\n")
        begin += len(whole) - len(body)
        opening, closing = pieces[first].opening, pieces[last - 1].closing
        shown = opening + body + closing if begin >= pieces[first].start else body + closing
        path = common_path({piece.path for piece in pieces[first:last]})
        yield Segment(shown, path, bisect_right(lines, begin), bisect_right(lines, begin + len(body) - 1))


def line_starts(lines: Sequence[str]) -> list[int]:
    """Where each line begins in the text that they make up, and where the last one ends."""
    starts = [0, *map(add, accumulate(map(len, lines)), count(1))]
    starts[-1] -= 1
    return starts


def spans(text: str, pieces: Sequence[Piece], most: int) -> Iterator[tuple[int, int]]:
    """Ranges of pieces that become one segment each."""
    if not pieces:
        return
    totals = [0, *accumulate(piece.size for piece in pieces)]
    strengths = [piece.rank << 32 | _hash(text[piece.start : piece.start + 4 * _HASHED]) for piece in pieces]
    cuts = [0, *_cuts(totals, strengths, most), len(pieces)]
    yield from pairwise(_without_scraps(cuts, totals, strengths, most))


def _cuts(totals: Sequence[int], strengths: Sequence[int], most: int) -> Iterator[int]:
    """The gaps at which spans that are too large are divided, in order: always at the strongest rank of a span, and at
    the strongest gap of that rank that is not too close to the span's ends, if there is one.

    Whether a gap is a cut depends on nothing beyond the next stronger gaps to its left and right.
    """
    gaps = _Gaps(strengths)
    least = most * _LEAST
    waiting = [(0, len(strengths))]
    while waiting:
        first, last = waiting.pop()
        if first == last:  # a cut whose left side is done
            yield first
            continue
        if totals[last] - totals[first] <= most or last - first == 1:
            continue
        chosen = gaps.strongest(first + 1, last)
        begin = bisect_left(totals, totals[first] + least, first + 1, last)
        end = bisect_right(totals, totals[last] - least, begin, last)
        if begin < end:
            inner = gaps.strongest(begin, end)
            chosen = inner if inner >> 32 == chosen >> 32 else chosen
        middle = (totals[first] + totals[last]) // 2
        cut = min(gaps.places(chosen, first + 1, last), key=lambda place: abs(totals[place] - middle))
        waiting += [(cut, last), (cut, cut), (first, cut)]


class _Gaps:
    """The gaps of a document, looked through by runs: in deep nesting each cut leaves nearly all of a span over, and
    looking at each gap again would take time in proportion to the square of its length."""

    _RUN = 128

    def __init__(self, strengths: Sequence[int]) -> None:
        self._strengths = strengths
        self._runs = [min(strengths[begin : begin + self._RUN]) for begin in range(0, len(strengths), self._RUN)]
        self._places: defaultdict[int, list[int]] = defaultdict(list)
        for place, strength in enumerate(strengths):
            self._places[strength].append(place)

    def strongest(self, first: int, last: int) -> int:
        """The strength of the strongest gap from `first` to `last` (exclusive)."""
        begin, end = -(-first // self._RUN), last // self._RUN  # runs that are whole within
        if begin >= end:
            return min(self._strengths[first:last])
        sides = self._strengths[first : begin * self._RUN], self._strengths[end * self._RUN : last]
        return min(chain(self._runs[begin:end], *sides))

    def places(self, strength: int, first: int, last: int) -> list[int]:
        """The gaps of one strength from `first` to `last` (exclusive)."""
        places = self._places[strength]
        return places[bisect_left(places, first) : bisect_left(places, last)]


def _without_scraps(cuts: list[int], totals: Sequence[int], strengths: Sequence[int], most: int) -> list[int]:
    """The cuts without those beside spans too small to stand alone: each such span joins a neighbour, across the
    weaker of the gaps at its sides, if what they become, with all that joined before, is not much above the bound."""
    limit = most + most // 8
    kept: list[int] = []
    joined = False  # with the span before, which was too small
    for first, last, after in zip(cuts[:-1], cuts[1:], [*cuts[2:], None], strict=True):
        if not joined:
            kept.append(first)
        joined = False
        start = kept[-1]
        if totals[last] - totals[start] >= most // 5:
            continue
        sides = []
        if len(kept) > 1 and totals[last] - totals[kept[-2]] <= limit:
            sides.append((strengths[start], start))
        if after is not None and totals[after] - totals[start] <= limit:
            sides.append((strengths[last], last))
        if sides:
            joined = max(sides)[1] == last
            if not joined:
                kept.pop()
    return [*kept, cuts[-1]]


def _hash(beginning: str) -> int:
    """A number for the gap above a piece, from its first words: an edit further down leaves it as it is."""
    return crc32(beginning.strip()[:_HASHED].encode("utf-8", "replace"))


def common_path(paths: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """The part that all paths begin with."""
    first, last = min(paths), max(paths)  # in their order: what these two share, all between them share
    if first == last:
        return first
    shared = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:shared]


def _overlapping(text: str, pieces: Sequence[Piece], first: int, overlap: int) -> int:
    """Where a segment begins that repeats the end of the one before, at the start of a line or else of a word."""
    before = pieces[first - 1]
    taken = before
    at = first - 1
    size = before.size
    while size < overlap and at > 0:
        at -= 1
        taken = pieces[at]
        size += taken.size
    surplus = size - overlap
    begin = taken.start + (max(0, surplus) * (taken.end - taken.start)) // max(1, taken.size)
    if surplus <= 0:
        return taken.start
    line = text.find("\n", begin, (begin + before.end) // 2)
    word = text.find(" ", begin, before.end - 1)
    return next((space + 1 for space in (line, word) if space >= 0), begin)
