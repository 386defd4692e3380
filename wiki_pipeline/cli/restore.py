"""`wiki-pipeline restore`: a backup into an installation that is empty."""

from __future__ import annotations

from dataclasses import asdict

import click

from wiki_pipeline.cli.output import json_option, print_json, print_table, progress_console
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.operations.backup import backups, restore
from wiki_pipeline.running import running
from wiki_pipeline.settings import load
from wiki_pipeline.sync.settings import Settings


@click.command("restore")
@click.argument("place", metavar="DIR|URL")
@click.option("--backup", "name", default="", metavar="NAME", help="Which; by default the newest.")
@click.option("--list", "only_list", is_flag=True, help="List the backups that are there.")
@json_option
def command(*, place: str, name: str, only_list: bool, as_json: bool) -> None:
    """Bring a backup at DIR or URL back. The catalog and the place of the tables must be empty, and nothing may use
    them. They need not be of the kind that was backed up: a folder's backup goes into a bucket as well."""
    settings = load(Settings)
    if only_list:
        found = backups(settings, place)
        if as_json:
            print_json(found)
        else:
            print_table(["backup"], [(each,) for each in found], empty="There are no complete backups.")
        return
    if running(settings.home):
        raise ConfigurationError("wiki-pipeline up is running on this state.", "Stop it first.")
    out = progress_console()
    done = restore(settings, place, name, lambda what: out.print(f"[dim]{what}[/dim]", soft_wrap=True))
    if as_json:
        print_json(asdict(done))
        return
    tables, rows = sum(done.tables.values()), sum(done.rows.values())
    click.echo(
        f"Restored {done.name}: {tables} tables and {rows} rows. `wiki-pipeline sync` brings what changed since."
    )
