"""The loader of settings. Each room declares its own group, in its module `settings`.

A setting comes from, first found first: the environment, `.env` in the working directory, the TOML file named by
`WIKI_PIPELINE_CONFIG` (default `wiki-pipeline.toml` in the working directory). Names are the same in all three. While
`wiki-pipeline up` shows its demo, settings that lead to it hold for every command with the same state folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.running import running

SETTINGS_FILE_VARIABLE = "WIKI_PIPELINE_CONFIG"


_NOTHING = ("", "{}", "[]")  # what people write who set a name to nothing


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


class _Home(BaseSettings):
    """Where the state is, which has to be known before any other setting."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    home: Path = Field(
        Path("var"), validation_alias="WIKI_PIPELINE_HOME", description="Folder of all state: tables, catalog, clones."
    )

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

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


class SettingsGroup(BaseSettings):
    """Settings that belong together; each field names its variable by `validation_alias`."""

    model_config = _Home.model_config

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        own = (env_settings, dotenv_settings, _file(settings_cls))
        return init_settings, _Demo(settings_cls, own), *own


def _file(settings_cls: type[BaseSettings]) -> PydanticBaseSettingsSource:
    file = Path(os.environ.get(SETTINGS_FILE_VARIABLE, "wiki-pipeline.toml"))
    return TomlConfigSettingsSource(settings_cls, file)


class _Demo(PydanticBaseSettingsSource):
    """The settings of a demo that runs: all that a group has of them, or none where a person gave one of those."""

    def __init__(self, settings_cls: type[BaseSettings], own: Sequence[PydanticBaseSettingsSource]) -> None:
        super().__init__(settings_cls)
        self._own = own

    def __call__(self) -> dict[str, Any]:
        found = running(_Home().home)
        names = {str(about.validation_alias) for about in self.settings_cls.model_fields.values()}
        shown = {name: value for name, value in found.settings.items() if name in names} if found else {}
        given = {name for source in self._own for name, value in source().items() if value not in _NOTHING}
        # An empty one only keeps a person's credentials from the demo.
        return {} if any(shown[name] for name in given & shown.keys()) else shown

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not asked: `__call__` gives all at once."""
        raise NotImplementedError


class HomeSettings(SettingsGroup, _Home):
    """Where the state is, and whose."""

    tenant: str = Field("default", validation_alias="WIKI_PIPELINE_TENANT", description="Tenant of this installation.")


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
