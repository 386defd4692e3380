"""Problems that were reported to people: each once, until it is solved."""

from __future__ import annotations

from sqlalchemy import delete, select

from wiki_pipeline.catalog.database import Database, now, upsert
from wiki_pipeline.catalog.event_records import AlertRecord
from wiki_pipeline.catalog.tables import alerts


class Alerts:
    """The catalog's open alerts. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, problem: str, message: str) -> bool:
        """Record that a problem is being reported. False if it was reported before: then nothing changes."""
        with self._database.write() as connection:
            new = upsert(connection, alerts).values(problem=problem, message=message, raised_at=now(connection))
            new = new.on_conflict_do_nothing(index_elements=["problem"])
            return connection.execute(new.returning(alerts.c.problem)).first() is not None

    def close(self, problem: str) -> bool:
        """Record that a problem is solved. False if it was not known."""
        with self._database.write() as connection:
            return connection.execute(delete(alerts).where(alerts.c.problem == problem)).rowcount > 0

    def find(self) -> list[AlertRecord]:
        """Open alerts, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(alerts).order_by(alerts.c.raised_at, alerts.c.problem))
            return [AlertRecord(**row._asdict()) for row in rows]
