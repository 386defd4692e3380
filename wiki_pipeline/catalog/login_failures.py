"""Wrong passwords, counted by account and by address, so that the next try has to wait longer."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from wiki_pipeline.catalog.access_tables import login_failures
from wiki_pipeline.catalog.database import Database, now, upsert

_FORGOTTEN = timedelta(days=1)
_HALVED = timedelta(minutes=15)


class LoginFailures:
    """The catalog's counts. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def counts(self, keys: Iterable[str]) -> dict[str, tuple[int, timedelta]]:
        """How many there were for each key, and how long ago the last one."""
        with self._database.read() as connection:
            moment: datetime = now(connection)
            chosen = select(login_failures).where(login_failures.c.key.in_(list(keys)))
            return {row.key: (row.failures, moment - row.last_at) for row in connection.execute(chosen)}

    def add(self, keys: Iterable[str]) -> None:
        """Count one more for each key. What was counted before fades: it halves every quarter of an hour, so that an
        office whose people mistype now and then is not taken for somebody who guesses."""
        with self._database.write() as connection:
            moment = now(connection)
            connection.execute(delete(login_failures).where(login_failures.c.last_at < moment - _FORGOTTEN))
            wanted = sorted(keys)
            chosen = select(login_failures).where(login_failures.c.key.in_(wanted)).with_for_update()
            before = {
                row.key: row.failures * 0.5 ** ((moment - row.last_at) / _HALVED) for row in connection.execute(chosen)
            }
            for key in wanted:
                said = {"failures": round(before.get(key, 0)) + 1, "last_at": moment}
                made = upsert(connection, login_failures).values(key=key, **said)
                connection.execute(made.on_conflict_do_update(index_elements=["key"], set_=said))

    def clear(self, keys: Iterable[str]) -> None:
        """Begin anew."""
        with self._database.write() as connection:
            connection.execute(delete(login_failures).where(login_failures.c.key.in_(list(keys))))
