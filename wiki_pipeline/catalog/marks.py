"""Marks: show whether anything that staleness depends on has changed, without reading all of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from wiki_pipeline.catalog.database import Database
from wiki_pipeline.catalog.event_records import EventState
from wiki_pipeline.catalog.records import SyncStatus
from wiki_pipeline.catalog.tables import events, failures, observations, people, syncs
from wiki_pipeline.model import SourceKey

_SETTLED = (EventState.APPLIED.value, EventState.SUPERSEDED.value)


@dataclass(frozen=True, slots=True)
class Mark:
    """The state of the catalog as far as a source's staleness goes by it. Equal marks: nothing has changed.

    Attributes:
        busy: sources that are being synced, whose tables may change meanwhile.
    """

    value: tuple[object, ...]
    busy: tuple[SourceKey, ...]


class Marks:
    """Marks of sources. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, source: SourceKey) -> Mark:
        """The mark of a source. Its pages may include those of the tenant's others, so that these are part of it."""
        tenant = f"{source.tenant}:"
        own_failures = failures.c.source == str(source)
        unsettled = (events.c.source == str(source)) & events.c.state.not_in(_SETTLED)
        ours = syncs.c.source.startswith(tenant, autoescape=True)
        running = ours & (syncs.c.status == SyncStatus.RUNNING.value)
        seen = observations.c.source.startswith(tenant, autoescape=True)
        asked = (
            select(func.count(), func.max(failures.c.last_failed_at), func.sum(failures.c.attempts)).where(
                own_failures
            ),
            select(events.c.state, func.count(), func.max(events.c.event_id), func.sum(events.c.attempts))
            .where(unsettled)
            .group_by(events.c.state)
            .order_by(events.c.state),
            select(func.count(), func.max(syncs.c.sync_id), func.max(syncs.c.finished)).where(ours),
            select(observations.c.source, observations.c.data_version, observations.c.listed_at)
            .where(seen)
            .order_by(observations.c.source),
            select(func.count(), func.max(people.c.asked_at)).where(people.c.tenant == source.tenant),
        )
        with self._database.read() as connection:
            value = tuple(tuple(tuple(row) for row in connection.execute(each)) for each in asked)
            busy = connection.execute(select(syncs.c.source).where(running).distinct().order_by(syncs.c.source))
            return Mark(value, tuple(SourceKey.parse(key) for key in busy.scalars()))
