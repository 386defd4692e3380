"""Maintenance: tables made quick to read again, and records of long ago deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from wiki_pipeline.errors import LeaseHeldError
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.store import Maintenance, maintain_fully
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import SourceTables, lease_name, vectors_lease


@dataclass(frozen=True, slots=True)
class Maintained:
    """What was done.

    Attributes:
        joined, pruned_bytes: of all tables; see `Maintenance`.
        busy: sources that were being written, which look after their tables themselves.
        events, jobs, changes: records deleted.
    """

    joined: int
    pruned_bytes: int
    busy: Sequence[SourceKey]
    events: int
    jobs: int
    changes: int


def maintain(pipeline: Pipeline) -> Maintained:
    """Optimise every table of the tenant and delete what was settled long ago.

    Raises:
        CatalogError, StoreError: they can't be used. Tables and records are as right as before.
    """
    catalog, settings = pipeline.catalog, pipeline.settings
    done: list[Maintenance] = []
    busy = []
    for record in catalog.sources(pipeline.tenant):
        try:
            done += _tables(pipeline, record.key)
        except LeaseHeldError:
            busy.append(record.key)
    return Maintained(
        joined=sum(table.joined for table in done),
        pruned_bytes=sum(table.pruned_bytes for table in done),
        busy=busy,
        events=catalog.events.expire(timedelta(days=settings.keep_events_days)),
        jobs=catalog.jobs.expire(timedelta(days=settings.keep_jobs_days)),
        changes=catalog.changes.expire(timedelta(days=settings.keep_changes_days)),
    )


def _tables(pipeline: Pipeline, source: SourceKey) -> list[Maintenance]:
    tables, seconds = SourceTables(pipeline, source), pipeline.settings.lease_seconds
    own = [stage for stage in Stage if stage is not Stage.VECTORS]
    with pipeline.catalog.lease(lease_name(source), seconds):
        done = [maintain_fully(tables.table(stage)) for stage in own]
        with pipeline.catalog.lease(vectors_lease(source.tenant), seconds, wait=seconds):
            return [*done, maintain_fully(tables.table(Stage.VECTORS))]
