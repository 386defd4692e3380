"""`wiki-pipeline status`: how fresh each source is, and which documents are stale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

import click

from wiki_pipeline.access import local
from wiki_pipeline.catalog import SourceRecord, SyncRecord, SyncStatus
from wiki_pipeline.cli.output import json_option, print_json, print_table
from wiki_pipeline.freshness import StaleDocument, stale_in
from wiki_pipeline.model import Stage
from wiki_pipeline.settings import Settings, load
from wiki_pipeline.sync.pipeline import Pipeline

_SYNCS_LOOKED_AT = 50


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """A source as its last syncs left it.

    Attributes:
        documents: served now.
        failing: documents whose served state is behind because a stage fails on them.
        last_sync: running, or how it ended; empty if there was none.
        synced_at: when the last sync that brought it up to date ended.
        error: why the last sync failed; empty if it did not.
    """

    source: str
    title: str
    documents: int
    failing: int
    last_sync: str
    synced_at: datetime | None
    error: str


@click.command("status")
@click.option("--stale", is_flag=True, help="Show the stale documents instead, and why each is.")
@json_option
def command(*, stale: bool, as_json: bool) -> None:
    """Show how fresh each source is, and which documents are stale."""
    settings = load(Settings)
    with Pipeline.open(settings) as pipeline:
        pipeline.add_configured_sources()
        if stale:
            records = _readable(pipeline)
            _print_stale([item for record in records for item in stale_in(pipeline, record)], as_json=as_json)
        else:
            _print_sources(list(source_statuses(pipeline)), as_json=as_json)


def source_statuses(pipeline: Pipeline) -> Iterator[SourceStatus]:
    """Every source of the tenant."""
    for record in _readable(pipeline):
        syncs = pipeline.catalog.syncs(record.key, _SYNCS_LOOKED_AT)
        last = syncs[0] if syncs else None
        yield SourceStatus(
            source=str(record.key),
            title=record.title,
            documents=pipeline.store.table(Stage.WIKI_PAGES, record.key).row_count(),
            failing=len({failure.document_id for failure in pipeline.catalog.failures(record.key)}),
            last_sync=last.status if last else "",
            synced_at=_synced_at(syncs),
            error=last.error_message if last else "",
        )


def _readable(pipeline: Pipeline) -> list[SourceRecord]:
    scope = local(pipeline.settings).scope
    return [record for record in pipeline.catalog.sources(scope.tenant) if scope.allows(record.key)]


def _synced_at(syncs: list[SyncRecord]) -> datetime | None:
    ended_well = {SyncStatus.COMPLETED, SyncStatus.COMPLETED_WITH_ERRORS}
    return next((sync.finished for sync in syncs if sync.status in ended_well), None)


def _print_sources(statuses: list[SourceStatus], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(status) for status in statuses])
        return
    print_table(
        ["source", "documents", "failing", "last sync", "up to date at", "error"],
        [(s.source, s.documents, s.failing, s.last_sync, s.synced_at, s.error) for s in statuses],
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
