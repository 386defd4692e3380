"""What a table's rows say of its documents: from what each was made (fingerprint), and what it holds (content hash).

Everything works on Arrow columns, a batch at a time: a source of 50,000 documents takes a few megabytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

STATE = pa.schema(
    [
        pa.field("document_id", pa.string(), nullable=False),
        pa.field("fingerprint", pa.string(), nullable=False),
        pa.field("content_hash", pa.string(), nullable=False),
    ]
)
INCONSISTENT = ""  # the fingerprint of a document whose rows don't fit together: equal to none, so it is made again

Integers = npt.NDArray[np.int64]


def state_columns(schema: pa.Schema) -> list[str]:
    """The columns that `document_states` looks at."""
    return [*STATE.names, *(["total_chunks"] if "total_chunks" in schema.names else [])]


def document_states(batches: Iterable[pa.RecordBatch]) -> pa.Table:
    """One row of `STATE` a document, from the rows of a table in their order.

    A document's rows are written together, so they lie together, and there are as many as `total_chunks` says (one,
    where there is no such column). A document that is found otherwise, as two writers at once would leave it, gets
    the fingerprint `INCONSISTENT`.
    """
    runs = [_runs(*_columns(batch)) for batch in batches if batch.num_rows]
    if not runs:
        return STATE.empty_table()
    joined = pa.concat_tables([table for table, _, _ in runs]).combine_chunks()
    table, rows, expected = _runs(
        joined, np.concatenate([rows for _, rows, _ in runs]), np.concatenate([expected for _, _, expected in runs])
    )
    ids = table["document_id"].combine_chunks()
    codes = ids.dictionary_encode().indices.to_numpy()
    _, first, times = np.unique(codes, return_index=True, return_counts=True)
    sound = pa.array((rows == expected) & (times[codes] == 1))
    fingerprints = pc.if_else(sound, table["fingerprint"], INCONSISTENT)
    table = table.set_column(1, STATE.field("fingerprint"), fingerprints)
    return table.take(np.sort(first)) if len(first) < table.num_rows else table


def data_version(state: pa.Table) -> str:
    """Hash of the documents and their fingerprints, whatever their order; 32 hex digits."""
    ordered = state.select(["document_id", "fingerprint"]).sort_by("document_id")
    hasher = hashlib.blake2b(digest_size=16)
    for batch in ordered.to_batches(max_chunksize=10_000):
        for document_id, fingerprint in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            hasher.update(f"{len(document_id)}:{document_id}{fingerprint}".encode())
    return hasher.hexdigest()


def _columns(batch: pa.RecordBatch) -> tuple[pa.Table, Integers, Integers]:
    ones = np.ones(batch.num_rows, np.int64)
    expected = ones
    if "total_chunks" in batch.schema.names:
        expected = batch.column("total_chunks").to_numpy().astype(np.int64)
    return pa.Table.from_batches([batch.select(STATE.names)]).cast(STATE), ones, expected


def _runs(table: pa.Table, rows: Integers, expected: Integers) -> tuple[pa.Table, Integers, Integers]:
    """Neighbouring rows of one document and fingerprint as one row; `rows` summed, `expected` of the first."""
    starts = run_starts([table["document_id"], table["fingerprint"]])
    return table.take(starts), np.add.reduceat(rows, starts), expected[starts]


def run_starts(columns: Sequence[pa.ChunkedArray]) -> Integers:
    """Indices of the rows that differ from the row before in any of the columns; row 0 is the first."""
    differs = np.zeros(max(len(columns[0]) - 1, 0), bool)
    for column in columns:
        values = column.combine_chunks()
        differs |= pc.not_equal(values[1:], values[:-1]).to_numpy(zero_copy_only=False)
    return np.flatnonzero(np.concatenate([[len(columns[0]) > 0], differs]))
