"""Freshness events: accepted durably, kept until applied, superseded or dead. (`claims.py` does the work.)"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from wiki_pipeline.catalog.database import Database, now
from wiki_pipeline.catalog.event_batches import EventBatch, insert_batches, stored_id
from wiki_pipeline.catalog.event_records import OPEN, EventRecord, EventState, Origin, Retry, Standing
from wiki_pipeline.catalog.moments import event_has_come
from wiki_pipeline.catalog.steady import look
from wiki_pipeline.catalog.tables import events
from wiki_pipeline.model import SourceKey

WAITING = (EventState.PENDING.value, EventState.FAILED.value)
_BEHIND = [*(state.value for state in OPEN), EventState.DEAD.value]


class Events:
    """The catalog's freshness events. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- taking them in ---

    def record(self, messages: Sequence[EventBatch]) -> list[int]:
        """Take messages in, durably once this returns. Returns for each how many of its hints were new: 0 for a message
        that came before."""
        with self._database.write() as connection:
            return insert_batches(connection, messages, now(connection))

    def unresolved(self, tenant: str, limit: int = 1000) -> list[EventRecord]:
        """Due events that name a document but not its source, oldest first."""
        with self._database.read() as connection:
            chosen = (
                select(events)
                .where(events.c.tenant == tenant, events.c.source.is_(None), events.c.state.in_(WAITING))
                .where(event_has_come(look(connection)))
                .order_by(events.c.event_id)
                .limit(limit)
            )
            return [_event_record(row) for row in connection.execute(chosen)]

    def resolve(self, found: Mapping[int, Sequence[SourceKey]]) -> None:
        """Give events their sources. One of several sources becomes several events; one of none is superseded."""
        with self._database.write() as connection:
            moment = now(connection)
            for event_id, keys in found.items():
                event = events.c.event_id == event_id
                if not keys:
                    connection.execute(update(events).where(event).values(**superseded(moment, "In no known source.")))
                    continue
                connection.execute(update(events).where(event).values(source=str(keys[0])))
                row = connection.execute(select(events).where(event)).one()._asdict()
                del row["event_id"]
                for key in keys[1:]:
                    copy = {**row, "source": str(key), "delivery_id": f"{row['delivery_id']} for {key}"}
                    connection.execute(insert(events).values(**copy))

    def postpone(self, event_ids: Collection[int], error: str, retry: Retry) -> None:
        """Record that events could not even be given to a source; they are tried again later, or dead."""
        with self._database.write() as connection:
            fail_events(connection, events.c.event_id.in_(event_ids), error, retry)

    def supersede(self, event_ids: Collection[int], reason: str) -> int:
        """Record that events have no work left to do. Returns of how many that was new."""
        ids = list(event_ids)
        changed = 0
        with self._database.write() as connection:
            moment = now(connection)
            for start in range(0, len(ids), 500):
                some = events.c.event_id.in_(ids[start : start + 500]) & events.c.state.in_([s.value for s in OPEN])
                changed += connection.execute(update(events).where(some).values(**superseded(moment, reason))).rowcount
        return changed

    def newest(self, source: SourceKey, *, unsettled: bool = False) -> int:
        """The id of the source's newest event, or of the newest whose change is not served yet; 0 if it has none."""
        chosen = select(func.max(events.c.event_id)).where(events.c.source == str(source))
        if unsettled:
            chosen = chosen.where(events.c.state.in_(_BEHIND))
        with self._database.read() as connection:
            return connection.execute(chosen).scalar() or 0

    def cover(self, source: SourceKey, up_to: int, reason: str) -> int:
        """Record that a full sync left no work for the source's waiting and dead events up to an id. Returns how
        many there were."""
        left = [*WAITING, EventState.DEAD.value]
        waiting = (events.c.source == str(source)) & events.c.state.in_(left) & (events.c.event_id <= up_to)
        with self._database.write() as connection:
            change = update(events).where(waiting).values(**superseded(now(connection), reason))
            return connection.execute(change).rowcount

    def cancel_job(self, job_id: str, reason: str) -> int:
        """Take a job's events that are not claimed yet out of the queue. Returns how many they were."""
        with self._database.write() as connection:
            waiting = (events.c.job_id == job_id) & events.c.state.in_(WAITING)
            change = update(events).where(waiting).values(**superseded(now(connection), reason))
            return connection.execute(change).rowcount

    def revive(
        self,
        tenant: str,
        source: SourceKey | None = None,
        event_ids: Collection[int] = (),
        within: Collection[SourceKey] | None = None,
    ) -> int:
        """Let dead events be tried again, with all their attempts: those named, of a source, or all; of the sources
        `within` alone, if given."""
        chosen = _of(tenant, within) & (events.c.state == EventState.DEAD.value)
        if source is not None:
            chosen &= events.c.source == str(source)
        if event_ids:
            chosen &= events.c.event_id.in_(event_ids)
        with self._database.write() as connection:
            again = {
                "state": EventState.PENDING.value,
                "attempts": 0,
                "claim_id": None,
                "settled_at": None,
                "rests_until": 0,
            }
            return connection.execute(update(events).where(chosen).values(due_at=now(connection), **again)).rowcount

    def try_once_more(self, source: SourceKey, retry: Retry) -> set[str]:
        """Let a source's dead events be tried one more time, now. Returns the ids of their documents."""
        dead = (events.c.source == str(source)) & (events.c.state == EventState.DEAD.value)
        with self._database.write() as connection:
            again = {
                "state": EventState.PENDING.value,
                "attempts": max(0, retry.attempts - 1),
                "settled_at": None,
                "rests_until": 0,
            }
            change = update(events).where(dead).values(due_at=now(connection), **again)
            return set(connection.execute(change.returning(events.c.document_id)).scalars())

    def expire(self, age: timedelta) -> int:
        """Delete applied and superseded events that were settled longer ago than `age`. Returns how many."""
        done = events.c.state.in_([EventState.APPLIED.value, EventState.SUPERSEDED.value])
        with self._database.write() as connection:
            old = events.c.settled_at < now(connection) - age
            return connection.execute(delete(events).where(done, old)).rowcount

    # --- looking ---

    def find(
        self,
        tenant: str,
        *,
        states: Iterable[EventState] = (),
        source: SourceKey | None = None,
        job_id: str | None = None,
        claim_id: str | None = None,
        limit: int = 100,
        within: Collection[SourceKey] | None = None,
    ) -> list[EventRecord]:
        """Events, newest first; of the sources `within` alone, if given."""
        chosen = select(events).where(_of(tenant, within))
        if desired := [state.value for state in states]:
            chosen = chosen.where(events.c.state.in_(desired))
        if source is not None:
            chosen = chosen.where(events.c.source == str(source))
        if job_id is not None:
            chosen = chosen.where(events.c.job_id == job_id)
        if claim_id is not None:
            chosen = chosen.where(events.c.claim_id == claim_id)
        with self._database.read() as connection:
            rows = connection.execute(chosen.order_by(events.c.event_id.desc()).limit(limit))
            return [_event_record(row) for row in rows]

    def counts(self, tenant: str, within: Collection[SourceKey] | None = None) -> dict[EventState, int]:
        """How many events there are in each state; of the sources `within` alone, if given."""
        chosen = select(events.c.state, func.count()).where(_of(tenant, within)).group_by(events.c.state)
        with self._database.read() as connection:
            counted = {EventState(state): number for state, number in connection.execute(chosen)}
        return {state: counted.get(state, 0) for state in EventState}

    def standing(self, tenant: str) -> dict[SourceKey, Standing]:
        """How each source's events stand; sources without any are missing."""
        chosen = (
            select(events.c.source, events.c.state, func.count(), func.max(events.c.received_at))
            .where(events.c.tenant == tenant, events.c.source.is_not(None))
            .group_by(events.c.source, events.c.state)
        )
        found: dict[SourceKey, Standing] = {}
        with self._database.read() as connection:
            for source, state, number, last in connection.execute(chosen):
                key = SourceKey.parse(source)
                before = found.get(key, Standing())
                found[key] = Standing(
                    waiting=before.waiting + (number if EventState(state) in OPEN else 0),
                    dead=before.dead + (number if state == EventState.DEAD.value else 0),
                    last_received_at=max(filter(None, (before.last_received_at, last)), default=None),
                )
        return found

    def unsettled(self, source: SourceKey) -> list[EventRecord]:
        """Events of a source whose change is not served yet, dead ones among them; oldest first."""
        chosen = select(events).where(events.c.source == str(source), events.c.state.in_(_BEHIND))
        with self._database.read() as connection:
            return [_event_record(row) for row in connection.execute(chosen.order_by(events.c.event_id))]

    def lags(self, tenant: str, limit: int = 1000) -> list[tuple[datetime, float]]:
        """When the last events were applied, and how many seconds after they were received; newest first."""
        applied = (events.c.tenant == tenant) & (events.c.state == EventState.APPLIED.value)
        chosen = select(events.c.received_at, events.c.settled_at).where(applied)
        with self._database.read() as connection:
            rows = connection.execute(chosen.order_by(events.c.event_id.desc()).limit(limit))
            return [(settled, (settled - received).total_seconds()) for received, settled in rows]


