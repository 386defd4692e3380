"""What each source said last that it holds: by this the catalog knows what is served behind it, and since when."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from wiki_pipeline.catalog.database import Database, now, upsert
from wiki_pipeline.catalog.event_records import Observation, UpstreamDocument
from wiki_pipeline.catalog.tables import observations, upstream
from wiki_pipeline.model import DocumentRef, SourceKey

_MODULUS = 2**128
_ROWS = 500  # a statement


class Upstream:
    """The catalog's picture of what sources hold. Each method is one transaction; for errors see `Catalog`.

    A source's `data_version` is a sum of hashes, one a document, so that it is the same however its documents came to
    be known, and a change of one costs no look at the others.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def observe_all(self, source: SourceKey, listing: Iterable[DocumentRef]) -> Observation:
        """Record a complete listing: documents that it lacks are gone. Writes what differs from before."""
        desired = {ref.document_id: ref.version_key for ref in listing}
        with self._database.write() as connection:
            known = _known(connection, source)
            gone = known.keys() - desired.keys()
            return _observe(connection, source, known, desired, gone, complete=True)

    def observe(self, source: SourceKey, documents: Iterable[DocumentRef], gone: Collection[str] = ()) -> Observation:
        """Record what is known of some documents, and which others are gone."""
        desired = {ref.document_id: ref.version_key for ref in documents}
        with self._database.write() as connection:
            known = _known(connection, source, [*desired, *gone])
            return _observe(connection, source, known, desired, known.keys() & set(gone), complete=False)

    def observation(self, source: SourceKey) -> Observation | None:
        """What is known of the source as a whole; None if nothing is."""
        with self._database.read() as connection:
            return _observation(connection, source)

    def documents(self, source: SourceKey) -> list[UpstreamDocument]:
        """All documents that the source is known to hold."""
        columns = (upstream.c.document_id, upstream.c.version_key, upstream.c.changed_at)
        with self._database.read() as connection:
            rows = connection.execute(select(*columns).where(upstream.c.source == str(source)))
            return [UpstreamDocument(*row) for row in rows]

    def holders(self, tenant: str, kind: str, document_ids: Collection[str]) -> dict[str, list[SourceKey]]:
        """Which of the tenant's sources of a kind are known to hold documents; those that none does are missing."""
        found: dict[str, list[SourceKey]] = {}
        ids = list(document_ids)
        prefix = upstream.c.source.startswith(f"{tenant}:{kind}:", autoescape=True)
        with self._database.read() as connection:
            for start in range(0, len(ids), _ROWS):
                some = upstream.c.document_id.in_(ids[start : start + _ROWS])
                for row in connection.execute(select(upstream.c.document_id, upstream.c.source).where(prefix, some)):
                    found.setdefault(row.document_id, []).append(SourceKey.parse(row.source))
        return found

    def reached(self, source: SourceKey, cursor: str) -> None:
        """Record that all changes of an observed source before the cursor are served."""
        with self._database.write() as connection:
            mine = update(observations).where(observations.c.source == str(source))
            connection.execute(mine.values(cursor=cursor))

    def polled(self, source: SourceKey, cursor: str) -> None:
        """Record that a source was looked at for changes, and where to go on."""
        with self._database.write() as connection:
            said = {"cursor": cursor, "polled_at": now(connection)}
            first = upsert(connection, observations).values(source=str(source), data_version="", documents=0, **said)
            connection.execute(first.on_conflict_do_update(index_elements=["source"], set_=said))


def _known(connection: Connection, source: SourceKey, ids: Sequence[str] | None = None) -> dict[str, str]:
    chosen = select(upstream.c.document_id, upstream.c.version_key).where(upstream.c.source == str(source))
    if ids is None:
        return {row.document_id: row.version_key for row in connection.execute(chosen)}
    known: dict[str, str] = {}
    for start in range(0, len(ids), _ROWS):
        some = chosen.where(upstream.c.document_id.in_(ids[start : start + _ROWS]))
        known.update((row.document_id, row.version_key) for row in connection.execute(some))
    return known


def _observe(
    connection: Connection,
    source: SourceKey,
    known: dict[str, str],
    desired: dict[str, str],
    gone: Collection[str],
    *,
    complete: bool,
) -> Observation:
    moment = now(connection)
    differs = {id_: key for id_, key in desired.items() if known.get(id_) != key}
    before = _observation(connection, source)
    total = int(before.data_version or "0", 16) if before else 0
    for id_, key in differs.items():
        total += _weight(id_, key) - (_weight(id_, known[id_]) if id_ in known else 0)
    total -= sum(_weight(id_, known[id_]) for id_ in gone)
    _write(connection, source, differs, sorted(gone), moment)
    added = sum(1 for id_ in differs if id_ not in known)
    said: dict[str, Any] = {
        "data_version": f"{total % _MODULUS:032x}",
        "documents": (before.documents if before else 0) + added - len(gone),
    }
    if complete:
        said["listed_at"] = moment
    first = upsert(connection, observations).values(source=str(source), cursor="", **said)
    connection.execute(first.on_conflict_do_update(index_elements=["source"], set_=said))
    observed = _observation(connection, source)
    if observed is None:
        raise AssertionError("an observation that was just written is there")
    return observed


def _write(
    connection: Connection, source: SourceKey, differs: dict[str, str], gone: Sequence[str], moment: datetime
) -> None:
    rows = [
        {"source": str(source), "document_id": id_, "version_key": key, "changed_at": moment}
        for id_, key in differs.items()
    ]
    if rows:
        statement = upsert(connection, upstream)
        said = {"version_key": statement.excluded.version_key, "changed_at": statement.excluded.changed_at}
        connection.execute(statement.on_conflict_do_update(index_elements=["source", "document_id"], set_=said), rows)
    for start in range(0, len(gone), _ROWS):
        some = upstream.c.document_id.in_(gone[start : start + _ROWS])
        connection.execute(delete(upstream).where(upstream.c.source == str(source), some))


def _observation(connection: Connection, source: SourceKey) -> Observation | None:
    o = observations.c
    chosen = select(o.data_version, o.documents, o.listed_at, o.polled_at, o.cursor).where(o.source == str(source))
    row = connection.execute(chosen).one_or_none()
    return None if row is None else Observation(*row)


def _weight(document_id: str, version_key: str) -> int:
    said = f"{len(document_id)}:{document_id}{version_key}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(said, digest_size=16).digest(), "big")
