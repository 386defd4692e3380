"""`wiki-pipeline migrate`: catalog and Dagster's storage brought to this version, before anything of it starts."""

from __future__ import annotations

import time

import click

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.cli.jobs import use_dagster_home
from wiki_pipeline.cli.output import json_option, print_json, progress_console
from wiki_pipeline.errors import CatalogError
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import check_mode, open_store
from wiki_pipeline.sync.settings import Settings

_AGAIN_SECONDS = 2.0


@click.command("migrate")
@click.option("--wait", default=0.0, show_default=True, help="Seconds to wait for a database that does not answer yet.")
@json_option
def command(*, wait: float, as_json: bool) -> None:
    """Bring the catalog and Dagster's storage to this version, and begin the list of tables. Repeatable.

    For a Job before a rollout. What runs of the version before goes on reading meanwhile.
    """
    settings = load(Settings)
    check_mode(settings)
    with Catalog(settings.catalog_url) as catalog:
        before = _migrated(catalog, wait)
        tables = len(open_store(settings, catalog).names())
    use_dagster_home(settings)
    from wiki_pipeline.defs.instance import upgrade  # noqa: PLC0415 - Dagster takes seconds

    dagster = upgrade()
    if as_json:
        print_json({"catalog": before, "tables": tables, "dagster": dagster})
        return
    click.echo(f"The catalog is at {before}, with {tables} tables in the list. Dagster's storage is at {dagster}.")


def _migrated(catalog: Catalog, wait: float) -> str:
    """Open the catalog, which upgrades it; its revision.

    Raises:
        CatalogError: it does not answer within the time, or is of a newer program.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            return catalog.revision()
        except CatalogError as error:
            if time.monotonic() >= deadline:
                raise
            progress_console().print(f"[dim]{error.message}[/dim]", soft_wrap=True)
            time.sleep(_AGAIN_SECONDS)
