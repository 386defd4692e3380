"""`wiki-pipeline tenants`: whose sources this installation holds."""

from __future__ import annotations

import click

from wiki_pipeline.access.actors import command_line
from wiki_pipeline.catalog import TenantRecord
from wiki_pipeline.cli.jobs import open_jobs
from wiki_pipeline.cli.output import json_option, print_json, print_table
from wiki_pipeline.settings import load
from wiki_pipeline.sync import tenants
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings


@click.group("tenants")
def command() -> None:
    """List, add and drop tenants: whose sources this installation holds.

    The settings' own sources belong to the default one (WIKI_PIPELINE_TENANT).
    """


@command.command("list")
@json_option
def list_tenants(*, as_json: bool) -> None:
    """List the tenants, with those that were dropped."""
    with Pipeline.open(load(Settings)) as pipeline:
        records = pipeline.catalog.tenancy.all()
        counts = {record.name: len(pipeline.catalog.sources(record.name)) for record in records}
    if as_json:
        print_json([{**_as_json(record), "sources": counts[record.name]} for record in records])
        return
    print_table(
        ["tenant", "title", "state", "sources", "added", "dropped"],
        [(r.name, r.title, r.state.value, counts[r.name], r.created_at, r.dropped_at) for r in records],
        empty="There are no tenants.",
    )


@command.command("add")
@click.argument("name")
@click.option("--title", default="", help="For people.")
@json_option
def add(*, name: str, title: str, as_json: bool) -> None:
    """Add the tenant NAME: small letters, digits, dashes and underscores. Names are not used twice."""
    with Pipeline.open(load(Settings)) as pipeline:
        record = tenants.add(pipeline, name, title)
        pipeline.catalog.audit.record(command_line(name).entry("tenant.add", f"tenant {name}"))
    if as_json:
        print_json(_as_json(record))
        return
    click.echo(f"Added {name}. Next: wiki-pipeline connections add --tenant {name} ...")


@command.command("drop")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
@json_option
def drop(*, name: str, yes: bool, as_json: bool) -> None:
    """Drop the tenant NAME: its tables, clones, rows, runs, and the key of its secrets, for good. Where this ends
    early, the same command or the maintenance job goes on."""
    settings = load(Settings)
    with Pipeline.open(settings) as pipeline:
        if not yes:
            number = len(pipeline.catalog.sources(name))
            click.confirm(f"Drop {name} with {number} sources? It can't be undone", abort=True, err=True)
        steps: list[str] = []
        dropped = tenants.drop(pipeline, name, open_jobs(settings).forget_tenant, steps.append)
    if as_json:
        print_json({**_as_json(dropped.record), "steps": steps, "remains": dropped.remains})
        return
    click.echo(f"Dropped {name}. What remains:")
    for text in dropped.remains:
        click.echo(f"- {text}")


@command.command("collect")
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@json_option
def collect(*, dry_run: bool, as_json: bool) -> None:
    """Remove what can be made again and was not used for WIKI_PIPELINE_KEEP_UNUSED_DAYS, of all tenants, as the
    maintenance job does."""
    with Pipeline.open(load(Settings)) as pipeline:
        found = [garbage for each in pipeline.each() for garbage in tenants.collect(each, dry_run=dry_run)]
    if as_json:
        names = ("tenant", "what", "name", "last_used", "reason", "size")
        print_json([{**{name: getattr(each, name) for name in names}, "removed": not dry_run} for each in found])
        return
    print_table(
        ["tenant", "would go" if dry_run else "removed", "", "last used", "why", "bytes"],
        [
            (each.tenant, each.what, each.name, str(each.last_used or "unknown"), each.reason, each.size)
            for each in found
        ],
        empty="There is nothing to remove.",
    )


def _as_json(record: TenantRecord) -> dict[str, object]:
    return {
        "tenant": record.name,
        "title": record.title,
        "state": record.state.value,
        "created_at": record.created_at,
        "dropped_at": record.dropped_at,
    }
