"""Display names of the people whom documents mention: asked for once, and again now and then.

A tenant's sources of one site share them: whoever writes in one space is mentioned in another one. On another site the
same id may be another person's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, Select, delete, func, select

from wiki_pipeline.catalog.database import Database, now, upsert
from wiki_pipeline.catalog.tables import people, sources
from wiki_pipeline.model import SourceKey


class People:
    """The catalog's names of people. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self, source: SourceKey) -> dict[str, str]:
        """All that is known, by account id, user key or user name; empty for those whom the source does not name."""
        chosen = select(people.c.person_id, people.c.name).where(_shared_by(source))
        with self._database.read() as connection:
            return {row.person_id: row.name for row in connection.execute(chosen)}

    def record(self, source: SourceKey, names: Mapping[str, str]) -> None:
        """Record what the source said of people just now."""
        if not names:
            return
        with self._database.write() as connection:
            moment, statement = now(connection), upsert(connection, people)
            said = {"name": statement.excluded.name, "asked_at": statement.excluded.asked_at}
            site = connection.execute(_site_of(source)).scalar_one_or_none() or ""
            of_site = {"tenant": source.tenant, "kind": source.kind, "connection": site}
            rows = [{**of_site, "person_id": id_, "name": name, "asked_at": moment} for id_, name in names.items()]
            key = ["tenant", "kind", "connection", "person_id"]
            connection.execute(statement.on_conflict_do_update(index_elements=key, set_=said), rows)

    def due(self, source: SourceKey, among: Collection[str], age: timedelta) -> list[str]:
        """Those of some people who were asked for longer ago than `age`, longest ago first."""
        chosen = select(people.c.person_id).where(_shared_by(source)).order_by(people.c.asked_at, people.c.person_id)
        with self._database.read() as connection:
            old = connection.execute(chosen.where(people.c.asked_at <= now(connection) - age)).scalars()
            return [person_id for person_id in old if person_id in among]

    def forget(self, source: SourceKey, age: timedelta) -> None:
        """Forget people who were last asked for longer ago than `age`: no document mentions them any more."""
        with self._database.write() as connection:
            connection.execute(delete(people).where(_shared_by(source), people.c.asked_at < now(connection) - age))


def forget_people(connection: Connection, source: SourceKey) -> None:
    """Forget the people of sites of a kind of which a tenant has no source any more."""
    of_kind = (people.c.tenant == source.tenant) & (people.c.kind == source.kind)
    left = select(sources.c.connection).where(sources.c.tenant == source.tenant, sources.c.kind == source.kind)
    connection.execute(delete(people).where(of_kind, people.c.connection.not_in(left)))


def _shared_by(source: SourceKey) -> ColumnElement[bool]:
    site = func.coalesce(_site_of(source).scalar_subquery(), "")
    return (people.c.tenant == source.tenant) & (people.c.kind == source.kind) & (people.c.connection == site)


def _site_of(source: SourceKey) -> Select[tuple[str]]:
    return select(sources.c.connection).where(sources.c.source == str(source))
