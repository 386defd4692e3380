"""What reading the text of a file may cost."""

from __future__ import annotations

from pydantic import Field

from wiki_pipeline.settings import SettingsGroup


class ExtractionSettings(SettingsGroup):
    """Limits on reading the text of one PDF or Word file."""

    extraction_seconds: int = Field(
        20,
        ge=1,
        le=600,
        validation_alias="WIKI_PIPELINE_EXTRACTION_SECONDS",
        description="Seconds that reading the text of one PDF or Word file may take.",
    )
    extraction_memory: int = Field(
        768_000_000,
        ge=256_000_000,
        validation_alias="WIKI_PIPELINE_EXTRACTION_MEMORY",
        description="Bytes of memory that reading the text of a file may take.",
    )
    extraction_characters: int = Field(
        1_000_000,
        ge=1_000,
        validation_alias="WIKI_PIPELINE_EXTRACTION_CHARACTERS",
        description="Characters of a file's text that are searched.",
    )
