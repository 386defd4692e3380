"""Every general setting, its default and its environment name; and the base on which a source kind declares its own.

A setting comes from, first found first: the environment, `.env` in the working directory, the TOML file named by
`WIKI_PIPELINE_CONFIG` (default `wiki-pipeline.toml` in the working directory). Names are the same in all three.
A kind of source declares its settings beside its code (`sources/<kind>/settings.py`), so that it is one folder.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from wiki_pipeline.errors import ConfigurationError

SETTINGS_FILE_VARIABLE = "WIKI_PIPELINE_CONFIG"


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
        file = Path(os.environ.get(SETTINGS_FILE_VARIABLE, "wiki-pipeline.toml"))
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls, file)


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

    chunk_tokens: int = Field(
        400, ge=50, le=8000, validation_alias="WIKI_PIPELINE_CHUNK_TOKENS", description="Size of a prose chunk, tokens."
    )
    chunk_overlap_tokens: int = Field(
        0, ge=0, le=4000, validation_alias="WIKI_PIPELINE_CHUNK_OVERLAP_TOKENS", description="Overlap of prose chunks."
    )
    code_chunk_characters: int = Field(
        1400,
        ge=200,
        le=32_000,
        validation_alias="WIKI_PIPELINE_CODE_CHUNK_CHARACTERS",
        description="Size of a source code chunk, characters.",
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
        description="Processes that share the work of a large sync, at most one a core; about 150 MB each.",
    )
    max_document_bytes: int = Field(
        10_000_000,
        ge=1_000,
        validation_alias="WIKI_PIPELINE_MAX_DOCUMENT_BYTES",
        description="Documents above this size are counted as failed, by name.",
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

    gateway_host: str = Field(
        "127.0.0.1", validation_alias="WIKI_PIPELINE_GATEWAY_HOST", description="Gateway binds to."
    )
    gateway_port: int = Field(
        8080, ge=0, le=65535, validation_alias="WIKI_PIPELINE_GATEWAY_PORT", description="Gateway listens on."
    )
    dagster_port: int = Field(
        3000, ge=0, le=65535, validation_alias="WIKI_PIPELINE_DAGSTER_PORT", description="Dagster UI listens on."
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

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


def _explain(error: ValidationError) -> str:
    problems = (f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors())
    return "These settings can't be used: " + "; ".join(problems) + "."
