"""The audit: who did what, when, from where, and what came of it. Only added to; rows go by their age
alone, or with their tenant, of which one entry stays that says who dropped it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select

from wiki_pipeline.catalog.access_tables import audit
from wiki_pipeline.catalog.database import Database, now

_AT_ONCE = 1_000
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that was done, or tried. No secrets, and not what was searched or asked.

    Attributes:
        actor: `account ID`, `token ID`, `command line`, ...
        action: as `login`, `role.change`; stays the same between versions.
        object: what it was done to.
        result: `ok`, or why not, in a word.
    """

    tenant: str
    actor: str
    action: str
    object: str = ""
    result: str = "ok"
    address: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An entry as it is kept."""

    entry_id: int
    at: datetime
    entry: AuditEntry


class Audit:
    """The catalog's audit. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, *entries: AuditEntry) -> None:
        """Add entries."""
        with self._database.write() as connection:
            moment = now(connection)
            rows = [
                {"at": moment, **{name: getattr(entry, name)[:_LONGEST] for name in AuditEntry.__slots__}}
                for entry in entries
            ]
            if rows:
                connection.execute(insert(audit), rows)

    def page(
        self, tenant: str | None, *, action: str = "", actor: str = "", before: int = 0, limit: int = 100
    ) -> Sequence[AuditRecord]:
        """Entries of a tenant (None: of all), newest first, older than an id."""
        chosen = _chosen(tenant, action, actor).order_by(audit.c.entry_id.desc()).limit(limit)
        if before:
            chosen = chosen.where(audit.c.entry_id < before)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(chosen)]

    def all(self, tenant: str | None, *, action: str = "", actor: str = "") -> Iterator[AuditRecord]:
        """All entries, oldest first, so many at a time."""
        after = 0
        while True:
            chosen = _chosen(tenant, action, actor).where(audit.c.entry_id > after)
            with self._database.read() as connection:
                rows = [_record(row) for row in connection.execute(chosen.order_by(audit.c.entry_id).limit(_AT_ONCE))]
            yield from rows
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1].entry_id

    def expire(self, age: timedelta) -> int:
        """Forget what is older. Returns how much."""
        with self._database.write() as connection:
            return connection.execute(delete(audit).where(audit.c.at < now(connection) - age)).rowcount


def _chosen(tenant: str | None, action: str, actor: str) -> Select[Any]:
    chosen = select(audit)
    if tenant is not None:
        chosen = chosen.where(audit.c.tenant == tenant)
    if action:
        chosen = chosen.where(audit.c.action == action)
    if actor:
        chosen = chosen.where(audit.c.actor == actor)
    return chosen


def _record(row: Row[Any]) -> AuditRecord:
    entry = AuditEntry(**{name: getattr(row, name) for name in AuditEntry.__slots__})
    return AuditRecord(row.entry_id, row.at, entry)
