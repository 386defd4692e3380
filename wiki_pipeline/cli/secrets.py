"""`wiki-pipeline secrets`: the keys of the secrets in the catalog."""

from __future__ import annotations

import click

from wiki_pipeline.access.actors import command_line
from wiki_pipeline.cli.output import json_option, print_json
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings


@click.group("secrets")
def command() -> None:
    """Turn the master key of the secrets in the catalog, and see whether they open.

    Shows no secret.
    """


@command.command("rotate")
@json_option
def rotate(*, as_json: bool) -> None:
    """Wrap the data key of each tenant with the first master key. Have both loaded everywhere, the new one first; after
    this, the old one can go."""
    with Pipeline.open(load(Settings)) as pipeline:
        wrapped = pipeline.vault.rotate()
        pipeline.catalog.audit.record(command_line(pipeline.tenant).entry("secrets.rotate", f"{wrapped} data keys"))
    if as_json:
        print_json({"wrapped": wrapped})
        return
    click.echo(f"Wrapped {wrapped} data keys anew. The old master key opens none of them any more.")


@command.command("check")
@json_option
def check(*, as_json: bool) -> None:
    """See that the data key of each tenant opens with the master keys that are loaded."""
    with Pipeline.open(load(Settings)) as pipeline:
        number = pipeline.vault.check()
    if as_json:
        print_json({"data_keys": number})
        return
    click.echo(f"All {number} data keys open.")
