"""The connection to the catalog's database: engine, transactions, clock, and errors that people understand.

All that differs between SQLite and PostgreSQL is here, and how `messages` takes rows apart; the rest of the room is one
code path.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from wiki_pipeline.catalog import schema
from wiki_pipeline.catalog.sqlite_files import make_private
from wiki_pipeline.catalog.tables import UtcDateTime
from wiki_pipeline.errors import CatalogDamagedError, CatalogError, ChangeRefusedError, ConfigurationError

LOCK_SECONDS = 30  # how long a transaction waits for another one's locks
_AGAIN_SECONDS = 0.02
_READ_ONLY = "catalog_read_only"


class Database:
    """One engine, opened and brought to the newest schema on first use. Safe for several threads."""

    def __init__(self, url: str) -> None:
        self._url = _parse(url)
        self._engine: Engine | None = None
        self._opening = threading.Lock()

    @property
    def address(self) -> str:
        """The file, or the server and database: without user, password and parameters."""
        return _address(self._url)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: sees one state and waits for no lock.

        Raises:
            CatalogError: the database can't be used.
        """
        with self._explained(), _reading(self._ready()).begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes: all of it happens, or nothing.

        Raises:
            CatalogError: the database can't be used, or another process kept it busy for too long.
        """
        with self._explained(), self._ready().begin() as connection:
            yield connection

    @contextmanager
    def erasing(self) -> Iterator[Connection]:
        """As `write`, for deleting what nobody may find again: SQLite writes zeros over it, and its log is emptied.

        PostgreSQL's rows are gone from its files with the next vacuum.
        """
        with self.write() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            yield connection
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = OFF")
        self._checkpoint()

    @contextmanager
    def empty(self) -> Iterator[Connection]:
        """A transaction that writes to the database as it is: nothing is made or upgraded before it.

        Raises:
            CatalogError: the database can't be used.
        """
        with self._explained():
            engine = _open(self._url)
            try:
                with engine.begin() as connection:
                    yield connection
            finally:
                engine.dispose()

    def _checkpoint(self) -> None:
        """Bring SQLite's log into its file and empty it, as far as nobody reads: old pages hold what was deleted."""
        with self._explained():
            engine = self._ready()
            if engine.dialect.name == "sqlite":
                raw = engine.raw_connection()
                try:
                    raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                finally:
                    raw.close()

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        with self._opening:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()

    def _ready(self) -> Engine:
        with self._opening:
            if self._engine is None:
                engine = _open(self._url)
                try:
                    self._migrate(engine)
                except BaseException:
                    engine.dispose()
                    raise
                self._engine = engine
            return self._engine

    def _migrate(self, engine: Engine) -> None:
        with _reading(engine).begin() as connection:
            current = schema.is_current(connection)
        if not current:
            with engine.begin() as connection:
                schema.upgrade(connection, self.address)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        # SQLAlchemy's own messages hold the statement and its parameters; the driver's first line says what happened.
        try:
            yield
        except IntegrityError as error:
            raise ChangeRefusedError(f"The catalog {self.address} refused a change: {_reason(error)}.") from None
        except (SQLAlchemyError, OSError) as error:
            if _is_damage(error):
                raise CatalogDamagedError(
                    f"The catalog {self.address} is damaged: {_reason(error)}.",
                    "Stop everything that uses it and start `wiki-pipeline up`, which keeps the damaged file aside and "
                    "makes a new catalog from what it still holds, the tables and the settings.",
                ) from None
            raise CatalogError(
                f"The catalog {self.address} can't be used: {_reason(error)}.",
                "Check that it is there, has room and may be written, then try again.",
            ) from None


class database_now(FunctionElement[datetime]):  # noqa: N801 - reads as an SQL function
    """The present moment by the database's own clock, so that no two machines' clocks are compared."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(database_now, "sqlite")
def _now_sqlite(element: database_now, compiler: SQLCompiler, **_: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"  # milliseconds, in SQLAlchemy's format of microseconds


@compiles(database_now, "postgresql")
def _now_postgresql(element: database_now, compiler: SQLCompiler, **_: Any) -> str:
    return "clock_timestamp()"  # now() would be the transaction's start, before it waited for locks


def now(connection: Connection) -> datetime:
    """The present moment by the database's clock."""
    return connection.execute(select(database_now())).scalar_one()


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows `on_conflict_do_update`, which both databases have and SQLAlchemy spells per dialect."""
    return dialect_insert(connection.dialect.name, table)


def dialect_insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """As `upsert`, for a statement that is kept."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def in_turn(connection: Connection, key: int) -> None:
    """Wait until no other transaction that asked for the key is open; SQLite writes one after the other anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise ConfigurationError("WIKI_PIPELINE_DATABASE_URL is not an SQLAlchemy address.", _EXAMPLES) from None
    if backend not in {"sqlite", "postgresql"}:
        raise ConfigurationError(f"The catalog can't be kept in {backend}.", _EXAMPLES)
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise ConfigurationError("The catalog can't be kept in memory: several processes share it.", _EXAMPLES)
    return parsed


_EXAMPLES = (
    "WIKI_PIPELINE_DATABASE_URL is written sqlite:////absolute/path.sqlite or postgresql+psycopg://user@host/database."
)


def _address(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return URL.create("postgresql", host=url.host, port=url.port, database=url.database).render_as_string()


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite address; None for a server's.

    Raises:
        ConfigurationError: the address can't be used.
    """
    parsed = _parse(url)
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None


def _reading(engine: Engine) -> Engine:
    return engine.execution_options(postgresql_readonly=True, **{_READ_ONLY: True})


def _open(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _open_sqlite(url)
    return _open_postgresql(url)


def _open_sqlite(url: URL) -> Engine:
    make_private(Path(str(url.database)))
    engine = create_engine(url, connect_args={"timeout": LOCK_SECONDS})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late for DDL and for reads
        connection.execute("PRAGMA foreign_keys = ON")
        _use_wal(connection)
        # SQLite's own default, but not of everyone who builds it: what was committed is still there after a power cut.
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later can't wait for a lock: take it at the start.
        reads = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _use_wal(connection: Any) -> None:
    """Have a database keep a write-ahead log. Where another process is just making the same file, SQLite says at once
    that it is locked, and does not wait as long as it does for everything else."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_AGAIN_SECONDS)
        else:
            return


def _open_postgresql(url: URL) -> Engine:
    limits = {"connect_timeout": 10, "tcp_user_timeout": LOCK_SECONDS * 1000}
    try:
        engine = create_engine(
            url,
            pool_pre_ping=True,
            connect_args={name: value for name, value in limits.items() if name not in url.query},
        )
    except (ModuleNotFoundError, NoSuchModuleError):
        raise ConfigurationError(
            f"The driver of {url.drivername} is not installed.",
            "Install wiki-pipeline[postgres] and write the address as postgresql+psycopg://...",
        ) from None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # For this transaction only: a setting of the session would not survive a connection pooler.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")

    return engine


def _is_damage(error: SQLAlchemyError | OSError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None) if isinstance(error, DBAPIError) else None
    return code is not None and code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _reason(error: SQLAlchemyError | OSError) -> str:
    if isinstance(error, DBAPIError):
        return (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0].rstrip(".")
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return type(error).__name__
