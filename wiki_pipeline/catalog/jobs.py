"""Jobs: what people and programs asked for, followed until it is done. The work itself is that of freshness events."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from wiki_pipeline.catalog.database import Database, now
from wiki_pipeline.catalog.event_batches import EventBatch, insert_batches
from wiki_pipeline.catalog.event_records import FINISHED, OPEN, EventState, JobRecord, JobStatus, Origin
from wiki_pipeline.catalog.events import WAITING, superseded
from wiki_pipeline.catalog.tables import events, jobs
from wiki_pipeline.model import ChangeHint, SourceKey

ERRORS_KEPT = 100
_OPEN = (JobStatus.PENDING.value, JobStatus.IN_PROGRESS.value)


class Jobs:
    """The catalog's jobs. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, source: SourceKey, description: str, hints: Sequence[ChangeHint] = (), origin: Origin = Origin.API
    ) -> JobRecord:
        """A new job, with the events that do its work; without hints it is up to the caller to record those."""
        with self._database.write() as connection:
            row = {
                "job_id": uuid.uuid4().hex,
                "tenant": source.tenant,
                "source": str(source),
                "description": description,
                "status": JobStatus.PENDING.value,
                "created_at": now(connection),
                "progress": 0,
                "failed": 0,
                "errors": [],
                "run_id": "",
                "terminate": False,
            }
            record = _record(connection.execute(insert(jobs).values(**row).returning(jobs)).one())
            message = EventBatch(source.tenant, origin, hints, job_id=record.job_id)
            insert_batches(connection, [message], record.created_at)
            return record

    def get(self, job_id: str) -> JobRecord | None:
        """The job; None if there is none of that id."""
        with self._database.read() as connection:
            row = connection.execute(select(jobs, _NEXT_ATTEMPT).where(jobs.c.job_id == job_id)).one_or_none()
        return None if row is None else _record(row)

    def find(
        self,
        tenant: str,
        *,
        source: SourceKey | None = None,
        statuses: Sequence[JobStatus] = (),
        limit: int = 100,
        within: Collection[SourceKey] | None = None,
    ) -> list[JobRecord]:
        """Jobs, newest first; of the sources `within` alone, if given."""
        chosen = select(jobs, _NEXT_ATTEMPT).where(jobs.c.tenant == tenant)
        if within is not None:
            chosen = chosen.where(jobs.c.source.in_([str(key) for key in within]))
        if source is not None:
            chosen = chosen.where(jobs.c.source == str(source))
        if statuses:
            chosen = chosen.where(jobs.c.status.in_([status.value for status in statuses]))
        with self._database.read() as connection:
            rows = connection.execute(chosen.order_by(jobs.c.created_at.desc(), jobs.c.job_id).limit(limit))
            return [_record(row) for row in rows]

    def start(self, job_ids: Sequence[str], run_id: str) -> None:
        """Record that a run works on jobs; counts of an attempt before begin anew, its errors are still shown."""
        anew = {"status": JobStatus.IN_PROGRESS.value, "run_id": run_id, "total": None, "progress": 0, "failed": 0}
        with self._database.write() as connection:
            mine = jobs.c.job_id.in_(job_ids) & jobs.c.status.in_(_OPEN)
            connection.execute(update(jobs).where(mine).values(started_at=now(connection), **anew))

    def advance(self, job_ids: Sequence[str], *, total: int | None, progress: int, failed: int) -> bool:
        """Record how far jobs have come. True if one of them was asked to stop."""
        mine = jobs.c.job_id.in_(job_ids)
        with self._database.write() as connection:
            counts = {"total": total, "progress": progress, "failed": failed}
            connection.execute(update(jobs).where(mine, jobs.c.status.in_(_OPEN)).values(**counts))
            asked = select(jobs.c.job_id).where(mine, jobs.c.terminate.is_(True))
            return connection.execute(asked.limit(1)).first() is not None

    def finish(self, job_ids: Sequence[str], status: JobStatus, errors: Sequence[str] = ()) -> None:
        """Record how jobs ended. A job that has ended stays as it is."""
        kept = list(errors[:ERRORS_KEPT])
        with self._database.write() as connection:
            mine = jobs.c.job_id.in_(job_ids) & jobs.c.status.in_(_OPEN)
            ended = {"status": status.value, "errors": kept, "finished_at": now(connection)}
            connection.execute(update(jobs).where(mine).values(**ended))

    def follow(self, source: SourceKey) -> None:
        """End those of a source's jobs whose events have all come to an end, by whomever."""
        with self._database.write() as connection:
            follow_events(connection, source, now(connection))

    def wait(self, job_ids: Sequence[str], errors: Sequence[str] = ()) -> None:
        """Put jobs back in line: their events are pending again."""
        with self._database.write() as connection:
            mine = jobs.c.job_id.in_(job_ids) & jobs.c.status.in_(_OPEN)
            waiting = {"status": JobStatus.PENDING.value, "errors": list(errors[:ERRORS_KEPT])}
            connection.execute(update(jobs).where(mine).values(**waiting))

    def terminate(self, job_id: str) -> JobRecord | None:
        """Ask for a job to stop: its run looks between batches. One that has not been started is stopped
        at once, and its events are taken out of the queue. None if there is no such job."""
        with self._database.write() as connection:
            moment = now(connection)
            open_ = (jobs.c.job_id == job_id) & jobs.c.status.in_(_OPEN)
            asked = connection.execute(update(jobs).where(open_).values(terminate=True)).rowcount > 0
            mine = events.c.job_id == job_id
            if asked:
                out = superseded(moment, "Its job was terminated.")
                connection.execute(update(events).where(mine, events.c.state.in_(WAITING)).values(**out))
            claimed = select(events.c.event_id).where(mine, events.c.state == EventState.CLAIMED.value).limit(1)
            if asked and connection.execute(claimed).first() is None:
                ended = {"status": JobStatus.TERMINATED.value, "finished_at": moment}
                connection.execute(update(jobs).where(open_).values(**ended))
            row = connection.execute(select(jobs, _NEXT_ATTEMPT).where(jobs.c.job_id == job_id)).one_or_none()
        return None if row is None else _record(row)

    def expire(self, age: timedelta) -> int:
        """Delete jobs that ended longer ago than `age`. Returns how many."""
        with self._database.write() as connection:
            old = jobs.c.status.in_([status.value for status in FINISHED]) & (
                jobs.c.finished_at < now(connection) - age
            )
            return connection.execute(delete(jobs).where(old)).rowcount


