"""Work that the tests of `workers` share with other processes, which import it from here."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from dataclasses import dataclass

import pyarrow as pa

from wiki_pipeline.sync.workers import Workers


@dataclass(frozen=True)
class Where:
    """Says in which process it is done, slowly enough that each process gets a part; takes a failure where one is."""

    here: int
    fatal: bool = False

    def __call__(self, rows: pa.Table) -> tuple[list[int], int]:
        elsewhere = os.getpid() != self.here
        if elsewhere and self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        if elsewhere:
            logging.getLogger("shared").warning("done elsewhere")
        time.sleep(0.01)
        numbers: list[int] = rows["number"].to_pylist()
        if 13 in numbers:
            raise ValueError("13 is not a number")
        return numbers, os.getpid()


def ready(workers: Workers) -> list[int]:
    """Start the other processes and wait for them; their ids."""
    workers.start()
    while not all(worker.ready() for worker in workers._workers):
        time.sleep(0.01)
    return [worker._process.pid for worker in workers._workers]


if __name__ == "__main__":
    with Workers(2) as opened:
        print(*ready(opened), flush=True)
        sys.stdin.read()
