"""When what can be made again was used last. By the day: a write a day costs nothing, and nobody needs it finer."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import select

from wiki_pipeline.catalog.database import Database, upsert
from wiki_pipeline.catalog.tables import uses


class Uses:
    """What tenants used last, on which day. Writes once a day and process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[tuple[str, str], str] = {}

    def note(self, tenant: str, what: str) -> None:
        """Something is being used today."""
        day = datetime.now(UTC).date().isoformat()
        if self._noted.get((tenant, what)) == day:
            return
        with self._database.write() as connection:
            statement = upsert(connection, uses).values(tenant=tenant, what=what, day=day)
            connection.execute(statement.on_conflict_do_update(index_elements=["tenant", "what"], set_={"day": day}))
        self._noted[tenant, what] = day

    def last(self, tenant: str) -> dict[str, date]:
        """The last day on which each thing was used; what was not since this is kept is missing."""
        chosen = select(uses.c.what, uses.c.day).where(uses.c.tenant == tenant)
        with self._database.read() as connection:
            return {what: date.fromisoformat(day) for what, day in connection.execute(chosen)}
