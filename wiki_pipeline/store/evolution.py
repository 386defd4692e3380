"""Tables that another version of the program made: recognised by columns and schema version, brought up to this one.

A table carries the version of the schemas that it was last written with (`model.SCHEMA_VERSION`). One of a later one
is left alone. One with other columns than the schema's is changed in place: columns are taken out and put in, each in a
commit of its own, without rewriting any other column or index. So other sources' rows stay to be found, and vectors
stay what they are. New columns get neutral values, and all documents lose their fingerprints: each is made again by
its source's next sync. Cut off anywhere, it is simply done again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

from wiki_pipeline.errors import StoreError
from wiki_pipeline.model import BLOB, SCHEMA_VERSION
from wiki_pipeline.store.state import INCONSISTENT

if TYPE_CHECKING:
    from lance import LanceDataset

_METADATA_KEY = b"wiki_pipeline.edition"  # in a table's metadata; tables from before it was counted have none
# Rows without these say nothing, or nothing that can be found: a table that lacks one begins anew, empty.
_ESSENTIAL = frozenset({"document_id", "source", "chunk_id", "text_hash", "vector"})


def stamped(schema: pa.Schema) -> pa.Schema:
    """The schema of a new table: with the version in its metadata."""
    return schema.with_metadata({**(schema.metadata or {}), _METADATA_KEY: str(SCHEMA_VERSION).encode()})


def refuse_newer(found: pa.Schema, name: str) -> None:
    """Stop where a later version of the program made the table: what this one would read or write may be wrong.

    Raises:
        StoreError: says so.
    """
    version = int((found.metadata or {}).get(_METADATA_KEY, b"0"))
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"The table {name} was made by a newer wiki-pipeline (schema {version}; this one knows "
            f"up to {SCHEMA_VERSION}).",
            "Use the newer version; nothing was changed.",
        )


def require(found: pa.Schema, desired: Iterable[pa.Field], name: str) -> None:
    """Stop where a table lacks columns that are to be read.

    Raises:
        StoreError: an older version made the table; says what brings it up to date.
    """
    if any(_differs(found, field) for field in desired):
        raise StoreError(
            f"The table {name} was made by an older version of wiki-pipeline.",
            "Run `wiki-pipeline sync` once, which brings it up to date.",
        )


def differ(found: pa.Schema, desired: pa.Schema) -> bool:
    """Whether a table has other columns than `desired`; their order says nothing."""
    return bool(_out_of_place(found, desired) or _missing(found, desired))


def evolve(dataset: LanceDataset, desired: pa.Schema) -> LanceDataset:
    """Bring a table to the columns of `desired`. The caller holds its lease.

    Args:
        dataset: the table at its latest version, of a schema version that is not later.

    Returns:
        The table at its new version.

    Raises:
        OSError, RuntimeError, ValueError: from the storage. What was done so far harms nothing.
    """
    import lance

    missing = _missing(dataset.schema, desired)
    if any(field.name in _ESSENTIAL or is_apart(field) for field in missing):
        # The dataset itself, not its address: what it was opened with goes on.
        return lance.write_dataset(stamped(desired).empty_table(), dataset, mode="overwrite")
    # First, so that an older program that still runs leaves alone what is half done.
    dataset.update_schema_metadata({_METADATA_KEY.decode(): str(SCHEMA_VERSION)})
    if missing and "fingerprint" in dataset.schema.names:
        dataset = _without_fingerprints(dataset)
    if leaving := _out_of_place(dataset.schema, desired):
        dataset.drop_columns(leaving)
    if missing:
        _add(dataset, missing)
    return dataset


def is_apart(field: pa.Field) -> bool:
    """Whether Lance stores the column apart from the others (`model.BLOB`)."""
    return BLOB.items() <= (field.metadata or {}).items()


def _out_of_place(found: pa.Schema, desired: pa.Schema) -> list[str]:
    """Columns that are not in `desired`, or otherwise there."""
    return [name for name in found.names if name not in desired.names or _differs(found, desired.field(name))]


def _missing(found: pa.Schema, desired: pa.Schema) -> list[pa.Field]:
    return [field for field in desired if _differs(found, field)]


def _differs(found: pa.Schema, field: pa.Field) -> bool:
    """Whether a table has not this column, or another one of its name."""
    if field.name not in found.names:
        return True
    here = found.field(field.name)
    # One that is stored apart is shown as a type of Lance's own.
    return bool((here.type != field.type and not is_apart(field)) or here.nullable != field.nullable)


def _without_fingerprints(dataset: LanceDataset) -> LanceDataset:
    """All rows with a fingerprint that equals none, in one commit that writes this column only."""
    from lance import LanceDataset, LanceOperation

    schema = pa.schema([pa.field("_rowid", pa.uint64()), dataset.schema.field("fingerprint")])
    fragments, fields = [], set()
    for fragment in dataset.get_fragments():
        ids = fragment.to_table(columns=[], with_row_id=True)["_rowid"]
        changed, columns = fragment.update_columns(
            pa.table(
                [ids, pa.repeat(pa.scalar(INCONSISTENT, schema.field("fingerprint").type), len(ids))], schema=schema
            )
        )
        fragments.append(changed)
        fields.update(columns)
    if not fragments:
        return dataset
    operation = LanceOperation.Update(updated_fragments=fragments, fields_modified=sorted(fields))
    return LanceDataset.commit(dataset, operation, read_version=dataset.version)


def _add(dataset: LanceDataset, fields: list[pa.Field]) -> None:
    import lance

    schema = pa.schema(fields)

    @lance.batch_udf(output_schema=schema)
    def neutral(batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = [pa.repeat(pa.scalar(neutral_value(field), field.type), batch.num_rows) for field in fields]
        return pa.record_batch(columns, schema=schema)

    dataset.add_columns(neutral, read_columns=["document_id"])


def neutral_value(field: pa.Field) -> object:
    """What stands in a new column until its rows are made again."""
    if field.nullable:
        return None
    if pa.types.is_list(field.type):
        return []
    return "" if pa.types.is_string(field.type) or pa.types.is_large_string(field.type) else 0
