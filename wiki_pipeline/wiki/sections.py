"""A long page in sections of bounded size, for readers with little room: cut at headings where that can be, at
paragraphs and lines otherwise. Pure; the sections put together are the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_TITLE = 200  # characters


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page.

    Attributes:
        title: the first heading in it; empty if there is none.
        start_line, end_line: of the page's text, from 1.
    """

    title: str
    start_line: int
    end_line: int
    text: str


def sections(text: str, most: int, *, code: bool = False) -> list[Section]:
    """The sections of a page's Markdown, or of source code; never empty.

    Args:
        most: bytes of UTF-8 a section has at most. A single line that is longer is cut.
        code: the text is source code, which has no headings.
    """
    lines = list(_lines(text, most))
    sizes = [len(line.encode()) for _, line in lines]
    breaks = [_strength(line) for line in _outside(lines, code=code)]
    found = []
    start = 0
    while start < len(lines):
        end = _end(sizes, breaks, start, most)
        part = lines[start:end]
        title = next((_heading(line) for line in _outside(part, code=code) if _heading(line)), "")
        found.append(Section(title, part[0][0], part[-1][0], "".join(line for _, line in part)))
        start = end
    return found or [Section("", 1, 1, "")]


def _lines(text: str, most: int) -> Iterator[tuple[int, str]]:
    """The lines with their numbers; one that is longer than a section in pieces of the same number."""
    for number, line in enumerate(_LINE.findall(text), 1):
        if len(line.encode()) <= most:
            yield number, line
            continue
        step = max(1, most // 4)  # characters: none has more than four bytes
        for at in range(0, len(line), step):
            yield number, line[at : at + step]


def _outside(lines: Sequence[tuple[int, str]], *, code: bool) -> Iterator[str]:
    """The lines, those inside code blocks made such that nothing in them looks like a place to cut."""
    fence = ""
    for _, line in lines:
        marker = _FENCE.match(line)
        if fence:
            yield "inside"
            if marker and marker[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
            continue
        yield line if not code or not line.strip() else "inside"
        if marker and not code:
            fence = marker[1]


def _strength(line: str) -> int:
    """How good a place a line is to begin a section at: 6 down to 1 for headings; 0 for others, -1 for empty ones."""
    if not line.strip():
        return -1
    heading = _HEADING.match(line)
    return 7 - len(heading[1]) if heading else 0


def _heading(line: str) -> str:
    heading = _HEADING.match(line)
    return heading[2][:_TITLE] if heading else ""


def _end(sizes: Sequence[int], breaks: Sequence[int], start: int, most: int) -> int:
    """Where the section that begins at a line ends: as far as it may go, then back to the best place to cut."""
    end, size = start, 0
    while end < len(sizes) and size + sizes[end] <= most:
        size += sizes[end]
        end += 1
    if end in {len(sizes), start}:
        return max(end, start + 1)
    # Not further back than half of what fits: better a lesser heading than a section of three lines.
    least, taken = start, 0
    while least < end and taken < size // 2:
        taken += sizes[least]
        least += 1
    candidates = range(end, max(least, start + 1) - 1, -1)
    best = max(candidates, key=lambda at: (breaks[at], at))
    if breaks[best] > 0:
        return best
    paragraphs = [at for at in candidates if at > start and breaks[at - 1] == -1]
    return paragraphs[0] if paragraphs else end
