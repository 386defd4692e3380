"""Parts of a table's rows that processes take in turn, without asking each other.

The numbers of the parts lie in a pipe that all of the processes read, one byte a part. The system gives each byte to
one reader only, so nobody waits for anybody, and a slow process takes fewer of them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa

MOST = 256
"""As many numbers as a byte can hold; far fewer than a pipe can."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows, cut into parts of so many."""

    rows: pa.Table
    part_rows: int

    @classmethod
    def of(cls, rows: pa.Table, part_rows: int) -> Parts:
        """At most `MOST` parts: where there are more rows, of more rows each."""
        return cls(rows, max(part_rows, math.ceil(rows.num_rows / MOST)))

    def __len__(self) -> int:
        return len(range(0, self.rows.num_rows, self.part_rows))

    def __getitem__(self, number: int) -> pa.Table:
        return self.rows.slice(number * self.part_rows, self.part_rows)

    def packed(self) -> tuple[bytes, int]:
        """For another process: as an Arrow stream, since a pickled slice brings all of its table's memory along."""
        with pa.BufferOutputStream() as sink:
            with pa.ipc.new_stream(sink, self.rows.schema) as stream:
                stream.write_table(self.rows)
            return sink.getvalue().to_pybytes(), self.part_rows

    @classmethod
    def unpacked(cls, rows: bytes, part_rows: int) -> Parts:
        """What `packed` made."""
        return cls(pa.ipc.open_stream(rows).read_all(), part_rows)


def work_off(work: Callable[[pa.Table], T], parts: Parts, numbers: int) -> Iterator[tuple[int, T]]:
    """Do parts as long as some are left: their numbers and results.

    Args:
        numbers: descriptor of the pipe's reading end, which must not block.
    """
    while number := _next(numbers):
        yield number[0], work(parts[number[0]])


def _next(numbers: int) -> bytes:
    try:
        return os.read(numbers, 1)
    except BlockingIOError:  # it is empty
        return b""
