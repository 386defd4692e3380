"""Messages become events: any number in one statement, whose text is the same each time.

The rows go to the database as one JSON text, and the database takes them apart. That is a third of the work of a value
list on SQLite and a tenth on PostgreSQL, where the program had to bind every value of every row.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Executable, Text, bindparam, cast, func, literal, select
from sqlalchemy import literal_column as sql
from sqlalchemy.sql.selectable import FromClause

from wiki_pipeline.catalog.database import dialect_insert
from wiki_pipeline.catalog.event_records import EventState, Origin
from wiki_pipeline.catalog.tables import events, storable
from wiki_pipeline.model import ChangeHint


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Hints that came together.

    Attributes:
        delivery_id: the same for the same batch sent to the tenant again; empty where that can't happen.
    """

    tenant: str
    origin: Origin
    hints: Sequence[ChangeHint]
    delivery_id: str = ""
    job_id: str | None = None


def insert_batches(connection: Connection, batches: Sequence[EventBatch], moment: datetime) -> list[int]:
    """Insert what is new of the batches. Returns for each how many of its hints were."""
    ids = [stored_id(batch.tenant, storable(batch.delivery_id) or uuid.uuid4().hex) for batch in batches]
    rows = [row for id_, batch in zip(ids, batches, strict=True) for row in _rows(batch, id_)]
    if not rows:
        return [0] * len(ids)
    given = {"rows": json.dumps(rows, ensure_ascii=False), "moment": moment}
    taken = Counter(connection.execute(_insert(connection.dialect.name), given).scalars())
    return [taken.pop(id_, 0) for id_ in ids]  # of the same batch twice at once the first one is it


def stored_id(tenant: str, delivery_id: str) -> str:
    """A delivery's id as it is kept: what one tenant was sent is no repetition of what another was."""
    return f"{tenant}|{delivery_id}"


_GIVEN = ("tenant", "kind", "source", "document_id", "what", "version", "origin", "delivery_id", "job_id", "connection")


def _rows(batch: EventBatch, delivery_id: str) -> list[Mapping[str, str | None]]:
    by_document = {hint.document_id: hint for hint in batch.hints}  # of two for one document the later one counts
    return [
        {
            "tenant": batch.tenant,
            "kind": hint.kind,
            "source": str(hint.source) if hint.source else None,
            "document_id": storable(hint.document_id),
            "what": storable(hint.what),
            "version": storable(hint.version),
            "origin": batch.origin.value,
            "delivery_id": delivery_id,
            "job_id": batch.job_id,
            "connection": hint.connection,
        }
        for hint in by_document.values()
    ]


@cache
def _insert(dialect: str) -> Executable:
    rows, order, value_of = _taken_apart(dialect)
    moment = bindparam("moment", type_=events.c.received_at.type)
    same: dict[str, ColumnElement[Any]] = {
        "received_at": moment,
        "due_at": moment,
        "state": literal(EventState.PENDING.value, Text),
        "attempts": sql("0"),
        "reason": sql("''"),
    }
    # Without its WHERE, SQLite takes the conflict clause for a part of the SELECT.
    values = select(*map(value_of, _GIVEN), *same.values()).select_from(rows).where(sql("true")).order_by(order)
    new = dialect_insert(dialect, events).from_select([*_GIVEN, *same], values)
    new = new.on_conflict_do_nothing(index_elements=["delivery_id", "document_id"])
    return new.returning(events.c.delivery_id)


def _taken_apart(dialect: str) -> tuple[FromClause, ColumnElement[int], Any]:
    """The rows of the parameter, their order, and how to get at a value of one."""
    if dialect == "sqlite":
        each = func.json_each(bindparam("rows", type_=Text)).table_valued("key", "value")
        return each, each.c.key, lambda name: func.json_extract(each.c.value, sql(f"'$.{name}'"))
    array = cast(bindparam("rows", type_=Text), JSON)
    each = func.json_array_elements(array).table_valued("value", with_ordinality="key").render_derived()
    return each, each.c.key, lambda name: each.c.value.op("->>")(sql(f"'{name}'"))
