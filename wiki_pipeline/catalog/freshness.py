"""What staleness is worked out from: what each source said last that it holds, and marks that change with anything
staleness depends on; and the problems that were reported to people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from wiki_pipeline.catalog.database import Database, now, upsert
from wiki_pipeline.catalog.event_records import AlertRecord, EventState, Observation, UpstreamDocument
from wiki_pipeline.catalog.records import SyncStatus
from wiki_pipeline.catalog.tables import alerts, events, failures, observations, people, syncs, upstream
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


# --- marks ------------------------------------------------------------------------------------------------------------


_SETTLED = (EventState.APPLIED.value, EventState.SUPERSEDED.value)


@dataclass(frozen=True, slots=True)
class Mark:
    """The state of the catalog as far as a source's staleness goes by it. Equal marks: nothing has changed.

    Attributes:
        busy: sources that are being synced, whose tables may change meanwhile.
    """

    value: tuple[object, ...]
    busy: tuple[SourceKey, ...]


class Marks:
    """Marks show whether anything that staleness depends on has changed, without reading all of it.

    Each method is one transaction; for errors see `Catalog`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, source: SourceKey) -> Mark:
        """The mark of a source. Its pages may include those of the tenant's others, so that these are part of it."""
        tenant = f"{source.tenant}:"
        own_failures = failures.c.source == str(source)
        unsettled = (events.c.source == str(source)) & events.c.state.not_in(_SETTLED)
        ours = syncs.c.source.startswith(tenant, autoescape=True)
        running = ours & (syncs.c.status == SyncStatus.RUNNING.value)
        seen = observations.c.source.startswith(tenant, autoescape=True)
        asked = (
            select(func.count(), func.max(failures.c.last_failed_at), func.sum(failures.c.attempts)).where(
                own_failures
            ),
            select(events.c.state, func.count(), func.max(events.c.event_id), func.sum(events.c.attempts))
            .where(unsettled)
            .group_by(events.c.state)
            .order_by(events.c.state),
            select(func.count(), func.max(syncs.c.sync_id), func.max(syncs.c.finished)).where(ours),
            select(observations.c.source, observations.c.data_version, observations.c.listed_at)
            .where(seen)
            .order_by(observations.c.source),
            select(func.count(), func.max(people.c.asked_at)).where(people.c.tenant == source.tenant),
        )
        with self._database.read() as connection:
            value = tuple(tuple(tuple(row) for row in connection.execute(each)) for each in asked)
            busy = connection.execute(select(syncs.c.source).where(running).distinct().order_by(syncs.c.source))
            return Mark(value, tuple(SourceKey.parse(key) for key in busy.scalars()))


# --- alerts -----------------------------------------------------------------------------------------------------------


class Alerts:
    """Problems that were reported to people: each once, until it is solved.

    Each method is one transaction; for errors see `Catalog`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, problem: str, message: str) -> bool:
        """Record that a problem is being reported. False if it was reported before: then nothing changes."""
        with self._database.write() as connection:
            new = upsert(connection, alerts).values(problem=problem, message=message, raised_at=now(connection))
            new = new.on_conflict_do_nothing(index_elements=["problem"])
            return connection.execute(new.returning(alerts.c.problem)).first() is not None

    def close(self, problem: str) -> bool:
        """Record that a problem is solved. False if it was not known."""
        with self._database.write() as connection:
            return connection.execute(delete(alerts).where(alerts.c.problem == problem)).rowcount > 0

    def find(self) -> list[AlertRecord]:
        """Open alerts, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(alerts).order_by(alerts.c.raised_at, alerts.c.problem))
            return [AlertRecord(**row._asdict()) for row in rows]
