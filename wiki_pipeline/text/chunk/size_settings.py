"""The sizes of segments as settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer
from pydantic_settings import NoDecode

from wiki_pipeline.text.chunk.size import ChunkSize

ChunkSizeSetting = Annotated[
    ChunkSize, NoDecode, BeforeValidator(ChunkSize.parse), PlainSerializer(str, return_type=str, when_used="json")
]


class KindOfChunks(BaseModel):
    """The sizes that one kind of source has for itself; None is the general size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prose: ChunkSizeSetting | None = None
    code: ChunkSizeSetting | None = None
