"""`wiki-pipeline sources`: which sources there are, one more, one less, and who may read each."""

from __future__ import annotations

import click

from wiki_pipeline.access.actors import command_line
from wiki_pipeline.catalog import Audience, Readers, SourceRecord
from wiki_pipeline.cli.jobs import open_jobs
from wiki_pipeline.cli.output import json_option, print_json, print_table, printable, tenant_option
from wiki_pipeline.cli.selection import one
from wiki_pipeline.errors import ConfigurationError, WikiPipelineError
from wiki_pipeline.freshness.audience import set_audience
from wiki_pipeline.settings import load
from wiki_pipeline.sources import datasource_id
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.sync.sources import News
from wiki_pipeline.sync.sources import add as add_to_pipeline

_NEWS = {
    News.ADDED: "Added {key}. Bring it over with: wiki-pipeline sync {key}",
    News.CHANGED: "{key} was there, and holds other documents now. Bring them over with: wiki-pipeline sync {key}",
    News.KNOWN: "{key} is there already. Bring it up to date with: wiki-pipeline sync {key}",
}


@click.group("sources")
def command() -> None:
    """List, add and remove sources."""


@command.command("list")
@tenant_option
@json_option
def list_sources(*, tenant: str, as_json: bool) -> None:
    """List the sources: those of the settings and those that were added."""
    with Pipeline.open(load(Settings), tenant) as pipeline:
        pipeline.add_configured_sources()
        records, dropped = pipeline.catalog.sources(pipeline.tenant), pipeline.dropped()
        problems = pipeline.configuration_problems()
    for problem in problems:
        click.echo(printable(problem), err=True)
    if as_json:
        print_json([{**_as_json(record), "dropped": record.key in dropped} for record in records])
        return
    print_table(
        ["source", "title", "url", "added"],
        [
            (
                record.key,
                record.title,
                "no longer in the settings" if record.key in dropped else record.url,
                record.added_at,
            )
            for record in records
        ],
        empty="There are no sources. Add one with `wiki-pipeline sources add ADDRESS`.",
    )


@command.command("add")
@click.argument("address")
@click.option("--connection", default="", metavar="NAME", help="Read it by this connection; else by the address's own.")
@tenant_option
@json_option
def add(*, address: str, connection: str, tenant: str, as_json: bool) -> None:
    """Add the space, page or repository at ADDRESS, after asking it what it is."""
    settings = load(Settings)
    with Pipeline.open(settings, tenant) as pipeline:
        added = add_to_pipeline(pipeline, address, connection)
        open_jobs(settings).publish(pipeline.catalog, pipeline.tenant)
        entry = command_line(pipeline.tenant).entry(f"source.{added.news}", str(added.record.key))
        pipeline.catalog.audit.record(entry)
    if as_json:
        print_json({**_as_json(added.record), "news": added.news})
        return
    click.echo(_NEWS[added.news].format(key=added.record.key))


@command.command("remove")
@click.argument("source")
@tenant_option
@json_option
def remove(*, source: str, tenant: str, as_json: bool) -> None:
    """Remove SOURCE and everything that was made from it: tables, vectors, pages, clone. Nothing happens upstream."""
    settings = load(Settings)
    with Pipeline.open(settings, tenant) as pipeline:
        configured = pipeline.add_configured_sources()
        key = one([record.key for record in pipeline.catalog.sources(pipeline.tenant)], source)
    if key in configured:
        raise ConfigurationError(f"{key} is named by the settings and would come back.", "Take it out there first.")
    run = open_jobs(settings).forget(key)
    if not run.succeeded:
        raise WikiPipelineError(f"{key} was not removed. {run.error_message}")
    with Pipeline.open(settings, tenant) as pipeline:
        pipeline.catalog.audit.record(command_line(key.tenant).entry("source.remove", str(key)))
    if as_json:
        print_json({"source": str(key), "removed": True})
        return
    click.echo(f"Removed {key}.")


@command.command("audience")
@click.argument("source")
@click.argument("readers", type=click.Choice([each.value for each in Readers]), required=False)
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A group that may read it; may be repeated.")
@json_option
def audience(*, source: str, readers: str | None, groups: tuple[str, ...], as_json: bool) -> None:
    """Show or say who may read SOURCE: everyone in the tenant, some groups, or admins only.

    Whatever the source's credentials see, all of them see. Admins read every source.
    """
    settings = load(Settings)
    chosen = Audience.of(readers or (Readers.GROUPS if groups else Readers.TENANT), groups)
    documents = 0
    with Pipeline.open(settings) as pipeline:
        pipeline.add_configured_sources()
        key = one([record.key for record in pipeline.catalog.sources(settings.tenant)], source)
        if readers or groups:
            documents = set_audience(pipeline, key, chosen)
            pipeline.catalog.audit.record(command_line(key.tenant).entry("source.audience", f"{key} {chosen}"))
        record = pipeline.catalog.source(key)
    now = record.audience if record else chosen
    if as_json:
        print_json(
            {"source": str(key), "readers": now.readers.value, "groups": list(now.groups), "documents": documents}
        )
        return
    click.echo(f"{key} is read by {now}.")
    if documents:
        click.echo(f"{documents} documents of sources that show something of it are made again with the next sync.")


def _as_json(record: SourceRecord) -> dict[str, object]:
    return {
        "source": str(record.key),
        "kind": record.key.kind,
        "connection": record.connection,
        "title": record.title,
        "url": record.url,
        "audience": {"readers": record.audience.readers.value, "groups": list(record.audience.groups)},
        "datasource_id": datasource_id(record.key, record.config),
        "added_at": record.added_at,
    }
