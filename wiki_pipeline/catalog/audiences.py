"""Who may read a source: its tenant, some of its tenant's groups, or those who look after the tenant.

What a source's credentials see, its whole audience sees: rights of single people upstream are not copied.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, delete, select, update

from wiki_pipeline.catalog.database import Database, upsert
from wiki_pipeline.catalog.tables import audience_marks, former_audiences, sources
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey

MOST_GROUPS = 50
LONGEST_GROUP = 200


class Readers(StrEnum):
    """Whom an audience consists of."""

    TENANT = "tenant"
    GROUPS = "groups"
    ADMINS = "admins"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who may read a source. Admins may read every source of their tenant.

    Attributes:
        groups: names, sorted; of `Readers.GROUPS` alone.
    """

    readers: Readers = Readers.TENANT
    groups: tuple[str, ...] = ()

    def admits(self, groups: frozenset[str]) -> bool:
        """Whether somebody in these groups, who is no admin, is in it."""
        return self.readers is Readers.TENANT or (self.readers is Readers.GROUPS and not groups.isdisjoint(self.groups))

    @classmethod
    def of(cls, readers: str, groups: Sequence[str] = ()) -> Audience:
        """An audience as people write it.

        Raises:
            ConfigurationError: there is none such, or its groups are missing, too many or have no proper names.
        """
        try:
            kind = Readers(readers)
        except ValueError:
            raise ConfigurationError(
                f"{readers!r} is no audience.", f"A source is read by {', '.join(Readers)}."
            ) from None
        names = tuple(sorted({name.strip() for name in groups}))
        if kind is not Readers.GROUPS and names:
            raise ConfigurationError(f"The audience {kind.value!r} has no groups.", "Name groups with `groups` alone.")
        if kind is Readers.GROUPS and not names:
            raise ConfigurationError(
                "Which groups may read it?", "Name at least one; `admins` shuts it for the others."
            )
        if len(names) > MOST_GROUPS or any(not 0 < len(name) <= LONGEST_GROUP for name in names):
            raise ConfigurationError(
                "The groups can't be taken.", f"At most {MOST_GROUPS}, each with 1 to {LONGEST_GROUP} characters."
            )
        return cls(kind, names)

    def covers(self, other: Audience) -> bool:
        """Whether everyone who may read what has the other audience may read what has this one."""
        if self.readers is Readers.TENANT or other.readers is Readers.ADMINS:
            return True
        is_groups = self.readers is Readers.GROUPS and other.readers is Readers.GROUPS
        return is_groups and set(other.groups) <= set(self.groups)

    def __str__(self) -> str:
        match self.readers:
            case Readers.TENANT:
                return "everyone in the tenant"
            case Readers.ADMINS:
                return "admins only"
            case Readers.GROUPS:
                return f"{'group' if len(self.groups) == 1 else 'groups'} {', '.join(self.groups)}"


class Audiences:
    """The catalog's audiences. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, tenant: str) -> str:
        """Another word after each change of a tenant's sources or of their audiences; empty before the first."""
        with self._database.read() as connection:
            found = connection.execute(select(audience_marks.c.mark).where(audience_marks.c.tenant == tenant))
            return found.scalar_one_or_none() or ""

    def all(self, tenant: str) -> tuple[str, dict[SourceKey, Audience]]:
        """The audience of each source of a tenant, and of those of before that not everyone could read; with the mark
        of that state."""
        chosen = select(sources.c.source, sources.c.audience, sources.c.audience_groups)
        former = select(former_audiences.c.source, former_audiences.c.audience, former_audiences.c.audience_groups)
        with self._database.read() as connection:
            mark = connection.execute(select(audience_marks.c.mark).where(audience_marks.c.tenant == tenant))
            # The mark first: should they change between the two, what is kept by it is looked up again.
            known = mark.scalar_one_or_none() or ""
            rows = [*connection.execute(former.where(former_audiences.c.tenant == tenant))]
            rows += connection.execute(chosen.where(sources.c.tenant == tenant))
        return known, {SourceKey.parse(key): audience_of(readers, groups) for key, readers, groups in rows}

    def set(self, source: SourceKey, audience: Audience) -> bool:
        """Say who may read a source from now on. False if it is not there."""
        said = {"audience": audience.readers.value, "audience_groups": list(audience.groups)}
        with self._database.write() as connection:
            found = connection.execute(update(sources).where(sources.c.source == str(source)).values(**said))
            mark_changed(connection, source.tenant)
            return found.rowcount > 0


def keep_former(connection: Connection, source: SourceKey) -> None:
    """Remember who could read a source that is about to be removed, if not everyone could."""
    found = select(sources.c.audience, sources.c.audience_groups).where(sources.c.source == str(source))
    row = connection.execute(found).one_or_none()
    if row is None or row.audience == Readers.TENANT:
        return
    said = {"audience": row.audience, "audience_groups": row.audience_groups}
    statement = upsert(connection, former_audiences).values(source=str(source), tenant=source.tenant, **said)
    connection.execute(statement.on_conflict_do_update(index_elements=["source"], set_=said))


def restore_former(connection: Connection, source: SourceKey) -> None:
    """Give a source that is there again the audience that it had before it was removed, if not everyone could read it:
    whoever brings it back need not know of that."""
    found = select(former_audiences).where(former_audiences.c.source == str(source))
    row = connection.execute(found).one_or_none()
    if row is None:
        return
    said = {"audience": row.audience, "audience_groups": row.audience_groups}
    connection.execute(update(sources).where(sources.c.source == str(source)).values(**said))
    connection.execute(delete(former_audiences).where(former_audiences.c.source == str(source)))


def audience_of(readers: str, groups: Sequence[str]) -> Audience:
    """An audience as it is stored. One that this program does not know is the admins', as nobody else is meant for
    sure."""
    if readers not in set(Readers):
        return Audience(Readers.ADMINS)
    return Audience(Readers(readers), tuple(groups))


def mark_changed(connection: Connection, tenant: str) -> None:
    """Say that a tenant's sources, or who may read them, are others than before."""
    said = {"mark": uuid.uuid4().hex}
    statement = upsert(connection, audience_marks).values(tenant=tenant, **said)
    connection.execute(statement.on_conflict_do_update(index_elements=["tenant"], set_=said))
