"""The list of a tenant's tables in a bucket: reading it is one query, listing the bucket a request per thousand."""

from __future__ import annotations

from sqlalchemy import delete, select

from wiki_pipeline.catalog.database import Database, upsert
from wiki_pipeline.catalog.tables import lance_tables

_BEGUN = ""  # no table's name: says that the list was begun, and is complete


class TableNames:
    """One tenant's list, as `store.TableNames` wants it. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

    def all(self) -> list[str] | None:
        """All names, sorted; None if the list was never begun."""
        with self._database.read() as connection:
            chosen = select(lance_tables.c.name).where(lance_tables.c.tenant == self._tenant)
            names = set(connection.execute(chosen.order_by(lance_tables.c.name)).scalars())
        return sorted(names - {_BEGUN}) if _BEGUN in names else None

    def begin(self, names: list[str]) -> None:
        """Begin the list with the tables that are there; names that were added meanwhile stay."""
        self._insert([_BEGUN, *names])

    def add(self, name: str) -> None:
        """A table is about to be made. Repeatable."""
        self._insert([name])

    def remove(self, name: str) -> None:
        """A table is gone. Repeatable."""
        mine = (lance_tables.c.tenant == self._tenant) & (lance_tables.c.name == name)
        with self._database.write() as connection:
            connection.execute(delete(lance_tables).where(mine))

    def _insert(self, names: list[str]) -> None:
        rows = [{"tenant": self._tenant, "name": name} for name in names]
        with self._database.write() as connection:
            connection.execute(upsert(connection, lance_tables).on_conflict_do_nothing(), rows)
