"""How large segments are, of prose and of source code: `400 tokens`, or with an overlap `1000/200 characters`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from wiki_pipeline.text.tokens import TOKEN_BYTES, estimate_tokens


@dataclass(frozen=True, slots=True)
class ChunkSize:
    """How large segments are, about; written `400 tokens` or, with an overlap, `1000/200 characters`.

    Attributes:
        size: of a segment.
        overlap: what each repeats of the one before.
        unit: of both.
    """

    size: int
    overlap: int = 0
    unit: Literal["tokens", "characters"] = "tokens"

    @classmethod
    def parse(cls, text: object) -> ChunkSize:
        """The size that a text names.

        Raises:
            ValueError: it names none, or one that makes no sense.
        """
        if isinstance(text, ChunkSize):
            return text
        found = re.fullmatch(r"\s*(\d{1,6})\s*(?:/\s*(\d{1,6}))?\s*(tokens|characters)\s*", str(text))
        if not found:
            raise ValueError("should be like `400 tokens` or `1000/200 characters`")
        size, overlap = int(found[1]), int(found[2] or 0)
        unit: Literal["tokens", "characters"] = "tokens" if found[3] == "tokens" else "characters"
        least, most = (50, 8_000) if unit == "tokens" else (200, 32_000)
        if not least <= size <= most:
            raise ValueError(f"the size should be {least} to {most} {unit}")
        if overlap > size // 2:
            raise ValueError("the overlap should be at most half of the size")
        return cls(size, overlap, unit)

    def __str__(self) -> str:
        return f"{self.size}{f'/{self.overlap}' if self.overlap else ''} {self.unit}"


PROSE_CHUNKS = ChunkSize(400)
CODE_CHUNKS = ChunkSize(1400, unit="characters")


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """Sizes of segments; part of every chunk's fingerprint."""

    prose: ChunkSize = PROSE_CHUNKS
    code: ChunkSize = CODE_CHUNKS


def bound(size: ChunkSize) -> int:
    """What a segment takes besides what it repeats, in the size's unit. Segments are cut at the strongest places, not
    filled up, so the bound is a sixteenth above: what is hardly too large stays whole."""
    return size.size + size.size // 16 - size.overlap


def in_characters(size: ChunkSize) -> ChunkSize:
    """The same size in characters: source code is measured in them alone."""
    if size.unit == "characters":
        return size
    return ChunkSize(size.size * TOKEN_BYTES, size.overlap * TOKEN_BYTES, "characters")


def measure(size: ChunkSize) -> Callable[[str], int]:
    """How long a text is in the size's unit."""
    return len if size.unit == "characters" else estimate_tokens
