"""Every general setting, its default and its environment name; and the base on which a source kind declares its own.

A setting comes from, first found first: the environment, `.env` in the working directory, the TOML file named by
`WIKI_PIPELINE_CONFIG` (default `wiki-pipeline.toml` in the working directory). Names are the same in all three.
A kind of source declares its settings beside its code (`sources/<kind>/settings.py`), so that it is one folder.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, create_model, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.text.chunk.size import CODE_CHUNKS, PROSE_CHUNKS
from wiki_pipeline.text.chunk.size_settings import ChunkSizeSetting, KindOfChunks

# Pictures that browsers show, and documents that people attach to pages.
DEFAULT_ATTACHMENT_TYPES = (
    "image/*",
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.*",
    "text/plain",
    "text/csv",
)
SETTINGS_FILE_VARIABLE = "WIKI_PIPELINE_CONFIG"


def _secrets(value: Any) -> Any:
    """Secrets as people write them: one, several with commas between, or a (JSON) list. Old and new side by side are
    how a secret is changed without losing a delivery.

    Raises:
        ValueError: neither.
    """
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, str):
        text = value.strip()
        value = json.loads(text) if text.startswith("[") else [part.strip() for part in text.split(",")]
    if not isinstance(value, list | tuple) or not all(isinstance(one, str | SecretStr) for one in value):
        raise ValueError("expected a secret, several with commas between, or a JSON list")
    return tuple(one for one in value if (one.get_secret_value() if isinstance(one, SecretStr) else one))


def _comma_separated(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


# A setting of several secrets, and one of several words.
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_secrets)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]


class SettingsGroup(BaseSettings):
    """Settings that belong together; each field names its variable by `validation_alias`."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, _file(settings_cls)


def _file(settings_cls: type[BaseSettings]) -> PydanticBaseSettingsSource:
    file = Path(os.environ.get(SETTINGS_FILE_VARIABLE, "wiki-pipeline.toml"))
    return TomlConfigSettingsSource(settings_cls, file)


