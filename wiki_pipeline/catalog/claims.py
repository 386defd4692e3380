"""Claims: the events of one source taken on as one piece of work, and settled by whoever did it.

pending --claim--> claimed --settle--> applied | superseded
   ^                  |
   |                  +--settle, fail--> failed (due later) --claim--> ... --> dead (after its attempts)
   |                  +--cancel (a person stopped it)--> dead
   +---- release (the worker is gone before it began: no attempt is counted)
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, func, or_, select, update

from wiki_pipeline.catalog.database import Database, now, upsert
from wiki_pipeline.catalog.event_batches import EventBatch, insert_batches
from wiki_pipeline.catalog.event_records import (
    FINISHED,
    Claim,
    ClaimRecord,
    EventState,
    JobStatus,
    Origin,
    Retry,
    Waiting,
)
from wiki_pipeline.catalog.events import WAITING, fail_events, superseded
from wiki_pipeline.catalog.jobs import follow_events
from wiki_pipeline.catalog.moments import event_has_come, is_left_alone
from wiki_pipeline.catalog.tables import claims, events, jobs
from wiki_pipeline.model import SourceKey


class Claims:
    """Who works on which source's events. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, tenant: str, seconds: float, *, at_most: int = 100, at_once: Mapping[str, int] | None = None
    ) -> list[Claim]:
        """Take on all due events of every source that has no open claim, up to `at_most` sources.

        Args:
            seconds: until the claim expires unless it is kept up (`keep`).
            at_once: the most sources of a kind that are worked on at the same time; the events of others go on waiting.
        """
        with self._database.write() as connection:
            moment = now(connection)
            waiting = select(events.c.source, func.min(events.c.event_id).label("first")).where(_due(tenant, moment))
            waiting = waiting.group_by(events.c.source).order_by("first")
            due = [SourceKey.parse(row.source) for row in connection.execute(waiting)]
            allowed = _within(connection, tenant, due, at_once or {})[:at_most]
            return [_claim(connection, source, seconds, moment) for source in allowed]

    def due(self, tenant: str) -> bool:
        """Whether there is anything to claim. Writes nothing, so it may be asked often."""
        with self._database.read() as connection:
            found = select(events.c.event_id).where(_due(tenant, now(connection))).limit(1)
            return connection.execute(found).first() is not None

    def waiting(self, tenant: str) -> Waiting | None:
        """What is there to be claimed, or to get its source first; None if nothing is."""
        with self._database.read() as connection:
            moment = now(connection)
            # An event can be claimed from when it is due itself, and its source no longer left alone.
            since = case((claims.c.due_at > events.c.due_at, claims.c.due_at), else_=events.c.due_at)
            unresolved = (events.c.tenant == tenant) & events.c.source.is_(None)
            unresolved &= events.c.state.in_(WAITING) & (events.c.due_at <= moment)
            counted = (
                select(func.count(), func.min(since))
                .select_from(events.outerjoin(claims, claims.c.source == events.c.source))
                .where(or_(_due(tenant, moment), unresolved))
            )
            number, oldest = connection.execute(counted).one()
            return Waiting(number, oldest, moment) if number else None

    def claim_source(self, source: SourceKey, seconds: float) -> Claim | None:
        """Take on what waits for one source, due or not; None if another claim is open, or nothing waits."""
        with self._database.write() as connection:
            moment = now(connection)
            taken = select(claims.c.claim_id).where(claims.c.source == str(source))
            if connection.execute(taken).scalar() is not None:
                return None
            waits = select(events.c.event_id).where(events.c.source == str(source), events.c.state.in_(WAITING))
            if connection.execute(waits.limit(1)).first() is None:
                return None
            return _claim(connection, source, seconds, moment, due_only=False)

    def begin(self, message: EventBatch, source: SourceKey, seconds: float) -> Claim | None:
        """Record events of one source and take them on at once, with all that waits for it. None, and nothing recorded,
        if another claim on the source is open."""
        with self._database.write() as connection:
            moment = now(connection)
            taken = select(claims.c.claim_id).where(claims.c.source == str(source))
            if connection.execute(taken).scalar() is not None:
                return None
            insert_batches(connection, [message], moment)
            return _claim(connection, source, seconds, moment, due_only=False)

    def started(self, claim_id: str, run_id: str, seconds: float) -> bool:
        """Record which run works on a claim, and keep it up. False if the claim is no longer open."""
        return self._touch(claim_id, seconds, run_id=run_id)

    def keep(self, claim_id: str, seconds: float) -> bool:
        """Keep a claim from expiring for so many seconds. False if it is no longer open."""
        return self._touch(claim_id, seconds)

    def under_way(self, tenant: str) -> list[ClaimRecord]:
        """Claims under way, oldest first."""
        chosen = (
            select(claims)
            .where(claims.c.claim_id.is_not(None), claims.c.source.startswith(f"{tenant}:", autoescape=True))
            .order_by(claims.c.claimed_at)
        )
        with self._database.read() as connection:
            return [_claim_record(row) for row in connection.execute(chosen)]

    def expired(self, tenant: str) -> list[ClaimRecord]:
        """Open claims whose time has run out, oldest first."""
        with self._database.read() as connection:
            moment = now(connection)
        return [record for record in self.under_way(tenant) if record.expires_at <= moment]

    def of(self, source: SourceKey) -> ClaimRecord | None:
        """How the work on a source stands; None if it never had any."""
        with self._database.read() as connection:
            row = connection.execute(select(claims).where(claims.c.source == str(source))).one_or_none()
        return None if row is None else _claim_record(row)

    def jobs(self, claim_id: str) -> tuple[str, ...]:
        """Ids of the jobs that wait for events of a claim."""
        with self._database.read() as connection:
            return _jobs(connection, claim_id)

    # --- settling ---

    def settle(self, claim_id: str, failures: Mapping[str, str], retry: Retry) -> bool:
        """Record that the work of a claim was done: of each document the newest event is applied and the older ones
        superseded, but those of documents that failed, by id with the reason, are tried again later.

        False if the claim was settled or released before: then nothing changes.
        """
        mine = (events.c.claim_id == claim_id) & (events.c.state == EventState.CLAIMED.value)
        with self._database.write() as connection:
            source, waiting = _source(connection, claim_id), _jobs(connection, claim_id)
            if source is None or not _close(connection, claim_id, failures=0, error=""):
                return False
            moment = now(connection)
            for document_id, error in failures.items():
                fail_events(connection, mine & (events.c.document_id == document_id), error, retry)
            newest = select(func.max(events.c.event_id)).where(mine).group_by(events.c.document_id)
            newest_ids = list(connection.execute(newest).scalars())
            for start in range(0, len(newest_ids), 500):
                some = events.c.event_id.in_(newest_ids[start : start + 500])
                applied = {"state": EventState.APPLIED.value, "settled_at": moment, "reason": ""}
                connection.execute(update(events).where(mine & some).values(**applied))
            older = superseded(moment, "A later event of the same document was applied.")
            connection.execute(update(events).where(mine).values(**older))
            _supersede_tried(connection, claim_id, failures.keys(), older)
            follow_events(connection, source, moment, waiting, [f"{id_}: {said}" for id_, said in failures.items()])
        return True

    def lags(self, claim_id: str, limit: int = 1_000) -> list[float]:
        """How many seconds after they were received the events of a claim were applied, the newest."""
        chosen = select(events.c.received_at, events.c.settled_at).where(
            events.c.claim_id == claim_id, events.c.state == EventState.APPLIED.value
        )
        with self._database.read() as connection:
            rows = connection.execute(chosen.order_by(events.c.event_id.desc()).limit(limit))
            return [(settled - received).total_seconds() for received, settled in rows]

    def fail(self, claim_id: str, error: str, retry: Retry) -> bool:
        """Record that the work of a claim failed as a whole: its events are due again later, or dead, and its source
        is left alone for a while, also by new events. False as for `settle`."""
        mine = (events.c.claim_id == claim_id) & (events.c.state == EventState.CLAIMED.value)
        with self._database.write() as connection:
            source, waiting = _source(connection, claim_id), _jobs(connection, claim_id)
            failed_before = connection.execute(select(claims.c.failures).where(claims.c.claim_id == claim_id)).scalar()
            if source is None or failed_before is None:
                return False
            moment, wait = now(connection), timedelta(seconds=retry.delay(failed_before + 1))
            _close(connection, claim_id, failures=failed_before + 1, error=error, due_at=moment + wait)
            fail_events(connection, mine, error, retry)
            follow_events(connection, source, moment, waiting, [error])
        return True

    def cancel(self, claim_id: str, reason: str) -> bool:
        """Record that a person stopped the work of a claim: nothing of it starts again by itself. Its events are
        dead, with the reason, until they are retried; those of a schedule, which comes again, are superseded; its jobs
        are terminated. False as for `settle`."""
        mine = (events.c.claim_id == claim_id) & (events.c.state == EventState.CLAIMED.value)
        with self._database.write() as connection:
            waiting = _jobs(connection, claim_id)
            if not _close(connection, claim_id):
                return False
            moment = now(connection)
            scheduled = mine & (events.c.origin == Origin.SCHEDULE.value)
            connection.execute(update(events).where(scheduled).values(**superseded(moment, reason)))
            dead = {"state": EventState.DEAD.value, "settled_at": moment, "claim_id": None, "reason": reason}
            connection.execute(update(events).where(mine).values(**dead))
            ended = {"status": JobStatus.TERMINATED.value, "errors": [reason], "finished_at": moment}
            unfinished = jobs.c.job_id.in_(waiting) & jobs.c.status.not_in([status.value for status in FINISHED])
            connection.execute(update(jobs).where(unfinished).values(**ended))
        return True

    def release(self, claim_id: str, reason: str) -> bool:
        """Give a claim back: its events are pending again, as if it had not been. False as for `settle`."""
        mine = (events.c.claim_id == claim_id) & (events.c.state == EventState.CLAIMED.value)
        with self._database.write() as connection:
            if not _close(connection, claim_id):
                return False
            waiting = {"state": EventState.PENDING.value, "claim_id": None, "reason": reason}
            connection.execute(update(events).where(mine).values(**waiting))
        return True

    def _touch(self, claim_id: str, seconds: float, **values: Any) -> bool:
        with self._database.write() as connection:
            until = now(connection) + timedelta(seconds=seconds)
            mine = update(claims).where(claims.c.claim_id == claim_id).values(expires_at=until, **values)
            return connection.execute(mine).rowcount > 0


