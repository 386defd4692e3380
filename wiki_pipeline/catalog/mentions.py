"""Who mentions which document elsewhere: links of documents and messages of commits, by the names that they use.

It is an index: all of it can be made again from the tables and from the sources' clones. A source's mentions are
written under its lease.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Connection, delete, desc, insert, select

from wiki_pipeline.catalog.database import Database, upsert
from wiki_pipeline.catalog.tables import mention_states, mentions
from wiki_pipeline.model import SourceKey

DOCUMENT, COMMIT = "document", "commit"
_ROWS = 500  # a statement
_NAMES = 4  # by which one holder may call a document: its key, keys of before, bare and in addresses

T = TypeVar("T")


class Mention(NamedTuple):
    """That something names a document.

    Attributes:
        source: the source that it belongs to.
        what: `DOCUMENT` or `COMMIT`.
        holder: id of the document, hash of the commit.
        name: a key as text (`links.keys.LinkKey`), or what stands in a message, as `OPS-12`.
        title, url, author, moment: of the commit; empty for a document, whose own are in its table.
    """

    source: SourceKey
    what: str
    holder: str
    name: str
    title: str = ""
    url: str = ""
    author: str = ""
    moment: datetime | None = None


class Mentions:
    """The catalog's index of mentions. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def state(self, source: SourceKey, what: str) -> str | None:
        """Up to where a source's mentions are in the index: a version of its table, a commit. None: nothing is."""
        chosen = select(mention_states.c.position).where(
            mention_states.c.source == str(source), mention_states.c.what == what
        )
        with self._database.read() as connection:
            return connection.execute(chosen).scalar_one_or_none()

    def holders(self, source: SourceKey, what: str) -> set[str]:
        """Those of a source that mention anything."""
        chosen = select(mentions.c.holder).distinct().where(_of(source, what))
        with self._database.read() as connection:
            return set(connection.execute(chosen).scalars())

    def record(
        self, source: SourceKey, what: str, found: Iterable[Mention], position: str, among: Collection[str] | None
    ) -> None:
        """Take in what a source's documents or commits mention now.

        Args:
            position: see `state`.
            among: the holders that were looked at, whose mentions of before go; None: all.
        """
        with self._database.write() as connection:
            if among is None:
                connection.execute(delete(mentions).where(_of(source, what)))
            for holders in _portions(sorted(among or ())):
                connection.execute(delete(mentions).where(_of(source, what), mentions.c.holder.in_(holders)))
            _insert(connection, found)
            states = upsert(connection, mention_states)
            connection.execute(
                states.on_conflict_do_update(
                    index_elements=["source", "what"], set_={"position": states.excluded.position}
                ),
                {"source": str(source), "what": what, "position": position},
            )

    def keep(self, source: SourceKey, what: str, most: int) -> None:
        """Let a source's oldest mentions go beyond about a number."""
        latest = select(mentions.c.moment).where(_of(source, what)).order_by(desc(mentions.c.moment))
        with self._database.write() as connection:
            last = connection.execute(latest.offset(most).limit(1)).scalar_one_or_none()
            if last is not None:
                connection.execute(delete(mentions).where(_of(source, what), mentions.c.moment <= last))

    def of(self, sources: Collection[SourceKey], what: str, names: Collection[str], most: int) -> list[Mention]:
        """Who of some sources mentions something under any of some names, the latest first; each holder once, a bounded
        number. One look-up by index, however much there is."""
        columns = [mentions.c[name] for name in Mention._fields]
        chosen = (
            select(*columns)
            .where(mentions.c.name.in_(sorted(names)), mentions.c.what == what)
            .where(mentions.c.source.in_(sorted(map(str, sources))))
            .order_by(desc(mentions.c.moment), mentions.c.source, mentions.c.holder)
            .limit(_NAMES * most)
        )
        with self._database.read() as connection:
            rows = connection.execute(chosen).all()
        found: dict[tuple[str, str], Mention] = {}
        for row in rows:
            found.setdefault((row.source, row.holder), Mention(SourceKey.parse(row.source), *row[1:]))
        return list(found.values())[:most]


def _of(source: SourceKey, what: str) -> ColumnElement[bool]:
    return (mentions.c.source == str(source)) & (mentions.c.what == what)


def _insert(connection: Connection, found: Iterable[Mention]) -> None:
    rows = [{**each._asdict(), "source": str(each.source)} for each in dict.fromkeys(found)]
    for some in _portions(rows):
        connection.execute(insert(mentions), list(some))


def _portions(items: Sequence[T]) -> Iterable[Sequence[T]]:
    return (items[start : start + _ROWS] for start in range(0, len(items), _ROWS))
