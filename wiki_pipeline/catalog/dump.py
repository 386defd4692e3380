"""The whole catalog as lines of JSON, out of one database and into another, which may be of the other kind.

A dump is one state: read in one transaction. It is of the tables as a schema revision has them; a later program makes
that revision, fills it, and then migrates it. Leases are left out: whoever held them holds nothing in the new place;
and what opens a door for a while or once: sessions, attempts at logging in, signing keys, refresh tokens, links that
set a password. A backup is no place for them, and one that was ended or used up after it would be good again; neither
are they taken from the dump of an earlier program. People log in again, and API tokens, which stay, are exchanged anew.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    DateTime,
    Integer,
    MetaData,
    Table,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from wiki_pipeline.catalog import schema
from wiki_pipeline.catalog.access_tables import (
    login_attempts,
    password_links,
    refresh_families,
    refresh_tokens,
    sessions,
    signing_keys,
)
from wiki_pipeline.catalog.database import Database
from wiki_pipeline.catalog.tables import leases, metadata, schema_use
from wiki_pipeline.errors import CatalogError, ConfigurationError

_OPENING = (sessions, login_attempts, signing_keys, refresh_families, refresh_tokens, password_links)
_LEFT_OUT = {leases.name, schema_use.name, *(table.name for table in _OPENING)}
_ROWS = 1_000


def dump(database: Database) -> Iterator[str]:
    """Lines: first the schema's revision, then tables with their rows.

    Raises:
        CatalogError: the database can't be read.
    """
    with database.read() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        yield json.dumps({"revision": schema.HEAD})
        for table in metadata.sorted_tables:
            if table.name in _LEFT_OUT:
                continue
            columns = [column.name for column in table.columns]
            yield json.dumps({"table": table.name, "columns": columns})
            for row in connection.execution_options(yield_per=_ROWS).execute(select(*table.columns)):
                yield json.dumps([_encoded(value) for value in row], ensure_ascii=False, separators=(",", ":"))


def restore(database: Database, lines: Iterable[str]) -> dict[str, int]:
    """Fill a database that holds nothing: all of it, or nothing. Rows by table.

    Raises:
        ConfigurationError: the database holds a catalog with something in it, or the lines are no dump.
        CatalogError: the dump is a newer program's, or the database can't be written.
    """
    source = iter(lines)
    try:
        revision = json.loads(next(source))["revision"]
    except (StopIteration, ValueError, KeyError, TypeError):
        raise ConfigurationError("This is not the dump of a catalog.") from None
    with database.empty() as connection:
        _refuse_filled(connection, database.address)
        schema.make(connection, database.address, revision)
        counts = _fill(connection, source)
        _continue_numbers(connection, counts)
        schema.upgrade(connection, database.address)
        schema.say_who_may_use_it(connection)
    return counts


def _refuse_filled(connection: Connection, address: str) -> None:
    """An empty catalog that some command has made meanwhile is taken away; one with anything in it stays."""
    found = inspect(connection)
    names = [name for name in found.get_table_names() if name in metadata.tables or name == "alembic_version"]
    for name in names:
        if name in metadata.tables and name not in _LEFT_OUT:
            table = Table(name, MetaData(), autoload_with=connection)
            if connection.execute(select(func.count()).select_from(table)).scalar_one():
                raise ConfigurationError(
                    f"The catalog {address} holds something already ({name}).",
                    "Restore into an empty one: take the database or its file away first, or set "
                    "WIKI_PIPELINE_DATABASE_URL to another.",
                )
    reflected = MetaData()
    reflected.reflect(connection, only=names)
    reflected.drop_all(connection)


def _fill(connection: Connection, lines: Iterator[str]) -> dict[str, int]:
    tables = MetaData()
    tables.reflect(connection)
    for column in (column for each in tables.tables.values() for column in each.columns):
        if isinstance(column.type, JSON) and column.nullable:
            column.type.none_as_null = True  # as it was: there is no value, rather than one that is JSON's null
    counts: dict[str, int] = {}
    table: Table | None = None
    columns: list[str] = []
    rows: list[dict[str, Any]] = []

    def write() -> None:
        if table is not None and table.name in _LEFT_OUT:
            rows.clear()
        if table is not None and rows:
            try:
                connection.execute(insert(table), rows)
            except DBAPIError as error:
                raise CatalogError(f"The rows of {table.name} don't fit: {type(error.orig).__name__}.") from None
            counts[table.name] += len(rows)
            rows.clear()

    for line in lines:
        said = json.loads(line)
        if isinstance(said, dict):
            write()
            table, columns = tables.tables[said["table"]], said["columns"]
            counts[table.name] = 0
            continue
        assert table is not None  # noqa: S101 - the first line after the revision names one
        rows.append({name: _decoded(value, table, name) for name, value in zip(columns, said, strict=True)})
        if len(rows) >= _ROWS:
            write()
    write()
    return counts


def _continue_numbers(connection: Connection, counts: dict[str, int]) -> None:
    """PostgreSQL's counters go on after the numbers that were brought; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for name in counts:
        table = metadata.tables.get(name)
        for column in table.primary_key.columns if table is not None else ():
            if isinstance(column.type, Integer):
                sequence = connection.execute(
                    text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": name, "column": column.name}
                ).scalar()
                last = connection.execute(select(func.max(column))).scalar()
                if sequence and last:
                    connection.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last})


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"$moment": value.astimezone(UTC).isoformat()}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict | list):
        return {"$json": value}
    return value


def _decoded(value: Any, table: Table, column: str) -> Any:
    kind = table.columns[column].type
    if isinstance(value, dict):
        if "$moment" in value:
            moment = datetime.fromisoformat(value["$moment"])
            # SQLite, which knows no time zones, has UTC.
            return moment if getattr(kind, "timezone", False) else moment.replace(tzinfo=None)
        return base64.b64decode(value["$bytes"]) if "$bytes" in value else value["$json"]
    if isinstance(kind, Boolean) and value is not None:
        return bool(value)
    if isinstance(kind, DateTime) and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value
