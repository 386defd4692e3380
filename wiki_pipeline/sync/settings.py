"""How syncs work, and `Settings`: all that a pipeline needs."""

from __future__ import annotations

from pydantic import Field, field_validator

from wiki_pipeline.access.settings import SealingSettings
from wiki_pipeline.catalog.settings import CatalogSettings
from wiki_pipeline.settings import SettingsGroup, Words
from wiki_pipeline.sources.settings import FetchSettings
from wiki_pipeline.store.settings import StoreSettings
from wiki_pipeline.text.attachments import DRAWINGS
from wiki_pipeline.text.attachments.settings import ExtractionSettings
from wiki_pipeline.text.chunk.settings import ChunkSettings
from wiki_pipeline.text.embed.settings import EmbeddingSettings
from wiki_pipeline.text.rerank.settings import RerankSettings

# Pictures that browsers show, and documents that people attach to pages.
DEFAULT_ATTACHMENT_TYPES = (
    "image/*",
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.*",
    "text/plain",
    "text/csv",
    *sorted(DRAWINGS),
)


class SyncSettings(SettingsGroup):
    """Settings of the sync engine."""

    batch_documents: int = Field(
        500,
        ge=1,
        le=10_000,
        validation_alias="WIKI_PIPELINE_BATCH_DOCUMENTS",
        description="Documents computed and committed at once; bounds memory.",
    )
    processes: int = Field(
        2,
        ge=1,
        le=64,
        validation_alias="WIKI_PIPELINE_PROCESSES",
        description="Processes that convert documents in a large sync, one a core at most; each takes 110 MB.",
    )
    document_seconds: float = Field(
        60.0,
        ge=1,
        le=3_600,
        validation_alias="WIKI_PIPELINE_DOCUMENT_SECONDS",
        description="Seconds of computing that converting, splitting or rendering one document may take.",
    )
    document_memory: int = Field(
        1_500_000_000,
        ge=200_000_000,
        validation_alias="WIKI_PIPELINE_DOCUMENT_MEMORY",
        description="Bytes of memory that converting, splitting or rendering one document may take (kept on Linux).",
    )
    lease_seconds: int = Field(
        60,
        ge=5,
        validation_alias="WIKI_PIPELINE_LEASE_SECONDS",
        description="After a crash, another process may write the source after so many seconds.",
    )
    names_refresh_hours: float = Field(
        20.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_NAMES_REFRESH_HOURS",
        description="Full syncs ask again for names of people that are known for longer than this.",
    )
    attachment_max_bytes: int = Field(
        10_000_000,
        ge=0,
        le=100_000_000,
        validation_alias="WIKI_PIPELINE_ATTACHMENT_MAX_BYTES",
        description="Larger pictures and files of pages are not mirrored; 0 mirrors none.",
    )
    attachments_a_page: int = Field(
        200,
        ge=0,
        validation_alias="WIKI_PIPELINE_ATTACHMENTS_A_PAGE",
        description="Pictures and files mirrored of one page, in the order of their names.",
    )
    attachments_total_bytes: int = Field(
        2_000_000_000,
        ge=0,
        validation_alias="WIKI_PIPELINE_ATTACHMENTS_TOTAL_BYTES",
        description="Bytes of pictures and files mirrored of one source.",
    )
    attachment_types: Words = Field(
        DEFAULT_ATTACHMENT_TYPES,
        validation_alias="WIKI_PIPELINE_ATTACHMENT_TYPES",
        description="Media types that are mirrored, separated by commas; image/* are all pictures.",
    )
    event_attempts: int = Field(
        8, ge=1, le=100, validation_alias="WIKI_PIPELINE_EVENT_ATTEMPTS", description="Then a freshness event is dead."
    )
    event_retry_seconds: float = Field(
        15.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_EVENT_RETRY_SECONDS",
        description="Until a failed freshness event is tried again; doubles up to an hour.",
    )
    keep_events_days: float = Field(
        30.0, gt=0, validation_alias="WIKI_PIPELINE_KEEP_EVENTS_DAYS", description="Settled freshness events are kept."
    )
    keep_jobs_days: float = Field(
        30.0, gt=0, validation_alias="WIKI_PIPELINE_KEEP_JOBS_DAYS", description="Jobs that ended are kept."
    )
    keep_changes_days: float = Field(
        90.0,
        gt=0,
        validation_alias="WIKI_PIPELINE_KEEP_CHANGES_DAYS",
        description="Changes of documents are kept for feeds and other systems; the latest of each document always is.",
    )

    @field_validator("attachment_types")
    @classmethod
    def _types(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(media_type.lower() for media_type in value)


class Settings(
    SyncSettings,
    FetchSettings,
    ExtractionSettings,
    ChunkSettings,
    EmbeddingSettings,
    RerankSettings,
    CatalogSettings,
    StoreSettings,
    SealingSettings,
):
    """All settings of a pipeline: of the rooms that it works with, and its own."""
