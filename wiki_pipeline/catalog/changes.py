"""The log of what syncs changed, in the order in which it came here. It never loses a document that is there: old
changes go, but of each document the latest stays."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select, update

from wiki_pipeline.catalog.change_records import (
    ChangeKind,
    ChangePage,
    ChangeRecord,
    ChangeSet,
    DocumentChange,
    KnownDocument,
    SetKind,
)
from wiki_pipeline.catalog.database import Database, in_turn, now, upsert
from wiki_pipeline.catalog.tables import change_logs, change_sets, change_states, changes
from wiki_pipeline.errors import CursorExpiredError
from wiki_pipeline.model import SourceKey

_ROWS = 500  # a statement
_TURN = 0x63_68_67_73  # "chgs"
_GONE = (ChangeKind.DELETED.value, ChangeKind.SOURCE_REMOVED.value)
_AGAIN = "Read the changes from the beginning again, without `since`."
_DIGITS = 18


class Changes:
    """The catalog's log of changes. Each method is one transaction; for errors see `Catalog`.

    A source's changes are written under its lease: `begin`, `add` as often as needed, `complete`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- written by syncs ---

    def begin(self, source: SourceKey) -> bool:
        """Say that documents of a source are about to change. Returns whether all changes before were recorded."""
        with self._database.write() as connection:
            recorded = _state(connection, source)
            connection.execute(_with_state(connection, source, ""))
            return bool(recorded)

    def state(self, source: SourceKey) -> str | None:
        """The data version of `clean_pages` up to which all changes are recorded; empty while that is not known, None
        for a source of which nothing was ever recorded."""
        with self._database.read() as connection:
            return _state(connection, source)

    def known(self, source: SourceKey, document_ids: Sequence[str] | None = None) -> dict[str, KnownDocument]:
        """The source's documents as recorded last, by id.

        Args:
            document_ids: these only; None for all.
        """
        columns = [changes.c[name] for name in ("document_id", "version", "content_hash", "title", "path", "url")]
        live = (changes.c.source == str(source)) & changes.c.latest & changes.c.kind.not_in(_GONE)
        chosen = select(*columns).where(live)
        with self._database.read() as connection:
            if document_ids is None:
                rows: Iterable[Row[Any]] = connection.execute(chosen)
            else:
                parts = (document_ids[at : at + _ROWS] for at in range(0, len(document_ids), _ROWS))
                rows = [
                    row for ids in parts for row in connection.execute(chosen.where(changes.c.document_id.in_(ids)))
                ]
            return {
                row.document_id: KnownDocument(row.version, row.content_hash, row.title, row.path, row.url)
                for row in rows
            }

    def add(
        self,
        source: SourceKey,
        made: Sequence[DocumentChange],
        *,
        title: str,
        kind: SetKind = SetKind.SYNC,
        set_id: int | None = None,
        up_to: str | None = None,
    ) -> int:
        """Record changes of a sync.

        Args:
            title: of the source.
            set_id: of those that were recorded before of the same sync; None for the first.
            up_to: as `complete`, where these are the last of the sync.

        Returns:
            The id of the sync's set of changes.
        """
        counts = Counter(change.kind for change in made)
        with self._database.write() as connection:
            # Ids come in the order of commits: otherwise whoever reads meanwhile would miss some for ever.
            in_turn(connection, _TURN)
            moment = now(connection)
            _open_log(connection, source.tenant)
            set_id = _counted(connection, source, kind, title, moment, counts, set_id)
            _supersede(connection, source, [change.document_id for change in made])
            _insert(connection, source, made, set_id, moment)
            if up_to is not None:
                connection.execute(_with_state(connection, source, up_to))
        return set_id

    def complete(self, source: SourceKey, data_version: str) -> None:
        """Say up to which state of `clean_pages` all is recorded."""
        with self._database.write() as connection:
            connection.execute(_with_state(connection, source, data_version))

    # --- read ---

    def page(
        self, tenant: str, since: str = "", *, sources: Collection[SourceKey] | None = None, limit: int = 100
    ) -> ChangePage:
        """The changes after a cursor, oldest first.

        Args:
            since: a page's cursor; empty: from the beginning.
            sources: of these only; None for all.

        Raises:
            CursorExpiredError: the cursor is of another catalog, or deletions after it are forgotten.
        """
        with self._database.read() as connection:
            log = connection.execute(select(change_logs).where(change_logs.c.tenant == tenant)).one_or_none()
            after = _place(since, log.log_id if log else "")
            if log is None:
                return ChangePage((), "", more=False)
            of_tenant = changes.c.tenant == tenant
            newest = connection.execute(select(func.max(changes.c.change_id)).where(of_tenant)).scalar() or 0
            newest = max(newest, log.floor)
            if after > newest or 0 < after < log.floor:
                raise CursorExpiredError("Changes after this cursor are not kept any more.", _AGAIN)
            chosen = select(changes).where(of_tenant, changes.c.change_id > after, *_within(changes.c.source, sources))
            rows = connection.execute(chosen.order_by(changes.c.change_id).limit(limit + 1)).all()
            more = len(rows) > limit
            found = [_record(row) for row in rows[:limit]]
            # Some may have come since `newest` was looked up.
            last = max(found[-1].change_id, 0 if more else newest) if found else newest
            return ChangePage(found, f"{log.log_id}.{last}", more)

    def since(self, tenant: str, moment: datetime) -> str:
        """The cursor after which the changes are that were recorded at a moment or later. Some that are older may be
        among them, where the clock was put back in between."""
        with self._database.read() as connection:
            log_id = connection.execute(select(change_logs.c.log_id).where(change_logs.c.tenant == tenant)).scalar()
            mine = changes.c.tenant == tenant
            later = select(func.min(changes.c.change_id)).where(mine, changes.c.recorded_at >= moment)
            before = select(func.max(changes.c.change_id)).where(mine)
            if (first := connection.execute(later).scalar()) is not None:
                before = before.where(changes.c.change_id < first)
            last = connection.execute(before).scalar()
            return f"{log_id}.{last}" if log_id and last else ""

    def sets(
        self, tenant: str, *, sources: Collection[SourceKey] | None = None, before: int = 0, limit: int = 50
    ) -> list[ChangeSet]:
        """What syncs changed as a whole, newest first.

        Args:
            before: sets with smaller ids only; 0: from the newest.
        """
        chosen = select(change_sets).where(change_sets.c.tenant == tenant, *_within(change_sets.c.source, sources))
        if before:
            chosen = chosen.where(change_sets.c.set_id < before)
        with self._database.read() as connection:
            rows = connection.execute(chosen.order_by(change_sets.c.set_id.desc()).limit(limit))
            names = [field.name for field in fields(ChangeSet) if field.name not in {"source", "kind"}]
            return [
                ChangeSet(
                    source=SourceKey.parse(row.source),
                    kind=SetKind(row.kind),
                    **{name: getattr(row, name) for name in names},
                )
                for row in rows
            ]

    def of_sets(self, set_ids: Sequence[int], limit: int) -> list[ChangeRecord]:
        """The changes of some sets, newest first."""
        chosen = select(changes).where(changes.c.set_id.in_(set_ids)).order_by(changes.c.change_id.desc()).limit(limit)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(chosen)]

    # --- kept ---

    def expire(self, age: timedelta) -> int:
        """Delete what was recorded longer ago than `age`, but of each document that is there the latest change."""
        with self._database.write() as connection:
            in_turn(connection, _TURN)
            old = now(connection) - age
            gone = (changes.c.recorded_at < old) & changes.c.latest & changes.c.kind.in_(_GONE)
            floors = select(changes.c.tenant, func.max(changes.c.change_id)).where(gone).group_by(changes.c.tenant)
            for tenant, floor in connection.execute(floors).all():
                of_tenant = (change_logs.c.tenant == tenant) & (change_logs.c.floor < floor)
                connection.execute(update(change_logs).where(of_tenant).values(floor=floor))
            superseded = (changes.c.recorded_at < old) & ~changes.c.latest
            connection.execute(delete(change_sets).where(change_sets.c.recorded_at < old))
            return connection.execute(delete(changes).where(gone | superseded)).rowcount


