"""How large segments are: of prose and of source code, for the kind of source that a document comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wiki_pipeline.text.chunk.size import CODE_CHUNKS, PROSE_CHUNKS, ChunkSize
from wiki_pipeline.text.tokens import TOKEN_BYTES, estimate_tokens

if TYPE_CHECKING:  # a worker process needs no settings, which take a third of its start
    from wiki_pipeline.text.chunk.settings import ChunkSettings


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """Sizes of segments; part of every chunk's fingerprint."""

    prose: ChunkSize = PROSE_CHUNKS
    code: ChunkSize = CODE_CHUNKS

    @classmethod
    def of(cls, settings: ChunkSettings, kind: str) -> ChunkSizes:
        """The sizes for a kind of source: its own where the settings name any, else the general ones."""
        own = settings.chunks_by_kind.get(kind)
        return cls(
            prose=(own and own.prose) or settings.prose_chunks,
            code=(own and own.code) or settings.code_chunks,
        )


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
