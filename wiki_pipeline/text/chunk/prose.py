"""Markdown as pieces: headings, paragraphs, list items, tables, fences, quotes; what is too large, by its parts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wiki_pipeline.text.chunk.split import ITEM, LINE, NEVER, PARAGRAPH, ROW, SENTENCE, Piece
from wiki_pipeline.text.clean.markdown import plain
from wiki_pipeline.text.tokens import estimate_tokens

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^`]*)$")
_ITEM = re.compile(r"( {0,3})(?:[-*+]|\d{1,9}[.)])(?:[ \t]+|$)")
_TABLE_RULE = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_HTML = re.compile(r" {0,3}<(details|table|div|section|figure|ul|ol|dl|blockquote|center)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+|(?<=[。！？])|\n")
_WORD_END = re.compile(r"\s+")


class _Lines:
    """A document's lines and where each begins."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)

    def end(self, line: int) -> int:
        """Offset behind the last character of the line before `line`."""
        return min(self.starts[line], len(self.text))


def prose_pieces(text: str, most: int) -> list[Piece]:
    """All of a Markdown document as pieces of at most `most` tokens."""
    doc = _Lines(text)
    pieces: list[Piece] = []
    path: list[tuple[int, str]] = []
    below_heading = False
    line = 0
    while line < len(doc.lines):
        if not doc.lines[line].strip():
            line += 1
            continue
        end, level, title, rank = _block(doc, line)
        if level:
            path = [(above, name) for above, name in path if above < level]
            path.append((level, title))
        where = tuple(name for _, name in path)
        rank = NEVER if below_heading else level or rank
        pieces += _sized(doc, line, end, rank, where, most)
        below_heading = bool(level)
        line = end
    return pieces


def _block(doc: _Lines, line: int) -> tuple[int, int, str, int]:
    """The block that begins at a line: the line behind it, its heading level (0: none) and text, its rank."""
    text = doc.lines[line]
    heading = _HEADING.match(text)
    if heading:
        return line + 1, len(heading.group(1)), plain(heading.group(2) or ""), PARAGRAPH
    fence = _FENCE.match(text)
    if fence:
        return _fence_end(doc, line, fence.group(1)), 0, "", PARAGRAPH
    html = _HTML.match(text)
    if html:
        return _html_end(doc, line, html.group(1)), 0, "", PARAGRAPH
    item = _ITEM.match(text)
    if item and not _is_rule(text):
        follows = line > 0 and doc.lines[line - 1].strip() != ""
        return _item_end(doc, line, len(item.group(1))), 0, "", ITEM if follows else PARAGRAPH
    if text.lstrip().startswith(">"):
        return _run(doc, line, lambda other: other.lstrip().startswith(">")), 0, "", PARAGRAPH
    if _is_table(doc, line):
        return _run(doc, line, lambda other: bool(other.strip())), 0, "", PARAGRAPH
    return _paragraph(doc, line)


def _paragraph(doc: _Lines, line: int) -> tuple[int, int, str, int]:
    end = line + 1
    while end < len(doc.lines) and doc.lines[end].strip():
        text = doc.lines[end]
        underline = _UNDERLINE.match(text)
        if underline:
            return end + 1, 1 if underline.group(1)[0] == "=" else 2, plain(" ".join(doc.lines[line:end])), PARAGRAPH
        if _HEADING.match(text) or _FENCE.match(text) or _HTML.match(text) or _ITEM.match(text) or text.startswith(">"):
            break
        end += 1
    return end, 0, "", PARAGRAPH


def _is_rule(text: str) -> bool:
    marks = text.replace(" ", "").replace("\t", "")
    return len(marks) >= 3 and len(set(marks)) == 1 and marks[0] in "-*"


def _is_table(doc: _Lines, line: int) -> bool:
    following = doc.lines[line + 1] if line + 1 < len(doc.lines) else ""
    return "|" in doc.lines[line] and "-" in following and _TABLE_RULE.match(following) is not None


def _run(doc: _Lines, line: int, belongs: object) -> int:
    end = line + 1
    while end < len(doc.lines) and belongs(doc.lines[end]):  # type: ignore[operator]
        end += 1
    return end


def _fence_end(doc: _Lines, line: int, marks: str) -> int:
    for end in range(line + 1, len(doc.lines)):
        closing = doc.lines[end].strip()
        if closing.startswith(marks) and not closing.strip(marks[0]):
            return end + 1
    return len(doc.lines)


