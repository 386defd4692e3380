"""Markdown as pieces: headings, paragraphs, list items, tables, fences, quotes; what is too large, by its parts.

A block is read by its first lines, as CommonMark does at the top level; that is all a cut needs to know. (A full
parser takes several times as long and tells no more.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from wiki_pipeline.text.chunk.split import ITEM, LINE, NEVER, PARAGRAPH, ROW, SENTENCE, Piece, line_starts
from wiki_pipeline.text.markdown import plain
from wiki_pipeline.text.tokens import estimate_tokens

# What a line begins, if no paragraph. Of a fence and an HTML element the group is what its end is known by.
_BEGIN = re.compile(
    r" {0,3}(?:"
    r"(?P<heading>#{1,6})(?:[ \t]|$)"
    r"|(?P<item>[-*+]|\d{1,9}[.)])(?:[ \t]|$)"
    r"|(?P<fence>`{3,}|~{3,})[^`]*$"
    r"|<(?P<html>(?i:details|table|div|section|figure|ul|ol|dl|blockquote|center))\b"
    r")"
)
# What would begin an item.
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,})$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_TABLE_RULE = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|(?<=[。！？])|\n")
_WORD_END = re.compile(r"\s+")


class _Block(NamedTuple):
    """A block of lines `first` to `last` (exclusive); `level` 0 is no heading."""

    first: int
    last: int
    rank: int = PARAGRAPH
    level: int = 0
    title: str = ""


Measure = Callable[[str], int]


def prose_pieces(text: str, most: int, measure: Measure = estimate_tokens) -> list[Piece]:
    """All of a Markdown document as pieces that measure at most `most`."""
    return list(_Document(text, most, measure).pieces())


class _Document:
    """A document's lines and where each begins."""

    def __init__(self, text: str, most: int, measure: Measure) -> None:
        self._text = text
        self._most = most
        self._measure = measure
        self._lines = text.split("\n")
        self._starts = line_starts(self._lines)
        self._html_ends: dict[str, dict[int, int]] = {}

    def pieces(self) -> Iterator[Piece]:
        """The pieces, each knowing the headings above it."""
        path: list[tuple[int, str]] = []
        titles: tuple[str, ...] = ()
        below_heading = False
        for block in self._blocks():
            if block.level:
                path = [(level, title) for level, title in path if level < block.level]
                path.append((block.level, block.title))
                titles = tuple(title for _, title in path)
            rank = NEVER if below_heading else block.level or block.rank
            below_heading = bool(block.level)
            start, end = self._starts[block.first], self._starts[block.last]
            size = self._measure(self._text[start:end])
            if size <= self._most:
                yield Piece(start, end, size, rank, titles)
                continue
            for part in self._parts(block):
                yield part._replace(rank=rank or part.rank, path=titles)
                rank = 0

    # --- blocks ------------------------------------------------------------------------------------------------------

    def _blocks(self) -> Iterator[_Block]:
        line = 0
        while line < len(self._lines):
            if self._lines[line].strip():
                block = self._block(line)
                yield block
                line = block.last
            else:
                line += 1

    def _block(self, line: int) -> _Block:
        text = self._lines[line]
        begin = _BEGIN.match(text)
        kind = begin.lastgroup if begin else None
        if begin and kind == "heading":
            title = _heading_title(text[begin.end() :])
            return _Block(line, line + 1, level=len(begin["heading"]), title=plain(title))
        if begin and kind == "item" and not _RULE.match(text):
            follows = line > 0 and self._lines[line - 1].strip() != ""
            return _Block(line, self._item_end(line, begin.start("item")), ITEM if follows else PARAGRAPH)
        end = self._special_end(line, begin)
        return _Block(line, end) if end else self._paragraph(line)

    def _special_end(self, line: int, begin: re.Match[str] | None) -> int:
        """The line behind a fence, an HTML element, a quote or a table; 0 if none begins here."""
        if begin and begin["fence"]:
            return self._fence_end(line, begin["fence"])
        if begin and begin["html"]:
            return self._html_end(line, begin["html"])
        if self._lines[line].lstrip().startswith(">"):
            return self._run(line, lambda other: other.lstrip().startswith(">"))
        return self._run(line, lambda other: bool(other.strip())) if self._is_table(line) else 0

    def _paragraph(self, line: int) -> _Block:
        end = line + 1
        while end < len(self._lines) and self._lines[end].strip():
            text = self._lines[end]
            underline = _UNDERLINE.match(text)
            if underline:
                level = 1 if underline.group(1)[0] == "=" else 2
                return _Block(line, end + 1, level=level, title=plain(" ".join(self._lines[line:end])))
            if _BEGIN.match(text) or text.startswith(">"):
                break
            end += 1
        return _Block(line, end)

    def _is_table(self, line: int) -> bool:
        following = self._lines[line + 1] if line + 1 < len(self._lines) else ""
        return "|" in self._lines[line] and "-" in following and _TABLE_RULE.match(following) is not None

    def _run(self, line: int, belongs: Callable[[str], bool]) -> int:
        end = line + 1
        while end < len(self._lines) and belongs(self._lines[end]):
            end += 1
        return end

    def _fence_end(self, line: int, marks: str) -> int:
        for end in range(line + 1, len(self._lines)):
            closing = self._lines[end].strip()
            if closing.startswith(marks) and not closing.strip(marks[0]):
                return end + 1
        return len(self._lines)

    def _html_end(self, line: int, tag: str) -> int:
        """The line behind an element: the first at whose end as many of its name are closed as were opened."""
        tag = tag.lower()
        if tag not in self._html_ends:
            self._html_ends[tag] = self._ends_of(tag)
        return self._html_ends[tag].get(line) or self._run(line, lambda other: bool(other.strip()))

    def _ends_of(self, tag: str) -> dict[int, int]:
        """Of each line, where an element of this name ends that begins there, if it does: all in one pass, since
        elements that never end would each be looked for up to the end of the text."""
        tags = re.compile(rf"<(/?){tag}\b", re.IGNORECASE)
        ends: dict[int, int] = {}
        waiting = [(0, 0)]  # lines whose elements have not ended, and how many are open before them
        depth = 0
        for number, text in enumerate(self._lines, start=1):
            for found in tags.finditer(text) if "<" in text else ():
                depth += -1 if found.group(1) else 1
            while waiting and waiting[-1][1] >= depth:
                ends[waiting.pop()[0]] = number
            waiting.append((number, depth))
        return ends

    def _item_end(self, line: int, indent: int) -> int:
        """The line behind a list item: at the next item of its list, or at text that is not indented below it."""
        end = line + 1
        after_blank = False
        while end < len(self._lines):
            line_text = self._lines[end]
            text = line_text.lstrip()
            depth = len(line_text) - len(text)
            if text and depth <= indent and (after_blank or _begins(line_text) in {"heading", "item", "fence"}):
                break
            begin = _BEGIN.match(text)
            if begin and begin["fence"]:
                end = self._fence_end(end, begin["fence"]) - 1
            after_blank = not text
            end += 1
        while not self._lines[end - 1].strip():
            end -= 1
        return end

    # --- what is too large -------------------------------------------------------------------------------------------

    def _parts(self, block: _Block) -> Iterator[Piece]:
        """A block that is too large by its parts."""
        first = self._lines[block.first]
        begin = _BEGIN.match(first)
        if begin and begin["fence"]:
            yield from self._wrapped(block, 1, LINE, opening=f"{first}\n", closing=f"\n{begin['fence']}")
        elif self._is_table(block.first):
            header = "\n".join(self._lines[block.first : block.first + 2])
            yield from self._wrapped(block, 2, ROW, opening=f"{header}\n")
        elif first.startswith("<table>"):
            yield from self._html_rows(block)
        else:
            yield from self._by_lines(block)

    def _wrapped(self, block: _Block, header: int, rank: int, *, opening: str, closing: str = "") -> Iterator[Piece]:
        """A block by lines; what opens it, `header` lines, and what closes it are repeated in each segment."""
        pieces: list[Piece] = []
        last = block.last - 1 if closing and block.last - block.first > header + 1 else block.last
        for line in range(block.first + header, last):
            pieces += self._fitting(self._starts[line], self._starts[line + 1], rank)
        yield from self._enclosed(block, pieces, opening, closing)

    def _html_rows(self, block: _Block) -> Iterator[Piece]:
        """A table in HTML by its rows, which begin at the beginning of a line; nested tables stay within theirs."""
        begins: list[int] = []
        depth = 0
        for line in range(block.first, block.last):
            if depth == 1 and self._lines[line].startswith("<tr>"):
                begins.append(line)
            depth += self._lines[line].count("<table>") - self._lines[line].count("</table>")
        if len(begins) < 2:
            yield from self._by_lines(block)
            return
        pieces: list[Piece] = []
        for first, end in zip(begins, [*begins[1:], block.last - 1], strict=True):
            start, stop = self._starts[first], self._starts[end]
            size = self._measure(self._text[start:stop])
            fits = size <= self._most
            pieces += [Piece(start, stop, size, ROW)] if fits else self._by_lines(_Block(first, end, ROW))
        has_header = self._lines[begins[0]].startswith("<tr><th")
        header = self._text[self._starts[begins[0]] : self._starts[begins[1]]] if has_header else ""
        opening = "<table>\n" + (header if self._measure(header) <= self._most // 4 else "")
        yield from self._enclosed(block, pieces, opening, "\n</table>")

    def _enclosed(self, block: _Block, pieces: list[Piece], opening: str, closing: str) -> Iterator[Piece]:
        """Pieces of a block: the first and the last take in what opens and closes it, the others repeat it."""
        last = len(pieces) - 1
        for number, piece in enumerate(pieces):
            yield piece._replace(
                start=piece.start if number else self._starts[block.first],
                end=piece.end if number < last else self._starts[block.last],
                opening=opening if number else "",
                closing=closing if number < last else "",
            )

    def _by_lines(self, block: _Block) -> Iterator[Piece]:
        for line in range(block.first, block.last):
            text = self._lines[line]
            if text.strip():
                apart = line > block.first and not self._lines[line - 1].strip()
                rank = ITEM if apart or _begins(text.lstrip()) == "item" else LINE
                yield from self._fitting(self._starts[line], self._starts[line + 1], rank)

    def _fitting(self, start: int, end: int, rank: int) -> Iterator[Piece]:
        """A line whole, or by sentences, then by words, then by characters if it is too large."""
        size = self._measure(self._text[start:end])
        if size <= self._most:
            yield Piece(start, end, size, rank)
            return
        for pattern, apart in ((_SENTENCE_END, 1), (_WORD_END, max(1, self._most // 2))):
            cuts = self._cuts(pattern, start, end, apart)
            if cuts:
                for left, right in zip([start, *cuts], [*cuts, end], strict=True):
                    yield from self._fitting(left, right, rank if left == start else SENTENCE)
                return
        for left in range(start, end, self._most):
            right = min(left + self._most, end)
            yield Piece(left, right, self._measure(self._text[left:right]), rank if left == start else SENTENCE)

    def _cuts(self, pattern: re.Pattern[str], start: int, end: int, apart: int) -> list[int]:
        """Where the pattern ends, at least `apart` characters from each other."""
        cuts: list[int] = []
        before = start
        for found in pattern.finditer(self._text, start, end):
            if before + apart <= found.end() < end:
                before = found.end()
                cuts.append(before)
        return cuts


def _begins(text: str) -> str:
    """What a line begins, as a group of `_BEGIN`; empty for nothing."""
    found = _BEGIN.match(text)
    return (found.lastgroup or "") if found else ""


def _heading_title(behind: str) -> str:
    """The title of a heading from what stands behind its marks, which may stand at its end again."""
    title = behind.strip(" \t")
    unclosed = title.rstrip("#")
    return unclosed.rstrip(" \t") if unclosed.endswith((" ", "\t")) else title
