"""How large chunks are."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic_settings import NoDecode

from wiki_pipeline.settings import SettingsGroup
from wiki_pipeline.text.chunk.size import CODE_CHUNKS, PROSE_CHUNKS, ChunkSize, ChunkSizes

ChunkSizeSetting = Annotated[
    ChunkSize, NoDecode, BeforeValidator(ChunkSize.parse), PlainSerializer(str, return_type=str, when_used="json")
]


class KindOfChunks(BaseModel):
    """The sizes that one kind of source has for itself; None is the general size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prose: ChunkSizeSetting | None = None
    code: ChunkSizeSetting | None = None


class ChunkSettings(SettingsGroup):
    """Sizes of chunks, for prose and for source code, for each kind of source."""

    prose_chunks: ChunkSizeSetting = Field(
        PROSE_CHUNKS,
        validation_alias="WIKI_PIPELINE_PROSE_CHUNKS",
        description="Size of a chunk of prose, with overlap after a slash: `400 tokens`, `1000/200 characters`.",
    )
    code_chunks: ChunkSizeSetting = Field(
        CODE_CHUNKS,
        validation_alias="WIKI_PIPELINE_CODE_CHUNKS",
        description="Size of a chunk of source code, likewise: `1400 characters`, `1500/300 characters`.",
    )
    chunks_by_kind: dict[str, KindOfChunks] = Field(
        {},
        validation_alias="WIKI_PIPELINE_CHUNKS_BY_KIND",
        description='Other sizes for a kind of source, as JSON: `{"confluence": {"prose": "1000/200 characters"}}`.',
    )

    def chunk_sizes(self, kind: str) -> ChunkSizes:
        """The sizes for a kind of source: its own where the settings name any, else the general ones."""
        own = self.chunks_by_kind.get(kind)
        return ChunkSizes(
            prose=(own and own.prose) or self.prose_chunks,
            code=(own and own.code) or self.code_chunks,
        )
