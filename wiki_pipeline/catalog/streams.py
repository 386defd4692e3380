"""Streams: the numbered events of something that is made while people watch, kept so that they can come back to it.

One mechanism for answers, research and jobs. Events have numbers from 1 without gaps; who has seen number n asks for
those after n. A stream that has finished is replayed, and ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from wiki_pipeline.catalog.database import Database, now
from wiki_pipeline.catalog.tables import storable, stream_events, streams
from wiki_pipeline.errors import ChangeRefusedError

_READ_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event.

    Attributes:
        number: from 1; the id that listeners send back to go on after it.
        data: anything that JSON can hold.
    """

    number: int
    event: str
    data: Any


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """A stream.

    Attributes:
        kind: what is made: `answer`, `research`, ...
        owner: who began it.
        cancelled: a person asked for it to stop; it may not have ended yet.
    """

    stream_id: str
    tenant: str
    kind: str
    owner: str
    created_at: datetime
    finished_at: datetime | None
    cancelled: bool


class Streams:
    """The catalog's streams. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, stream_id: str, tenant: str, kind: str, owner: str) -> None:
        """Begin a stream.

        Raises:
            ChangeRefusedError: there is one of that id.
        """
        with self._database.write() as connection:
            row = {"stream_id": stream_id, "tenant": tenant, "kind": kind, "owner": owner}
            connection.execute(insert(streams).values(**row, created_at=now(connection), cancelled=False))

    def get(self, stream_id: str) -> StreamRecord | None:
        """The stream; None if there is none of that id."""
        with self._database.read() as connection:
            row = connection.execute(select(streams).where(streams.c.stream_id == stream_id)).one_or_none()
        return None if row is None else _record(row)

    def append(self, stream_id: str, events: Sequence[tuple[str, Any]]) -> int:
        """Add events (name and data). Returns the number of the last one.

        Raises:
            ChangeRefusedError: the stream has finished, or there is none.
        """
        with self._database.write() as connection:
            open_ = select(streams.c.stream_id).where(streams.c.stream_id == stream_id, streams.c.finished_at.is_(None))
            if connection.execute(open_.with_for_update()).one_or_none() is None:
                raise ChangeRefusedError(f"The stream {stream_id} has finished: nothing can be added to it.")
            number: int = connection.execute(
                select(func.coalesce(func.max(stream_events.c.number), 0)).where(stream_events.c.stream_id == stream_id)
            ).scalar_one()
            rows = [
                {"stream_id": stream_id, "number": number + place, "event": event, "data": storable_json(data)}
                for place, (event, data) in enumerate(events, 1)
            ]
            if rows:
                connection.execute(insert(stream_events), rows)
            return number + len(rows)

    def read(self, stream_id: str, after: int = 0, limit: int = _READ_AT_ONCE) -> list[StreamEvent]:
        """The events after a number, in order, at most `limit`."""
        chosen = (
            select(stream_events)
            .where(stream_events.c.stream_id == stream_id, stream_events.c.number > after)
            .order_by(stream_events.c.number)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [StreamEvent(row.number, row.event, row.data) for row in connection.execute(chosen)]

    def finish(self, stream_id: str) -> None:
        """No event follows. A stream that has finished stays as it is."""
        with self._database.write() as connection:
            open_ = (streams.c.stream_id == stream_id) & streams.c.finished_at.is_(None)
            connection.execute(update(streams).where(open_).values(finished_at=now(connection)))

    def cancel(self, stream_id: str) -> bool:
        """Ask for what is made to stop; who makes it looks often. False if it has ended, or there is no such stream."""
        with self._database.write() as connection:
            open_ = (streams.c.stream_id == stream_id) & streams.c.finished_at.is_(None)
            return connection.execute(update(streams).where(open_).values(cancelled=True)).rowcount > 0

    def is_cancelled(self, stream_id: str) -> bool:
        """Whether a person asked for it to stop."""
        with self._database.read() as connection:
            asked = select(streams.c.cancelled).where(streams.c.stream_id == stream_id)
            return bool(connection.execute(asked).scalar_one_or_none())

    def expire(self, age: timedelta) -> int:
        """Delete streams that finished longer ago than `age`, with their events. Returns how many."""
        with self._database.write() as connection:
            old = streams.c.finished_at < now(connection) - age
            return connection.execute(delete(streams).where(old)).rowcount


def storable_json(value: Any) -> Any:
    """A value for a JSON column, whose texts any database can hold; see `storable`."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(name)): storable_json(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(item) for item in value]
    return value


def _record(row: Row[Any]) -> StreamRecord:
    return StreamRecord(**row._asdict())
