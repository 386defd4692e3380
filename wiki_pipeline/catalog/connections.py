"""Connections: the sites and hosts that sources are read from, with where their secrets are. No secrets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, select

from wiki_pipeline.catalog.database import Database, now, upsert
from wiki_pipeline.catalog.records import ConnectionRecord
from wiki_pipeline.catalog.tables import connections, sources
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import Connection


class Connections:
    """The connections of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, tenant: str) -> Sequence[ConnectionRecord]:
        """The tenant's connections, by name."""
        chosen = select(connections).where(connections.c.tenant == tenant).order_by(connections.c.name)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(chosen)]

    def get(self, tenant: str, name: str) -> ConnectionRecord | None:
        """One connection; None if there is none of that name."""
        chosen = select(connections).where(connections.c.tenant == tenant, connections.c.name == name)
        with self._database.read() as connection:
            row = connection.execute(chosen).one_or_none()
        return None if row is None else _record(row)

    def add(self, added: Connection, managed_by: str = "") -> ConnectionRecord:
        """Add a connection, or change it; it keeps the time it was first added."""
        said = {
            "kind": added.kind,
            "url": added.url,
            "options": dict(added.options),
            "secret_ref": added.secret_ref,
            "webhook_secret_ref": added.webhook_secret_ref,
            "managed_by": managed_by,
        }
        with self._database.write() as connection:
            statement = upsert(connection, connections).values(
                tenant=added.tenant, name=added.name, added_at=now(connection), **said
            )
            statement = statement.on_conflict_do_update(index_elements=["tenant", "name"], set_=said)
            return _record(connection.execute(statement.returning(connections)).one())

    def remove(self, tenant: str, name: str) -> bool:
        """Remove a connection. False if it was not there.

        Raises:
            ConfigurationError: sources are opened by it; names them.
        """
        with self._database.write() as connection:
            users = select(sources.c.source).where(sources.c.tenant == tenant, sources.c.connection == name)
            if using := sorted(connection.execute(users).scalars()):
                raise in_use(name, using)
            gone = delete(connections).where(connections.c.tenant == tenant, connections.c.name == name)
            return connection.execute(gone).rowcount > 0


def in_use(name: str, using: list[str]) -> ConfigurationError:
    """That a connection can't go."""
    return ConfigurationError(
        f"The connection {name} is used by {', '.join(using)}.",
        "Remove them first: wiki-pipeline sources remove SOURCE.",
    )


def _record(row: Row[Any]) -> ConnectionRecord:
    made = Connection(
        row.tenant, row.kind, row.name, row.url, dict(row.options), row.secret_ref, row.webhook_secret_ref
    )
    return ConnectionRecord(made, row.managed_by, row.added_at)
