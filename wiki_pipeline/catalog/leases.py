"""Leases: one writer at a time, across processes and machines, and none for ever after a crash.

A lease is a row with an end, in steady time. Its holder's heartbeat moves the end forward; a holder that is known to be
dead, or that let the end pass, is replaced by whoever comes next. Every claim is a compare-and-set on the row as it was
read, so of two that come at once exactly one wins.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, Row, delete, false, select, update

from wiki_pipeline.catalog.database import Database, upsert
from wiki_pipeline.catalog.records import LeaseRecord
from wiki_pipeline.catalog.steady import advance, boot, look, passed
from wiki_pipeline.catalog.tables import leases
from wiki_pipeline.errors import CatalogError, LeaseHeldError, LeaseLostError

_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.5


class Lease:
    """A lease as a context manager: taken on entry, renewed in the background, given back at the end.

    See `Catalog.lease` for the errors. One use each.
    """

    def __init__(self, database: Database, name: str, ttl: float, wait: float) -> None:
        self.name = name
        self._database = database
        self._ttl = ttl
        self._wait = wait
        self._token = uuid.uuid4().hex
        self._mine = (leases.c.name == name) & (leases.c.token == self._token)
        self._confirmed = 0.0  # as `passed` says: when this process last knew that the lease was its own
        self._lost = False
        self._stop = threading.Event()
        self._heartbeat = threading.Thread(target=self._beat, name=f"lease {name}", daemon=True)

    def check(self) -> None:
        """Make sure that the lease is still held, and will be for at least a third of its time. Call before writing.

        Costs nothing while the heartbeat works. When it fell behind (the process was suspended, the database was out
        of reach), the lease is renewed here and now.

        Raises:
            LeaseLostError: another process took it.
            CatalogError: the heartbeat fell behind and the database is still out of reach.
        """
        if not self._lost and passed() - self._confirmed > self._ttl * 2 / 3:
            self._renew()
        if self._lost:
            raise self._loss()

    def __enter__(self) -> Self:
        deadline = time.monotonic() + self._wait
        while not self._claim():
            holder = find(self._database, self.name)
            if holder is None:
                continue  # given back between the two looks
            if time.monotonic() >= deadline:
                raise LeaseHeldError(
                    f"Another process is writing {self.name}: {holder.holder}, since {_utc(holder.acquired)}.",
                    f"Wait for it to end. If it is gone, its claim ends by itself at {_utc(holder.expires)}.",
                )
            time.sleep(_POLL_SECONDS * random.uniform(0.5, 1))  # noqa: S311 - only spreads the waiting ones
        self._heartbeat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._heartbeat.join()
        self._give_back()
        if self._lost and error is None:
            raise self._loss()

    def _claim(self) -> bool:
        me = Process.this()
        asked = passed()
        with self._database.write() as connection:
            here = advance(connection)
            seen = connection.execute(select(leases).where(leases.c.name == self.name)).one_or_none()
            if seen is None:
                as_seen = false()
            elif seen.ends <= here.seconds or _is_gone(connection, seen):
                as_seen = (leases.c.token == seen.token) & (leases.c.ends == seen.ends)
            else:
                return False
            claim = {
                "holder": str(me),
                "token": self._token,
                "pid_space": me.space,
                "pid": me.pid,
                "acquired": here.moment,
                "expires": here.moment + timedelta(seconds=self._ttl),
                "ends": here.seconds + self._ttl,
            }
            insert = upsert(connection, leases).values(name=self.name, **claim)
            insert = insert.on_conflict_do_update(index_elements=["name"], set_=claim, where=as_seen)
            won = connection.execute(insert.returning(leases.c.token)).one_or_none() is not None
        self._confirmed = asked
        return won

    def _renew(self) -> None:
        asked = passed()
        with self._database.write() as connection:
            here = advance(connection)
            end = {"expires": here.moment + timedelta(seconds=self._ttl), "ends": here.seconds + self._ttl}
            renewed = connection.execute(update(leases).where(self._mine).values(**end)).rowcount
        if renewed:
            self._confirmed = asked
        else:
            self._lost = True

    def _beat(self) -> None:
        while not self._lost and not self._stop.wait(self._ttl / 3):
            try:
                self._renew()
            except CatalogError as error:
                _LOG.warning("The lease on %s could not be renewed and is tried again: %s", self.name, error)

    def _give_back(self) -> None:
        # A database out of reach is only logged: the work is done, and the lease ends by itself.
        try:
            with self._database.write() as connection:
                self._lost = not connection.execute(delete(leases).where(self._mine)).rowcount
        except CatalogError as error:
            _LOG.warning("The lease on %s could not be given back and ends by itself: %s", self.name, error)

    def _loss(self) -> LeaseLostError:
        holder = find(self._database, self.name)
        who = f"{holder.holder} took over at {_utc(holder.acquired)}" if holder else "another process took over"
        return LeaseLostError(
            f"This process was out of touch for more than {self._ttl:g} s while writing {self.name}, and {who}.",
            "What was committed before stands; run again to do the rest.",
        )


def find(database: Database, name: str) -> LeaseRecord | None:
    """The lease `name`, if it is held or was left behind."""
    with database.read() as connection:
        return next(iter(_records(connection, name)), None)


def is_held(database: Database, name: str) -> bool:
    """Whether the lease `name` is held: it has not expired, and its holder is not known to be dead."""
    with database.read() as connection:
        row = connection.execute(select(leases).where(leases.c.name == name)).one_or_none()
        return row is not None and row.ends > look(connection).seconds and not _is_gone(connection, row)


def _is_gone(connection: Connection, lease: Row[Any]) -> bool:
    """Whether a lease's holder is certainly dead. All processes that share an SQLite database are on one machine, so
    that none of before its start is left."""
    me = Process.this()
    on_one_machine = connection.dialect.name == "sqlite"
    return me.knows_dead(lease.pid_space, lease.pid) or (on_one_machine and me.started_after(lease.pid_space))


def find_all(database: Database) -> list[LeaseRecord]:
    """All leases that are held or were left behind, by name."""
    with database.read() as connection:
        return _records(connection)


def _records(connection: Connection, name: str | None = None) -> list[LeaseRecord]:
    columns = select(leases.c.name, leases.c.holder, leases.c.acquired, leases.c.expires).order_by(leases.c.name)
    chosen = columns if name is None else columns.where(leases.c.name == name)
    return [LeaseRecord(*row) for row in connection.execute(chosen)]


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True, slots=True)
class Process:
    """A process as other processes may know it.

    Attributes:
        host: its machine or container, for people.
        space: where its pid means something: equal for two processes that see each other's pids, and never equal for
            two that don't; empty if the system does not say.
    """

    host: str
    space: str
    pid: int

    @classmethod
    def this(cls) -> Process:
        """The process that asks."""
        return cls(socket.gethostname(), _pid_space(), os.getpid())

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"

    def knows_dead(self, space: str, pid: int) -> bool:
        """Whether the process `pid` of `space` is certainly gone. False where that can't be seen from here."""
        if not self.space or space != self.space:
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    def started_after(self, space: str) -> bool:
        """Whether this machine was started anew since a process of `space` ran on it."""
        return bool(self.space and space) and space.split("/", maxsplit=1)[0] != self.space.split("/")[0]


def _pid_space() -> str:
    # Linux: this start of the machine, and the pid namespace (containers have their own). A host's name would not do:
    # containers in the host's network share it. Elsewhere a dead holder's lease runs out by time.
    try:
        return f"{boot()}/{Path('/proc/self/ns/pid').readlink()}" if boot() else ""
    except OSError:
        return ""
