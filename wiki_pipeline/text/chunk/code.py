"""Source code as pieces."""

from __future__ import annotations

from collections.abc import Iterator

from wiki_pipeline.text.chunk.split import LINE, PARAGRAPH, Piece


def code_pieces(text: str, language: str, most: int) -> list[Piece]:
    """All of a source file as pieces of at most `most` characters, by lines."""
    return list(_lines(text, most))


def _lines(text: str, most: int) -> Iterator[Piece]:
    start = 0
    blank = True
    for line in text.split("\n"):
        end = min(start + len(line) + 1, len(text))
        for at in range(start, end, most):
            stop = min(at + most, end)
            yield Piece(at, stop, stop - at, PARAGRAPH if blank and line[:1].strip() else LINE)
        blank = not line.strip()
        start += len(line) + 1