def _html_end(doc: _Lines, line: int, tag: str) -> int:
    """The line behind the element's end, which Markdown's own rule would not find; or its first paragraph's end."""
    opened = re.compile(rf"<(/?){tag}\b", re.IGNORECASE)
    depth = 0
    for end in range(line, len(doc.lines)):
        for found in opened.finditer(doc.lines[end]):
            depth += -1 if found.group(1) else 1
        if depth <= 0:
            return end + 1
    return _run(doc, line, lambda other: bool(other.strip()))


def _item_end(doc: _Lines, line: int, indent: int) -> int:
    """The line behind a list item: at the next item of its list, or at text that is not indented below it."""
    end = line + 1
    blank = False
    while end < len(doc.lines):
        text = doc.lines[end]
        if not text.strip():
            blank = True
        else:
            depth = len(text) - len(text.lstrip())
            if depth <= indent and (blank or _ITEM.match(text) or _HEADING.match(text) or _FENCE.match(text)):
                break
            fence = _FENCE.match(text.lstrip())
            if fence:
                end = _fence_end(doc, end, fence.group(1)) - 1
            blank = False
        end += 1
    while end > line + 1 and not doc.lines[end - 1].strip():
        end -= 1
    return end


# --- what is too large -----------------------------------------------------------------------------------------------


def _sized(doc: _Lines, line: int, end: int, rank: int, path: tuple[str, ...], most: int) -> Iterator[Piece]:
    start, stop = doc.starts[line], doc.end(end)
    size = estimate_tokens(doc.text[start:stop])
    if size <= most:
        yield Piece(start, stop, size, rank, path)
        return
    text = doc.lines[line]
    fence = _FENCE.match(text)
    if fence:
        yield from _cut(doc, line, line + 1, end - 1, rank, path, most, text + "\n", "\n" + fence.group(1))
    elif _is_table(doc, line):
        header = "\n".join(doc.lines[line : line + 2]) + "\n"
        yield from _cut(doc, line, line + 2, end, rank, path, most, header, "", ROW)
    else:
        for number, piece in enumerate(_by_lines(doc, line, end, path, most)):
            yield piece if number else Piece(piece.start, piece.end, piece.size, rank, path)


def _cut(
    doc: _Lines, line: int, body: int, end: int, rank: int, path: tuple[str, ...], most: int,
    opening: str, closing: str, inner: int = LINE,
) -> Iterator[Piece]:  # fmt: skip
    """A block whose lines may be parted if what opens and closes it is repeated."""
    first = True
    for number in range(body, end):
        start = doc.starts[line] if first else doc.starts[number]
        last = number == end - 1
        stop = doc.end(number + 1 + last) if closing and last else doc.end(number + 1)
        for piece in _pieces(doc.text, start, stop, path, most, inner):
            yield Piece(
                piece.start, piece.end, piece.size, rank if first else piece.rank, path,
                "" if first else opening, "" if last else closing,
            )  # fmt: skip
            first = False


def _by_lines(doc: _Lines, line: int, end: int, path: tuple[str, ...], most: int) -> Iterator[Piece]:
    for number in range(line, end):
        if not doc.lines[number].strip():
            continue
        after_blank = number > line and not doc.lines[number - 1].strip()
        rank = ITEM if after_blank or _ITEM.match(doc.lines[number].lstrip()) else LINE
        yield from _pieces(doc.text, doc.starts[number], doc.end(number + 1), path, most, rank)


def _pieces(text: str, start: int, end: int, path: tuple[str, ...], most: int, rank: int) -> Iterator[Piece]:
    """A line, by sentences, then by words, then by characters if it is too large."""
    size = estimate_tokens(text[start:end])
    if size <= most:
        yield Piece(start, end, size, rank, path)
        return
    for pattern in (_SENTENCE_END, _WORD_END):
        cuts = [found.end() for found in pattern.finditer(text, start, end) if start < found.end() < end]
        if cuts:
            for at, (left, right) in enumerate(zip([start, *cuts], [*cuts, end], strict=True)):
                yield from _pieces(text, left, right, path, most, rank if not at else SENTENCE)
            return
    width = max(1, most)
    for at in range(start, end, width):
        yield Piece(at, min(at + width, end), estimate_tokens(text[at : min(at + width, end)]), SENTENCE, path)
