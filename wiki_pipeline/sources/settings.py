"""Limits that hold for sources of every kind. Each kind has settings of its own in its folder."""

from __future__ import annotations

from pydantic import Field

from wiki_pipeline.settings import SettingsGroup, Words


class FetchSettings(SettingsGroup):
    """How much is fetched at once, and of one document."""

    batch_bytes: int = Field(
        32_000_000,
        ge=1_000_000,
        validation_alias="WIKI_PIPELINE_BATCH_BYTES",
        description="Bytes of text held at once while fetching; bounds memory.",
    )
    max_document_bytes: int = Field(
        10_000_000,
        ge=1_000,
        validation_alias="WIKI_PIPELINE_MAX_DOCUMENT_BYTES",
        description="Documents above this size are counted as failed, by name.",
    )


class KindSettings(SettingsGroup):
    """Which kinds of sources there are beside those of this program."""

    source_modules: Words = Field(
        (),
        validation_alias="WIKI_PIPELINE_SOURCE_MODULES",
        description="Python modules of your own that offer a kind of source as KIND, separated by commas.",
    )
