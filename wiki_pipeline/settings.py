"""The loader of settings. Each room declares its own group, in its module `settings`.

A setting comes from, first found first: the environment, `.env` in the working directory, the TOML file named by
`WIKI_PIPELINE_CONFIG` (default `wiki-pipeline.toml` in the working directory). Names are the same in all three.
"""

from __future__ import annotations

import json
import os
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, create_model, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from wiki_pipeline.errors import ConfigurationError

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


class Mode(StrEnum):
    """What the program runs on."""

    LAPTOP = "laptop"
    CLUSTER = "cluster"
    STATELESS = "stateless"


class HomeSettings(SettingsGroup):
    """Where the state is, and whose."""

    home: Path = Field(
        Path("var"), validation_alias="WIKI_PIPELINE_HOME", description="Folder of all state: tables, catalog, clones."
    )
    sources_dir: str = Field(
        "",
        validation_alias="WIKI_PIPELINE_SOURCES_DIR",
        description="Folder of clones, as a volume that outlives runs; empty: `sources` in the home folder, and a copy "
        "of each source's in the bucket where the tables are in one.",
    )
    mode: Mode = Field(
        Mode.LAPTOP,
        validation_alias="WIKI_PIPELINE_MODE",
        description="`laptop`: state in folders and SQLite unless set otherwise. `cluster`: machines that share "
        "PostgreSQL and a bucket: anything else is refused. `stateless`: nothing is kept.",
    )
    log_format: Literal["text", "json"] = Field(
        "text",
        validation_alias="WIKI_PIPELINE_LOG_FORMAT",
        description="Of log lines: `text` for people, `json` for programs, with the ids of requests and runs.",
    )
    tenant: str = Field(
        "default",
        validation_alias="WIKI_PIPELINE_TENANT",
        description="The default tenant: whose the sources and connections of the settings are. `wiki-pipeline tenants "
        "add` makes others.",
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def sources_folder(self) -> Path:
        """Where clones are."""
        return Path(self.sources_dir).expanduser().absolute() if self.sources_dir else self.home / "sources"


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


def of_settings(tenant: str) -> bool:
    """Whether the sources, connections and secrets that the settings name are this tenant's. No other may use them."""
    return tenant == load(HomeSettings).tenant


def variable(name: str) -> Any:
    """One value by its variable's name, looked for wherever settings come from; None if it is nowhere."""
    return load(_group_of(name)).value  # type: ignore[attr-defined]


@cache
def _group_of(name: str) -> type[SettingsGroup]:
    about: Any = (Annotated[Any, NoDecode], Field(None, validation_alias=name))
    return create_model("Variable", __base__=SettingsGroup, value=about)


def _explain(error: ValidationError) -> str:
    problems = (f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors())
    return "These settings can't be used: " + "; ".join(problems) + "."