def _due(tenant: str, moment: datetime) -> ColumnElement[bool]:
    """Events to be claimed: they wait, their time has come, and their source is neither worked on nor left alone."""
    busy = select(claims.c.source).where(or_(claims.c.claim_id.is_not(None), is_left_alone(moment)))
    due = (events.c.tenant == tenant) & events.c.source.is_not(None) & events.c.source.not_in(busy)
    return due & events.c.state.in_(WAITING) & event_has_come(moment)


def _claim(
    connection: Connection, source: SourceKey, seconds: float, moment: datetime, *, due_only: bool = True
) -> Claim:
    claim_id = uuid.uuid4().hex
    row = {
        "claim_id": claim_id,
        "run_id": "",
        "claimed_at": moment,
        "expires_at": moment + timedelta(seconds=seconds),
    }
    statement = upsert(connection, claims).values(source=str(source), failures=0, due_at=moment, error="", **row)
    connection.execute(statement.on_conflict_do_update(index_elements=["source"], set_=row))
    due = (events.c.source == str(source)) & events.c.state.in_(WAITING)
    if due_only:
        due &= event_has_come(moment)
    connection.execute(update(events).where(due).values(state=EventState.CLAIMED.value, claim_id=claim_id))
    return _described(connection, claim_id, source)


def _described(connection: Connection, claim_id: str, source: SourceKey) -> Claim:
    mine = events.c.claim_id == claim_id
    columns = (events.c.document_id, events.c.origin, events.c.job_id, events.c.what)
    rows = connection.execute(select(*columns).where(mine).distinct()).all()
    count, since = connection.execute(select(func.count(), func.min(events.c.received_at)).where(mine)).one()
    documents = sorted({row.document_id for row in rows})
    return Claim(
        claim_id=claim_id,
        source=source,
        documents=() if "" in documents else tuple(documents),
        events=count,
        since=since,
        origins=tuple(sorted({Origin(row.origin) for row in rows})),
        jobs=tuple(sorted({row.job_id for row in rows if row.job_id})),
        what=tuple(sorted({row.what for row in rows})),
    )


