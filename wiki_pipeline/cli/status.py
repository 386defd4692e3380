"""`wiki-pipeline status`: how fresh each source is, and which documents are stale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime

import click
from rich.text import Text

from wiki_pipeline.access import local
from wiki_pipeline.catalog import SourceRecord, SyncRecord
from wiki_pipeline.cli.output import json_option, print_json, print_table, progress_console, tenant_option
from wiki_pipeline.freshness import Condition, StaleDocument, staleness, stalled
from wiki_pipeline.model import Stage
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A source as its last syncs left it.

    Attributes:
        freshness: `never` synced, `failed` (the last sync), `stale` (documents are) or `fresh`.
        syncing: a sync is under way.
        documents: served now.
        stale: documents that are behind their source, failing ones among them.
        failing: documents whose served state is behind because a stage fails on them.
        last_sync: running, or how it ended; empty if there was none.
        synced_at: when the last sync that brought it up to date ended.
        error: why it can't be opened, why its last sync failed, or what that could not read beside the documents;
            empty if all is well.
    """

    source: str
    title: str
    freshness: Condition
    syncing: bool
    documents: int
    stale: int
    failing: int
    last_sync: str
    synced_at: datetime | None
    error: str


@click.command("status")
@click.option("--stale", is_flag=True, help="Show the stale documents instead, and why each is.")
@tenant_option
@json_option
def command(*, stale: bool, tenant: str, as_json: bool) -> None:
    """Show how fresh each source is, and which documents are stale."""
    with Pipeline.open(load(Settings), tenant) as pipeline:
        pipeline.add_configured_sources()
        if stale:
            records = _readable(pipeline)
            _print_stale([item for record in records for item in staleness(pipeline, record).stale], as_json=as_json)
        else:
            _print_sources(list(source_statuses(pipeline)), as_json=as_json)
            if not as_json and (waiting := stalled(pipeline)):
                progress_console().print(Text(str(waiting), style="bold yellow"), soft_wrap=True)


def source_statuses(pipeline: Pipeline) -> Iterator[SourceStatus]:
    """Every source of the tenant."""
    for record in _readable(pipeline):
        last = next(iter(pipeline.catalog.syncs(record.key, 1)), None)
        found = staleness(pipeline, record)
        yield SourceStatus(
            source=str(record.key),
            title=record.title,
            freshness=found.condition,
            syncing=found.syncing,
            documents=pipeline.store.table(Stage.WIKI_PAGES, record.key).row_count(),
            stale=len(found.stale),
            failing=len({failure.document_id for failure in pipeline.catalog.failures(record.key)}),
            last_sync=last.status if last else "",
            synced_at=found.synced_at,
            error=found.problem or "; ".join(_not_read(last)),
        )


def _not_read(last: SyncRecord | None) -> list[str]:
    """What the last sync could not read beside the documents."""
    return [f"not read: {warning}" for report in (last.reports if last else ()) for warning in report.warnings]


def _readable(pipeline: Pipeline) -> list[SourceRecord]:
    scope = replace(local(pipeline.settings).scope, tenant=pipeline.tenant)
    return [record for record in pipeline.catalog.sources(scope.tenant) if scope.allows(record.key)]


def _print_sources(statuses: list[SourceStatus], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(status) for status in statuses])
        return
    print_table(
        ["source", "freshness", "documents", "stale", "failing", "last sync", "synced at", "error"],
        [
            (
                s.source,
                f"{s.freshness}, syncing" if s.syncing else s.freshness,
                s.documents,
                s.stale,
                s.failing,
                s.last_sync,
                s.synced_at,
                s.error,
            )
            for s in statuses
        ],
        empty="There are no sources. Add one with `wiki-pipeline sources add ADDRESS`.",
    )


def _print_stale(stale: list[StaleDocument], *, as_json: bool) -> None:
    if as_json:
        print_json([{**asdict(document), "source": str(document.source)} for document in stale])
        return
    print_table(
        ["source", "document", "title", "reason", "since", "detail"],
        [(s.source, s.document_id, s.title, s.reason, s.since, s.detail) for s in stale],
        empty="Nothing is stale.",
    )