def forget_changes(connection: Connection, source: SourceKey, title: str) -> None:
    """Put one change in the place of all of a source's: that it was removed."""
    of_source = changes.c.source == str(source)
    live = select(func.count()).where(of_source, changes.c.latest, changes.c.kind.not_in(_GONE))
    count = connection.execute(live).scalar_one()
    in_turn(connection, _TURN)
    connection.execute(delete(change_states).where(change_states.c.source == str(source)))
    if connection.execute(delete(changes).where(of_source)).rowcount:
        counts = Counter({ChangeKind.DELETED: count})
        moment = now(connection)
        set_id = _counted(connection, source, SetKind.REMOVED, title, moment, counts, None)
        removed = DocumentChange(document_id="", kind=ChangeKind.SOURCE_REMOVED, version="", title=title)
        _insert(connection, source, [removed], set_id, moment)


def _state(connection: Connection, source: SourceKey) -> str | None:
    chosen = select(change_states.c.data_version).where(change_states.c.source == str(source))
    return connection.execute(chosen).scalar_one_or_none()


def _with_state(connection: Connection, source: SourceKey, data_version: str) -> Any:
    statement = upsert(connection, change_states).values(source=str(source), data_version=data_version)
    return statement.on_conflict_do_update(index_elements=["source"], set_={"data_version": data_version})


