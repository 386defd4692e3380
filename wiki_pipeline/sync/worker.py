"""A process that shares another one's work; see `workers.py`. `python -m wiki_pipeline.sync.worker SOCKET NUMBERS`.

It reads work, then rows in parts, from the socket with the first descriptor, and from the second one which part is
next. When none is left it answers with the results of those that it did (all but where the work raised an error) and
with what was logged. It ends when the other end of the socket is closed, so it never outlives whom it works for.
"""

from __future__ import annotations

import logging.handlers
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

import pyarrow as pa

# What work needs: none is asked for before it is there.
import wiki_pipeline.sync.conversion
import wiki_pipeline.text.chunk
import wiki_pipeline.text.clean  # noqa: F401
from wiki_pipeline.sync.parts import Parts, work_off

T = TypeVar("T")


class _Records(logging.handlers.QueueHandler):
    """Keeps what is logged, as it can be pickled, until it is taken."""

    def __init__(self) -> None:
        super().__init__(None)  # type: ignore[arg-type] # the queue is a list here
        self._kept: list[logging.LogRecord] = []

    def enqueue(self, record: logging.LogRecord) -> None:
        self._kept.append(record)

    def taken(self) -> list[logging.LogRecord]:
        taken, self._kept = self._kept, []
        return taken


class _NoPandas(MetaPathFinder):
    """Arrow asks of every list that it is given whether it is a series of pandas, and would import pandas to ask."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ImportError("Nothing here needs pandas, which takes half a second and 40 MB.")


@dataclass(frozen=True)
class _Willing(Generic[T]):
    """Work that has no result for a part where it raises an error: the other process does it itself, and meets it."""

    work: Callable[[pa.Table], T]

    def __call__(self, rows: pa.Table) -> list[T]:
        try:
            return [self.work(rows)]
        except Exception:
            return []


def main(descriptor: int, numbers: int) -> None:
    """Work until nobody asks for any more."""
    sys.meta_path.insert(0, _NoPandas())
    records = _Records()
    logging.getLogger().addHandler(records)
    with Connection(descriptor) as connection:
        try:
            connection.send(True)
            while True:
                kind, message = connection.recv()
                if kind == "work":
                    work = _Willing(message)
                    continue
                tried = work_off(work, Parts.unpacked(*message), numbers)
                done = [(number, result) for number, results in tried for result in results]
                connection.send((done, records.taken()))
        except (EOFError, OSError):
            return


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