def follow_events(
    connection: Connection, source: SourceKey, moment: datetime, tried: Collection[str] = (), errors: Sequence[str] = ()
) -> None:
    """End those of a source's jobs whose events have all come to an end: applied and superseded ones are done, dead
    ones are not. A job with an event that is tried again goes on, and shows what failed.

    Args:
        tried: ids of the jobs that an attempt has just worked for.
        errors: of that attempt.
    """
    kept = list(errors[:ERRORS_KEPT])
    open_ = (jobs.c.source == str(source)) & jobs.c.status.in_(_OPEN)
    for job_id in connection.execute(select(jobs.c.job_id).where(open_)).scalars().all():
        mine = (events.c.source == str(source)) & (events.c.job_id == job_id)
        states = {EventState(state) for state in connection.execute(select(events.c.state).where(mine)).scalars()}
        change: dict[str, Any] = {"errors": kept} if job_id in tried else {}
        if states and states.isdisjoint(OPEN):
            change |= {"status": _ended(states, bool(change and kept)).value, "finished_at": moment}
        if change:
            connection.execute(update(jobs).where(jobs.c.job_id == job_id).values(**change))


def _ended(states: Set[EventState], with_errors: bool) -> JobStatus:
    if states == {EventState.DEAD}:
        return JobStatus.FAILED
    return JobStatus.COMPLETED_WITH_ERRORS if with_errors or EventState.DEAD in states else JobStatus.COMPLETED


_NEXT_ATTEMPT = (
    select(func.min(events.c.due_at))
    .where(events.c.job_id == jobs.c.job_id, events.c.state == EventState.FAILED.value)
    .scalar_subquery()
    .label("next_attempt_at")
)


def _record(row: Row[Any]) -> JobRecord:
    values = {**row._asdict(), "source": SourceKey.parse(row.source), "errors": tuple(row.errors)}
    return JobRecord(**{**values, "status": JobStatus(row.status)})
