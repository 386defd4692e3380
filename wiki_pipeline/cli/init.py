"""`wiki-pipeline init`: a configuration file to start from, made from the settings' own descriptions."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from wiki_pipeline.cli.settings import fields
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.settings import SETTINGS_FILE_VARIABLE

_HEAD = """\
# Settings of wiki-pipeline. Remove the "# " before a setting to change it; what stands there is its default.
# The same names work as environment variables and in .env, and come before this file. Keep secrets there.
"""


@click.command("init")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def command(*, force: bool) -> None:
    """Write a commented configuration to start from.

    It is the file wiki-pipeline.toml in this folder, or the one that WIKI_PIPELINE_CONFIG names.
    """
    path = Path(os.environ.get(SETTINGS_FILE_VARIABLE, "wiki-pipeline.toml"))
    try:
        path.touch(mode=0o600, exist_ok=force)  # its owner's alone: people do put secrets into it
        path.write_text(text(), encoding="utf-8")
    except FileExistsError:
        raise ConfigurationError(
            f"{path} is there already and was left as it is.", "Use --force to replace it."
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}.") from None
    click.echo(f"Wrote {path}. Edit it, then run `wiki-pipeline up`.")


def text() -> str:
    """The file: every setting, commented out, under its description."""
    return "\n".join([_HEAD, *_lines()])


def _lines() -> Iterator[str]:
    for name, some in groupby(fields(), key=itemgetter(0)):
        yield f"# {'-' * 8} {name} {'-' * (110 - len(name))}\n"
        for _, _, _, field in some:
            yield from (f"# {line}" for line in textwrap.wrap(field.description or "", 118))
            yield f"# {field.validation_alias} = {_default(field)}\n"


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    # JSON's texts, numbers, truth values, lists and the empty object are TOML's too.
    return json.dumps(value, ensure_ascii=False, default=str)