def _jobs(connection: Connection, claim_id: str) -> tuple[str, ...]:
    chosen = select(events.c.job_id).where(events.c.claim_id == claim_id, events.c.job_id.is_not(None))
    return tuple(connection.execute(chosen.distinct().order_by(events.c.job_id)).scalars())


def _source(connection: Connection, claim_id: str) -> SourceKey | None:
    found = connection.execute(select(claims.c.source).where(claims.c.claim_id == claim_id)).scalar()
    return None if found is None else SourceKey.parse(found)


def _close(connection: Connection, claim_id: str, **values: Any) -> bool:
    closed = update(claims).where(claims.c.claim_id == claim_id).values(claim_id=None, **values)
    return connection.execute(closed).rowcount > 0


def _within(
    connection: Connection, tenant: str, due: Sequence[SourceKey], at_once: Mapping[str, int]
) -> list[SourceKey]:
    """Those of the sources, in their order, that make no more of their kind under way than are allowed."""
    chosen = select(claims.c.source).where(
        claims.c.claim_id.is_not(None), claims.c.source.startswith(f"{tenant}:", autoescape=True)
    )
    under_way = Counter(SourceKey.parse(name).kind for name in connection.execute(chosen).scalars())
    allowed = []
    for source in due:
        if under_way[source.kind] < at_once.get(source.kind, len(due) + 1):
            under_way[source.kind] += 1
            allowed.append(source)
    return allowed


def _supersede_tried(connection: Connection, claim_id: str, failed: Collection[str], change: Mapping[str, Any]) -> None:
    """What was tried in vain is done after all, where a later event of the same document, or of its source, was
    applied; but for documents that failed again."""
    applied = (events.c.claim_id == claim_id) & (events.c.state == EventState.APPLIED.value)
    done = connection.execute(select(events.c.source, events.c.document_id).where(applied)).all()
    tried = [EventState.DEAD.value, EventState.FAILED.value]
    left = events.c.state.in_(tried) & events.c.source.in_({row.source for row in done})
    chosen = select(events.c.event_id, events.c.document_id).where(left)
    ids = {row.document_id for row in done}
    over = [
        row.event_id
        for row in connection.execute(chosen)
        if row.document_id not in failed and ("" in ids or row.document_id in ids)
    ]
    for start in range(0, len(over), 500):
        some = events.c.event_id.in_(over[start : start + 500])
        connection.execute(update(events).where(some).values(**change))


def _claim_record(row: Row[Any]) -> ClaimRecord:
    return ClaimRecord(**{**row._asdict(), "source": SourceKey.parse(row.source)})
