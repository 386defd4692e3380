"""Dagster's own state on a laptop: its SQLite storage, with the event log in one database that stays open.

A run of five steps writes some fifty events and reads as often. Dagster's default keeps a database a run beside one for
all, writes the events of assets to both, and for each statement opens a connection, compiles the statement and closes
it, upon which SQLite copies its log into the database: a second of work a run, several on a slow disk. Here all that is
done once a process. `dagster.yaml` names this class; PostgreSQL takes its place in production.
"""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import dagster as dg
import sqlalchemy as sa

from wiki_pipeline.catalog import find_damage, set_aside
from wiki_pipeline.defs.dagster_internals import (
    ConfigurableClass,
    ConfigurableClassData,
    ConsolidatedSqliteEventLogStorage,
    DagsterStorage,
    EventLogStorage,
    RunStorage,
    ScheduleStorage,
    SqliteRunStorage,
    SqliteScheduleStorage,
    SqlPollingEventWatcher,
    UserConfigSchema,
)

_BUSY_SECONDS = 30  # as Dagster's own


class EventLog(ConsolidatedSqliteEventLogStorage):
    """The events of all runs in one SQLite database."""

    def __init__(self, base_dir: str) -> None:
        self._opening = threading.Lock()
        self._engine: sa.Engine | None = None
        self._tables: set[str] = set()
        super().__init__(base_dir)

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        with self._opening:
            if self._engine is None:
                self._engine = _opened(self._conn_string)
        with self._engine.begin() as connection:
            yield connection

    def has_table(self, table_name: str) -> bool:
        """Whether there is such a table; one that was found once is not looked for again."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def watch(self, run_id: str, cursor: str | None, callback: Callable[[dg.EventLogEntry, str], None]) -> None:
        """Call back with new events of a run. By polling: the file changes late, its log is written first."""
        self._watcher.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: Callable[[dg.EventLogEntry, str], None]) -> None:
        """Call back no more."""
        self._watcher.unwatch_run(run_id, handler)

    def dispose(self) -> None:
        """Close what is open."""
        if "_watcher" in self.__dict__:
            self._watcher.close()
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None

    @cached_property
    def _watcher(self) -> SqlPollingEventWatcher:
        return SqlPollingEventWatcher(self)


_DATABASES: Mapping[str, tuple[str, Callable[[str], EventLog | SqliteRunStorage | SqliteScheduleStorage]]] = {
    "history/runs.db": ("runs", SqliteRunStorage.from_local),
    "history/events/event_log.db": ("event_logs", EventLog),
    "schedules/schedules.db": ("job_ticks", SqliteScheduleStorage.from_local),
}
"""Dagster's databases below its folder: the table that is never missing, and what makes one in a folder."""


def set_damaged_aside(folder: Path) -> list[str]:
    """Rename databases that are damaged; new ones are made when the storage is opened. For when nothing else uses them.

    Returns:
        What was done, in sentences for people.

    Raises:
        CatalogError: another process uses one of them.
    """
    done = []
    for name in _DATABASES:
        damage = find_damage(folder / name)
        if damage is not None:
            kept = set_aside(folder / name)
            done.append(f"Dagster's database {folder / name} was damaged ({damage}). It is kept as {kept}.")
    return done


def _make_missing(folder: Path) -> None:
    """Make the databases that are missing, or were left without tables by a process that died while it made them.

    Each is made in a folder of its own and gets its place once it is complete. One process does this at a time.
    """
    if all(_is_complete(folder / name, table) for name, (table, _) in _DATABASES.items()):
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "storage.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name, (table, make) in _DATABASES.items():
            path = folder / name
            if _is_complete(path, table):
                continue
            if path.exists():
                set_aside(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(prefix=".making-", dir=folder) as draft:
                make(draft).dispose()
                (Path(draft) / path.name).replace(path)


def _is_complete(path: Path, table: str) -> bool:
    """Whether a database was made to its end, where Dagster marks its indexes as built; one in use has rows besides."""
    if not path.exists():
        return False
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool, connect_args={"timeout": _BUSY_SECONDS})
    with engine.connect() as connection:
        has = sa.inspect(connection).has_table
        return any(
            has(name) and connection.execute(sa.text(f"SELECT 1 FROM {name} LIMIT 1")).first() is not None  # noqa: S608
            for name in ("secondary_indexes", table)
        )


class LocalStorage(DagsterStorage, ConfigurableClass):
    """Dagster's SQLite storage for runs and schedules, and `EventLog` for their events.

    Args:
        base_dir: folder of the databases, made if missing.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        folder = Path(base_dir)
        self._inst_data = inst_data
        _make_missing(folder)
        self._runs = SqliteRunStorage.from_local(str(folder / "history"))
        self._events = EventLog(str(folder / "history" / "events"))
        self._schedules = SqliteScheduleStorage.from_local(str(folder / "schedules"))
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """What `dagster.yaml` says of this class."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """What it may say."""
        return {"base_dir": dg.StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """The storage as `dagster.yaml` describes it."""
        return cls(inst_data=inst_data, **config_value)

    def register_instance(self, instance: dg.DagsterInstance) -> None:
        """Register the parts with the instance."""
        super().register_instance(instance)
        for part in (self._runs, self._events, self._schedules):
            if not part.has_instance:
                part.register_instance(instance)

    @property
    def event_log_storage(self) -> EventLogStorage:
        """Where events are."""
        return self._events

    @property
    def run_storage(self) -> RunStorage:
        """Where runs are."""
        return self._runs

    @property
    def schedule_storage(self) -> ScheduleStorage:
        """Where ticks are."""
        return self._schedules

    def dispose(self) -> None:
        """Close what is open."""
        for part in (self._runs, self._events, self._schedules):
            part.dispose()


def _opened(address: str) -> sa.Engine:
    engine = sa.create_engine(address, connect_args={"timeout": _BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # With a log written first, this loses no more than the last events if the machine itself fails, not a process.
        connection.execute("PRAGMA synchronous = NORMAL")

    return engine
