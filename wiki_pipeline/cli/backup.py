"""`wiki-pipeline backup`: catalog and tables as a pair, into a folder or a bucket."""

from __future__ import annotations

from dataclasses import asdict

import click

from wiki_pipeline.cli.output import json_option, print_json, progress_console
from wiki_pipeline.operations.backup import backup
from wiki_pipeline.settings import load
from wiki_pipeline.sync.settings import Settings


@click.command("backup")
@click.argument("place", metavar="DIR|URL")
@json_option
def command(*, place: str, as_json: bool) -> None:
    """Back up the catalog and all tables below DIR or URL (s3://, gs://, az://). Everything may go on meanwhile.

    Each backup is a folder of its own, named by its time. Clones of repositories are left out: they are fetched again.
    """
    out = progress_console()
    done = backup(load(Settings), place, lambda what: out.print(f"[dim]{what}[/dim]", soft_wrap=True))
    if as_json:
        print_json(asdict(done))
        return
    tables, rows = sum(done.tables.values()), sum(done.rows.values())
    click.echo(f"{done.name}: {tables} tables ({done.bytes / 1e6:.1f} MB) and {rows} rows of the catalog.")
