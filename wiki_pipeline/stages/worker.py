"""A process that shares another one's work; see `workers.py`. `python -m wiki_pipeline.stages.worker DESCRIPTOR`.

It reads work, then parts of its rows, from the socket with that descriptor. It answers each part with its results (one,
or none where the work raised an error) and with what was logged. It ends when the other end of the socket is closed, so
it never outlives whom it works for.
"""

from __future__ import annotations

import logging.handlers
import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from multiprocessing.connection import Connection

# What work needs: none is asked for before it is there.
import wiki_pipeline.stages.conversion
import wiki_pipeline.text.chunk
import wiki_pipeline.text.clean  # noqa: F401


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


def main(descriptor: int) -> None:
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
                    work = message
                else:
                    connection.send((_results(work, message), records.taken()))
        except (EOFError, OSError):
            return


def _results(work: Callable[[object], object], rows: object) -> list[object]:
    try:
        return [work(rows)]
    except Exception:
        return []  # the other process does it itself, and meets the error


if __name__ == "__main__":
    main(int(sys.argv[1]))