def _open_log(connection: Connection, tenant: str) -> None:
    statement = upsert(connection, change_logs).values(tenant=tenant, log_id=secrets.token_hex(4), floor=0)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["tenant"]))


def _counted(
    connection: Connection,
    source: SourceKey,
    kind: SetKind,
    title: str,
    moment: datetime,
    counts: Counter[ChangeKind],
    set_id: int | None,
) -> int:
    """A new set of changes, or one that is there with more of them; its id."""
    added, updated, deleted = (counts[each] for each in (ChangeKind.ADDED, ChangeKind.UPDATED, ChangeKind.DELETED))
    if set_id is not None:
        more = {
            "added": change_sets.c.added + added,
            "updated": change_sets.c.updated + updated,
            "deleted": change_sets.c.deleted + deleted,
        }
        connection.execute(update(change_sets).where(change_sets.c.set_id == set_id).values(more))
        return set_id
    row = {"tenant": source.tenant, "source": str(source), "kind": kind.value, "title": title, "recorded_at": moment}
    statement = insert(change_sets).values(**row, added=added, updated=updated, deleted=deleted)
    number: int = connection.execute(statement.returning(change_sets.c.set_id)).scalar_one()
    return number


def _supersede(connection: Connection, source: SourceKey, document_ids: Sequence[str]) -> None:
    of_source = (changes.c.source == str(source)) & changes.c.latest
    if connection.execute(select(changes.c.change_id).where(of_source).limit(1)).first() is None:
        return
    for at in range(0, len(document_ids), _ROWS):
        among = changes.c.document_id.in_(document_ids[at : at + _ROWS])
        connection.execute(update(changes).where(of_source, among).values(latest=False))


def _insert(
    connection: Connection, source: SourceKey, made: Sequence[DocumentChange], set_id: int, moment: datetime
) -> None:
    shared = {
        "set_id": set_id,
        "tenant": source.tenant,
        "source": str(source),
        "recorded_at": moment,
        "latest": True,
    }
    rows = [{**{name: getattr(change, name) for name in _SAID}, **shared} for change in made]
    connection.execute(insert(changes), rows)


def _place(since: str, log_id: str) -> int:
    """The change after which a cursor stands; 0 for the beginning.

    Raises:
        CursorExpiredError: it is of another log, or none at all.
    """
    if since in {"", "0"}:
        return 0
    log, _, place = since.partition(".")
    if not place.isascii() or not place.isdecimal() or len(place) > _DIGITS:
        raise CursorExpiredError("This is no cursor of ours.", _AGAIN)
    if log != log_id:
        raise CursorExpiredError("This cursor is of another catalog than the one that is in use now.", _AGAIN)
    return int(place)


def _within(column: ColumnElement[str], sources: Collection[SourceKey] | None) -> list[ColumnElement[bool]]:
    return [] if sources is None else [column.in_([str(key) for key in sources])]


_SAID = [field.name for field in fields(DocumentChange)]
_FACTS = [field.name for field in fields(ChangeRecord) if field.name not in {"source", "kind"}]


def _record(row: Row[Any]) -> ChangeRecord:
    facts = {name: getattr(row, name) for name in _FACTS}
    return ChangeRecord(source=SourceKey.parse(row.source), kind=ChangeKind(row.kind), **facts)
