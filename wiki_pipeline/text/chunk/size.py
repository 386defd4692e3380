"""The size of segments in words: `400 tokens`, or with an overlap `1000/200 characters`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal


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
