"""Arrow schemas of the tables, derived from the row classes, and rows on their way in and out.

A field's type is its column's: `str` a string, `int` an int32, `datetime` seconds in UTC, a tuple a list, a dataclass a
struct; `X | None` may be null, everything else may not. `Annotated[..., pa.DataType]` says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

import pyarrow as pa

from wiki_pipeline.model.document import Attachment, Chunk, CleanPage, Document, LongText, RawPage, WikiPage

SCHEMA_VERSION = 3
"""Of all schemas. Raise it whenever one of them changes: then tables of before are upgraded (`store.evolution`),
and older versions of the program leave newer tables alone."""

_TYPES: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int32(),
    datetime: pa.timestamp("s", tz="UTC"),
    bytes: pa.large_binary(),
}


def _field(name: str, hint: Any) -> pa.Field:
    if isinstance(hint, UnionType):
        (kind,) = (part for part in get_args(hint) if part is not NoneType)
        return _field(name, kind).with_nullable(True)
    metadata = None
    if get_origin(hint) is Annotated:
        _, kind, *rest = get_args(hint)
        metadata = rest[0] if rest else None
    else:
        kind = _data_type(hint)
    return pa.field(name, kind, nullable=False, metadata=metadata)


def _data_type(hint: Any) -> pa.DataType:
    if get_origin(hint) is tuple:
        return pa.list_(_data_type(get_args(hint)[0]))
    if is_dataclass(hint):
        return pa.struct([(name, _data_type(kind)) for name, kind in get_type_hints(hint).items()])
    return _TYPES[hint]


def columns_of(row_type: type[Document]) -> list[pa.Field]:
    """The columns of a row class, in the order of its fields."""
    hints = get_type_hints(row_type, include_extras=True)
    return [_field(column.name, hints[column.name]) for column in fields(row_type)]


STATE_FIELDS: tuple[pa.Field, ...] = (_field("fingerprint", str), _field("content_hash", str))
"""Every table's last two columns: `fingerprint` says from what a document's rows were made (equal: nothing to do),
`content_hash` what they hold (equal: nothing to do for the next stage). Both are the same in all rows of a document."""


def schema_of(row_type: type[Document]) -> pa.Schema:
    """The schema of the table that keeps these rows."""
    return pa.schema([*columns_of(row_type), *STATE_FIELDS])


RAW_PAGES = schema_of(RawPage)
CLEAN_PAGES = schema_of(CleanPage)
ATTACHMENTS = schema_of(Attachment)
CHUNKS = schema_of(Chunk)
WIKI_PAGES = schema_of(WikiPage)


def vectors_schema(dimension: int) -> pa.Schema:
    """Schema of the serving table for vectors of `dimension` float32 numbers, each of length 1.

    It has the columns of `CHUNKS` and those by which readers filter and cite. `created_date` and `last_modified` are
    Unix seconds; `page_id` is the document id for Confluence pages and null otherwise; `search_cjk` holds the
    two-character sequences of Chinese, Japanese and Korean text, which have no spaces to split at.
    """
    return pa.schema(
        [
            _field("tenant", str),
            _field("source", str),
            _field("source_type", str),
            _field("page_id", str | None),
            *[f for f in CHUNKS if f.name not in {"created_at", "modified_at"}],
            pa.field("created_date", pa.int64()),
            pa.field("last_modified", pa.int64()),
            _field("last_modified_iso", str | None),
            _field("search_cjk", LongText),
            _field("embedding_model", str),
            pa.field("vector", pa.list_(pa.float32(), dimension), nullable=False),
        ]
    )


Row = TypeVar("Row", bound=Document)


_nested_columns: dict[type[Document], dict[str, Any]] = {}


def _nested(row_type: type[Document]) -> dict[str, Any]:
    """The class of a column's items, for columns whose items are dataclasses. Worked out once a class."""
    if row_type not in _nested_columns:
        hints = get_type_hints(row_type).items()
        items = {name: get_args(hint)[0] for name, hint in hints if get_origin(hint) is tuple}
        _nested_columns[row_type] = {name: item for name, item in items.items() if is_dataclass(item)}
    return _nested_columns[row_type]


def rows_to_arrow(rows: Sequence[Document], schema: pa.Schema, **columns: Iterable[object]) -> pa.Table:
    """Rows of one class as an Arrow table of `schema`; columns that they do not have are given by name, one value a
    row."""
    arrays = []
    nested = _nested(type(rows[0])) if rows else {}
    for column in schema:
        if column.name in columns:
            values: list[Any] = list(columns[column.name])
        elif column.name in nested:
            names = [f.name for f in fields(nested[column.name])]
            values = [[{n: getattr(v, n) for n in names} for v in getattr(row, column.name)] for row in rows]
        else:
            values = [getattr(row, column.name) for row in rows]
        arrays.append(pa.array(values, type=column.type))
    return pa.Table.from_arrays(arrays, schema=schema)


def rows_from_arrow(row_type: type[Row], table: pa.Table) -> Iterator[Row]:
    """The table's rows as dataclasses; columns that `row_type` does not have are left out."""
    names = [f.name for f in fields(row_type) if f.name in table.column_names]
    nested = _nested(row_type)
    for batch in table.select(names).to_batches():
        lists = [batch.column(name).to_pylist() for name in names]
        for values in zip(*lists, strict=True):
            record = dict(zip(names, values, strict=True))
            for name, value in record.items():
                if name in nested:
                    record[name] = tuple(nested[name](**item) for item in value or ())
                elif isinstance(value, list):
                    record[name] = tuple(value)
            yield row_type(**record)
