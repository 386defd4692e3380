"""`wiki-pipeline settings`: every setting and its value. `init` writes what each is for, and so does `--json`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import click
from pydantic.fields import FieldInfo
from rich.text import Text

from wiki_pipeline.answers.research.settings import ResearchSettings
from wiki_pipeline.cli.output import console, json_option, print_json, printable
from wiki_pipeline.defs.settings import DagsterSettings
from wiki_pipeline.freshness.settings import FreshnessSettings
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import SettingsGroup, load
from wiki_pipeline.sources import kinds
from wiki_pipeline.sync.settings import Settings

_USERINFO = re.compile(r"//[^/@\s]*@")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is in force.

    Attributes:
        group: `general`, or the kind of source it belongs to.
        value: secrets as asterisks.
        is_set: it was given, rather than left at its default.
    """

    name: str
    group: str
    value: Any
    is_set: bool
    description: str


def groups() -> dict[str, type[SettingsGroup]]:
    """All groups of settings by name: of the pipeline, of what is built on it, and of each kind of source. A setting
    that several groups share belongs to the first."""
    general: dict[str, type[SettingsGroup]] = {
        "general": Settings,
        "answers": ResearchSettings,
        "freshness": FreshnessSettings,
        "gateway": GatewaySettings,
        "dagster": DagsterSettings,
    }
    return general | {name: kind.settings_group for name, kind in kinds().items()}


def fields() -> Iterator[tuple[str, type[SettingsGroup], str, FieldInfo]]:
    """Each setting once: the name of its group, the group, its field and what is known of it."""
    seen: set[str] = set()
    for name, group in groups().items():
        for field, about in group.model_fields.items():
            variable = str(about.validation_alias)
            if variable not in seen:
                seen.add(variable)
                yield name, group, field, about


@click.command("settings")
@json_option
def command(*, as_json: bool) -> None:
    """Show all settings with their values; secrets are masked."""
    settings = list(read())
    if as_json:
        print_json([asdict(setting) for setting in settings])
        return
    out = console()
    out.print("Settings by group. A star marks those that are set; the others are at their defaults.", soft_wrap=True)
    for name, group in groupby(settings, key=lambda setting: setting.group):
        out.print(Text(f"\n{name}", style="bold"))
        for setting in group:
            star, style = ("*", "bold") if setting.is_set else (" ", "")
            line = Text.assemble((f"{star} {setting.name}", style), " = ", (printable(_text(setting.value)), style))
            out.print(line, soft_wrap=True)


def read() -> Iterator[Setting]:
    """All settings as they are in force.

    Raises:
        ConfigurationError: one is wrong.
    """
    for (name, group), some in groupby(fields(), key=itemgetter(0, 1)):
        loaded = load(group)
        values = loaded.model_dump(mode="json")
        for _, _, field, about in some:
            yield Setting(
                name=str(about.validation_alias),
                group=name,
                value=_masked(values[field]),
                is_set=field in loaded.model_fields_set,
                description=about.description or "",
            )


def _masked(value: Any) -> Any:
    # Secrets are masked by their type; this is for a password in an address.
    if isinstance(value, str):
        return _USERINFO.sub("//**********@", value)
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
