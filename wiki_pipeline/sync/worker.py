"""A process that works for another one; see `workers.py`. `python -m wiki_pipeline.sync.worker SOCKET SECONDS MEMORY`.

What reads documents of strangers is a child of this process, forked once all is imported: the child may be ended by a
document at any moment, and the next one is there in milliseconds. This process itself does nothing but wait for it, so
a fork copies no thread and no lock. Both end when the other end of the socket is closed, so neither outlives whom they
work for.

Messages to the child: `("work", task)`, `("rows", Arrow stream)`, `("part", first, last)`, `("rest",)`. Answers:
`("ready", pid)` from each new child, then for each part `("done", result, log records)` or `("error", exception, log
records)`; and `("ended", wait status, number of the row that was being done)` from this process.
"""

from __future__ import annotations

import gc
import logging.handlers
import os
import sys
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pyarrow as pa

# What work needs: none is asked for before it is there.
import wiki_pipeline.sync.conversion
import wiki_pipeline.text.chunk
import wiki_pipeline.text.clean  # noqa: F401
from wiki_pipeline.limits import OUT_OF_MEMORY, DocumentLimits, Watch, shut_in

_BROKEN = 1


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


@dataclass
class _Child:
    """What works until nothing more is asked for.

    Attributes:
        task, rows: what was sent last.
    """

    connection: Connection
    watch: Watch
    task: Any = None
    rows: pa.Table = None

    def serve(self) -> None:
        records = _Records()
        logging.getLogger().addHandler(records)
        self.connection.send(("ready", os.getpid()))
        while True:
            kind, *message = self.connection.recv()
            self.watch.begin()
            if kind == "work":
                (self.task,) = message
            elif kind == "rows":
                self.rows = pa.ipc.open_stream(message[0]).read_all()
            elif kind == "rest":
                self.task = self.rows = None
            else:
                answer = ForkingPickler.dumps((*self._answer(*message), records.taken()))
                self.watch.end()  # nothing may end it halfway through an answer
                self.connection.send_bytes(answer)
                del answer
            self.watch.end()

    def _answer(self, first: int, last: int) -> tuple[str, object]:
        try:
            return "done", self.task(self.rows.slice(first, last - first), lambda row: self.watch.begin(first + row))
        except MemoryError:
            raise
        except Exception as error:  # the other process meets it
            return "error", error


def _child(connection: Connection, watch: Watch, limits: DocumentLimits) -> int:
    """What becomes of a child: its exit status."""
    try:
        shut_in(limits)
        _Child(connection, watch).serve()
    except (EOFError, OSError):
        return 0
    except MemoryError:
        return OUT_OF_MEMORY
    except BaseException:
        logging.getLogger(__name__).exception("A worker process broke down.")
        return _BROKEN
    return 0


def main(descriptor: int, limits: DocumentLimits) -> None:
    """Have a child work, and another one after each that was ended."""
    sys.meta_path.insert(0, _NoPandas())
    gc.collect()
    gc.freeze()  # what is imported stays in pages that the children share
    watch = Watch(limits)
    with Connection(descriptor) as connection:
        while True:
            child = os.fork()
            if not child:
                os._exit(_child(connection, watch, limits))
            _, status = os.waitpid(child, 0)
            if status == 0:
                return
            try:
                connection.send(("ended", status, watch.place))
            except OSError:
                return
            watch.end()


if __name__ == "__main__":
    main(int(sys.argv[1]), DocumentLimits(float(sys.argv[2]), int(sys.argv[3])))
