"""How large passages are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """Sizes of passages; part of every chunk's fingerprint.

    Attributes:
        prose_tokens: tokens of a passage of prose, about: with a small neighbour at most half as much again.
        overlap_tokens: tokens of the passage before that a passage of prose repeats.
        code_characters: characters of a passage of source code, likewise.
    """

    prose_tokens: int = 400
    overlap_tokens: int = 0
    code_characters: int = 1400