class Settings(SettingsGroup):
    """Settings that are not a source's."""

    home: Path = Field(
        Path("var"), validation_alias="WIKI_PIPELINE_HOME", description="Folder of all state: tables, catalog, clones."
    )

    storage_url: str = Field(
        "",
        validation_alias="WIKI_PIPELINE_STORAGE_URL",
        description="Where the LanceDB tables are; empty: `lance` in the home folder.",
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        validation_alias="WIKI_PIPELINE_DATABASE_URL",
        description="SQLAlchemy address of the catalog; empty: SQLite in the home folder.",
    )
    tenant: str = Field("default", validation_alias="WIKI_PIPELINE_TENANT", description="Tenant of this installation.")

    embedding_model: str = Field(
        "wordllama",
        validation_alias="WIKI_PIPELINE_EMBEDDING_MODEL",
        description="`wordllama` (embedded, no key), or a model name of the OpenAI-compatible endpoint.",
    )
    openai_api_key: SecretStr = Field(
        SecretStr(""), validation_alias="OPENAI_API_KEY", description="Key of the OpenAI-compatible endpoint."
    )
    openai_base_url: str = Field(
        "", validation_alias="OPENAI_BASE_URL", description="Address of the OpenAI-compatible endpoint."
    )
    embedding_batch_rows: int = Field(
        128, ge=1, le=2048, validation_alias="WIKI_PIPELINE_EMBEDDING_BATCH_ROWS", description="Texts a request."
    )
    embedding_batch_tokens: int = Field(
        100_000, ge=1, validation_alias="WIKI_PIPELINE_EMBEDDING_BATCH_TOKENS", description="Tokens a request."
    )
    embedding_timeout: float = Field(
        60.0, gt=0, validation_alias="WIKI_PIPELINE_EMBEDDING_TIMEOUT", description="Seconds a request may take."
    )

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

    names_refresh_hours: float = Field(
        20.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_NAMES_REFRESH_HOURS",
        description="Full syncs ask again for names of people that are known for longer than this.",
    )
    batch_documents: int = Field(
        500,
        ge=1,
        le=10_000,
        validation_alias="WIKI_PIPELINE_BATCH_DOCUMENTS",
        description="Documents computed and committed at once; bounds memory.",
    )
    batch_bytes: int = Field(
        32_000_000,
        ge=1_000_000,
        validation_alias="WIKI_PIPELINE_BATCH_BYTES",
        description="Bytes of text held at once while fetching; bounds memory.",
    )
    processes: int = Field(
        2,
        ge=1,
        le=64,
        validation_alias="WIKI_PIPELINE_PROCESSES",
        description="Processes that share the work of a large sync, one a core at most; each further one takes 110 MB.",
    )
    max_document_bytes: int = Field(
        10_000_000,
        ge=1_000,
        validation_alias="WIKI_PIPELINE_MAX_DOCUMENT_BYTES",
        description="Documents above this size are counted as failed, by name.",
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
    lease_seconds: int = Field(
        60,
        ge=5,
        validation_alias="WIKI_PIPELINE_LEASE_SECONDS",
        description="After a crash, another process may write the source after so many seconds.",
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

    poll_listing_documents: int = Field(
        5000,
        ge=0,
        validation_alias="WIKI_PIPELINE_POLL_LISTING_DOCUMENTS",
        description="A poll lists sources up to this size completely, which also finds deletions and moves.",
    )

    sensor_wait_seconds: float = Field(
        8.5,
        ge=0,
        le=30,
        validation_alias="WIKI_PIPELINE_SENSOR_WAIT_SECONDS",
        description="A sensor waits so long for events; a bit less than a multiple of five, Dagster's own rhythm.",
    )
    time_zone: str = Field("UTC", validation_alias="WIKI_PIPELINE_TIME_ZONE", description="Of all schedules.")
    poll_cron: str = Field(
        "0 * * * *",
        validation_alias="WIKI_PIPELINE_POLL_CRON",
        description="When sources are asked for changes that webhooks missed.",
    )
    resync_cron: str = Field(
        "0 3 * * *", validation_alias="WIKI_PIPELINE_RESYNC_CRON", description="When every source is listed completely."
    )
    report_seconds: int = Field(
        300,
        ge=10,
        validation_alias="WIKI_PIPELINE_REPORT_SECONDS",
        description="Between two counts of the stale documents.",
    )
    upkeep_cron: str = Field(
        "30 4 * * *", validation_alias="WIKI_PIPELINE_UPKEEP_CRON", description="When tables and records are tidied."
    )

    stale_warn_seconds: float = Field(
        900.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_STALE_WARN_SECONDS",
        description="A document that is stale for longer is a warning.",
    )
    stale_error_seconds: float = Field(
        86_400.0,
        ge=0,
        validation_alias="WIKI_PIPELINE_STALE_ERROR_SECONDS",
        description="A document that is stale for longer is an error.",
    )
    keep_events_days: float = Field(
        30.0, gt=0, validation_alias="WIKI_PIPELINE_KEEP_EVENTS_DAYS", description="Settled freshness events are kept."
    )
    keep_jobs_days: float = Field(
        30.0, gt=0, validation_alias="WIKI_PIPELINE_KEEP_JOBS_DAYS", description="Jobs that ended are kept."
    )
    keep_runs_days: float = Field(
        30.0, gt=0, validation_alias="WIKI_PIPELINE_KEEP_RUNS_DAYS", description="Dagster runs that ended are kept."
    )
    alert_url: SecretStr = Field(
        SecretStr(""),
        validation_alias="WIKI_PIPELINE_ALERT_URL",
        description="Webhook that is told of failed runs (Slack and what understands its messages); empty: none is.",
    )
    alert_allow_http: bool = Field(
        False, validation_alias="WIKI_PIPELINE_ALERT_ALLOW_HTTP", description="Tell a webhook without TLS as well."
    )
    alert_timeout: float = Field(
        10.0, gt=0, le=30, validation_alias="WIKI_PIPELINE_ALERT_TIMEOUT", description="Seconds an alert may take."
    )

    gateway_host: str = Field(
        "127.0.0.1", validation_alias="WIKI_PIPELINE_GATEWAY_HOST", description="Gateway binds to."
    )
    gateway_port: int = Field(
        8080, ge=0, le=65535, validation_alias="WIKI_PIPELINE_GATEWAY_PORT", description="Gateway listens on."
    )
    api_tokens: Secrets = Field(
        (),
        validation_alias="WIKI_PIPELINE_API_TOKENS",
        description="Tokens of which every request to the gateway has to bring one; several, with commas between, "
        "while one is being changed. Without any the gateway serves its own machine only.",
    )
    max_body_bytes: int = Field(
        1_000_000,
        ge=1_000,
        validation_alias="WIKI_PIPELINE_GATEWAY_MAX_BODY_BYTES",
        description="Larger requests to the gateway are refused.",
    )
    intake_waiting: int = Field(
        5_000,
        ge=1,
        validation_alias="WIKI_PIPELINE_GATEWAY_INTAKE_WAITING",
        description="Webhooks that may wait to be written at once; more are told to come again.",
    )
    dagster_port: int = Field(
        3000, ge=0, le=65535, validation_alias="WIKI_PIPELINE_DAGSTER_PORT", description="Dagster UI listens on."
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("attachment_types")
    @classmethod
    def _types(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(media_type.lower() for media_type in value)

    @property
    def lance_url(self) -> str:
        """Root of the LanceDB tables, without the tenant."""
        return self.storage_url or str(self.home / "lance")

    @property
    def catalog_url(self) -> str:
        """SQLAlchemy address of the catalog; may hold a password."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.home / 'catalog.sqlite'}"


Group = TypeVar("Group", bound=SettingsGroup)


def load(group: type[Group], **overrides: Any) -> Group:
    """Read a group of settings; `overrides`, by field name, come before everything else.

    Raises:
        ConfigurationError: a value is wrong; the message names the variable and what is expected, never the value.
    """
    try:
        return group(**{str(group.model_fields[name].validation_alias): value for name, value in overrides.items()})
    except ValidationError as error:
        raise ConfigurationError(_explain(error)) from None


def variable(name: str) -> Any:
    """One value by its variable's name, looked for wherever settings come from; None if it is nowhere."""
    about: Any = (Annotated[Any, NoDecode], Field(None, validation_alias=name))
    return load(create_model("Variable", __base__=SettingsGroup, value=about)).value  # type: ignore[attr-defined]


def _explain(error: ValidationError) -> str:
    problems = (f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors())
    return "These settings can't be used: " + "; ".join(problems) + "."