def fail_events(connection: Connection, chosen: ColumnElement[bool], error: str, retry: Retry) -> None:
    """Count an attempt in vain for the events chosen: due again later, or dead."""
    here = look(connection)
    attempts = sorted(connection.execute(select(events.c.attempts).where(chosen).distinct()).scalars())
    # Highest first: each step moves events to the attempts that the next step would look for.
    for tried in reversed(attempts):
        dead, wait = tried + 1 >= retry.attempts, retry.delay(tried + 1)
        change = {
            "attempts": tried + 1,
            "state": EventState.DEAD.value if dead else EventState.FAILED.value,
            "settled_at": here.moment if dead else None,
            "due_at": here.moment + timedelta(seconds=wait),
            "rests_until": here.seconds + wait,
            "claim_id": None,
            "reason": error,
        }
        connection.execute(update(events).where(chosen, events.c.attempts == tried).values(**change))


def superseded(moment: datetime, reason: str) -> dict[str, Any]:
    """The columns of an event with no work left to do."""
    return {"state": EventState.SUPERSEDED.value, "settled_at": moment, "reason": reason}


def _event_record(row: Row[Any]) -> EventRecord:
    values = row._asdict()
    del values["rests_until"]
    values["delivery_id"] = row.delivery_id.removeprefix(stored_id(row.tenant, ""))
    values["source"] = SourceKey.parse(row.source) if row.source else None
    values["origin"] = Origin(row.origin)
    values["state"] = EventState(row.state)
    return EventRecord(**values)


def _of(tenant: str, within: Collection[SourceKey] | None) -> ColumnElement[bool]:
    of_tenant = events.c.tenant == tenant
    return of_tenant if within is None else of_tenant & events.c.source.in_([str(key) for key in within])
