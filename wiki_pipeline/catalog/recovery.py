"""A damaged catalog is set aside, and a new one made from what can still be read of it.

Only SQLite's file needs this: a PostgreSQL server looks after its own. It carries over what is recorded nowhere else:
tenants with their sealed secrets, connections, sources and how they are opened, accepted events that are not settled,
jobs, conversations with their answers, and names of people.
Everything else (what sources hold, failures, histories) comes again with the next full sync.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, create_engine, insert, literal_column, select
from sqlalchemy.exc import DBAPIError

from wiki_pipeline.catalog.database import Database, sqlite_path
from wiki_pipeline.catalog.event_records import OPEN, EventState
from wiki_pipeline.catalog.sqlite_files import find_damage, set_aside
from wiki_pipeline.catalog.tables import (
    answers,
    connections,
    conversations,
    data_keys,
    events,
    jobs,
    model_spending,
    people,
    secrets,
    sources,
    tenants,
)
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey

# In the order of what refers to what.
_CARRIED_OVER = (
    tenants,
    data_keys,
    secrets,
    connections,
    sources,
    jobs,
    events,
    people,
    conversations,
    answers,
    model_spending,
)
_OPEN = {state.value for state in OPEN}


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was done about a damaged catalog.

    Attributes:
        damage: in SQLite's words.
        kept: where the damaged file is now.
        rows: rows carried over, by table.
    """

    damage: str
    kept: Path
    rows: dict[str, int]

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {table}" for table, count in self.rows.items())
        return f"The catalog was damaged ({self.damage}). It is kept as {self.kept}; a new one holds {counts} of it."


def recover(url: str) -> Recovery | None:
    """Set a damaged catalog aside and make a new one. None if it is sound, not there, or not SQLite's.

    For when nothing else uses the catalog: at the start of `wiki-pipeline up`.

    Raises:
        CatalogError: another process uses it, or a new one can't be made.
    """
    path = sqlite_path(url)
    damage = find_damage(path) if path else None
    if path is None or damage is None:
        return None
    kept = set_aside(path)
    database = Database(url)
    try:
        with database.write() as connection:
            rows = {table.name: _carry_over(table, kept, connection) for table in _CARRIED_OVER}
    finally:
        database.close()
    return Recovery(damage, kept, rows)


def _carry_over(table: Table, kept: Path, connection: Connection) -> int:
    """Insert what can be read of a table, and what its rules allow. Returns how many rows that was."""
    count = 0
    for row in _readable(table, kept):
        if not _is_sound(table, row):
            continue
        with suppress(DBAPIError), connection.begin_nested():
            connection.execute(insert(table).values(**row))
            count += 1
    return count


def _readable(table: Table, kept: Path) -> Iterator[dict[str, Any]]:
    """Rows from the front until one can't be read, then from the back; no row twice."""
    engine = create_engine(f"sqlite:///{kept}")
    seen: set[int] = set()
    rowid: ColumnElement[int] = literal_column("rowid")
    try:
        for order in (rowid.asc(), rowid.desc()):
            with suppress(DBAPIError, ValueError, TypeError), engine.connect() as connection:
                for number, *values in connection.execute(select(rowid, table).order_by(order)):
                    if number in seen:
                        break
                    seen.add(number)
                    yield dict(zip(table.c.keys(), values, strict=True))
    finally:
        engine.dispose()


def _is_sound(table: Table, row: dict[str, Any]) -> bool:
    """Whether a row means something, made ready for the new catalog: no event is being worked on any more."""
    if table is sources:
        with suppress(ConfigurationError, AttributeError, TypeError):
            return str(SourceKey.parse(row["source"])) == str(row["source"])
        return False
    if table is events:
        if row["state"] not in _OPEN:
            return False
        row.update(state=EventState.PENDING.value, claim_id=None)
    return True
