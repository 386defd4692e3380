"""Parts of a table's rows that processes take in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

Part = tuple[int, int]
"""Rows from the first number to the second (exclusive)."""

# A part is so much of what each process would have left to do.
_SHARE = 4


def parts_of(rows: int, least: int, processes: int) -> Iterator[Part]:
    """All rows in parts of at least so many: large ones first, which cost less a row, and small ones last, so that
    no process waits for long."""
    first = 0
    while (left := rows - first) > 0:
        size = min(left, max(least, left // (_SHARE * processes)))
        yield first, first + size
        first += size


def packed(rows: pa.Table) -> bytes:
    """Rows for another process: as an Arrow stream, since a pickled slice brings all of its table's memory along."""
    with pa.BufferOutputStream() as sink:
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]
