"""Parts of a table's rows that processes take in turn, without asking each other.

The numbers of the parts lie in a pipe that all of the processes read, one byte a part. The system gives each byte to
one reader only, so nobody waits for anybody, and a slow process takes fewer of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa

MOST = 256
"""As many numbers as a byte can hold; far fewer than a pipe can."""

# A part is so much of what each process would have left to do.
_SHARE = 4

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parts:
    """The rows in parts: large ones first, which cost less a row, and small ones last, so that nobody waits for long.

    Attributes:
        rows: all of them.
        cuts: where each part begins, and where the last one ends.
    """

    rows: pa.Table
    cuts: tuple[int, ...]

    @classmethod
    def of(cls, rows: pa.Table, least: int, processes: int) -> Parts:
        """At most `MOST` parts for so many processes, of at least so many rows."""
        while len(cuts := _cuts(rows.num_rows, least, _SHARE * processes)) > MOST:
            least *= 2
        return cls(rows, cuts)

    def __len__(self) -> int:
        return len(self.cuts) - 1

    def __getitem__(self, number: int) -> pa.Table:
        return self.rows.slice(self.cuts[number], self.cuts[number + 1] - self.cuts[number])

    def packed(self) -> tuple[bytes, tuple[int, ...]]:
        """For another process: as an Arrow stream, since a pickled slice brings all of its table's memory along."""
        with pa.BufferOutputStream() as sink:
            with pa.ipc.new_stream(sink, self.rows.schema) as stream:
                stream.write_table(self.rows)
            return sink.getvalue().to_pybytes(), self.cuts

    @classmethod
    def unpacked(cls, rows: bytes, cuts: tuple[int, ...]) -> Parts:
        """What `packed` made."""
        return cls(pa.ipc.open_stream(rows).read_all(), cuts)


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


def _cuts(rows: int, least: int, shares: int) -> tuple[int, ...]:
    cuts = [0]
    while (left := rows - cuts[-1]) > 0:
        cuts.append(cuts[-1] + min(left, max(least, left // shares)))
    return tuple(cuts)
