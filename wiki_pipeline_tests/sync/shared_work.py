"""Work that the tests of `workers` share with other processes, which import it from here."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from wiki_pipeline.sync.workers import LARGE, Begin, Workers


@dataclass(frozen=True)
class Where:
    """Says in which process it is done, slowly enough that each process gets a part, and what could not be done.

    Attributes:
        harm: what some numbers do.
        once: a file that is made by the first number that kills its process; no other one does, then.
    """

    harm: Mapping[int, str] = field(default_factory=dict)
    once: str = ""

    def __call__(self, rows: pa.Table, begin: Begin) -> tuple[list[int | str], int]:
        logging.getLogger("shared").warning("done elsewhere")
        time.sleep(0.01)
        numbers: list[int | str] = rows["number"].to_pylist()
        for place, number in enumerate(numbers):
            begin(place)
            if isinstance(number, int) and number in self.harm:
                self._do_harm(self.harm[number])
        return numbers, os.getpid()

    def failure(self, row: pa.Table, reason: str) -> tuple[list[int | str], int]:
        return [f"{row['number'][0].as_py()} {reason}"], 0

    def _do_harm(self, harm: str) -> None:
        match harm:
            case "compute":
                while True:
                    pass
            case "a regular expression":
                re.match(r"(a+)+$", "a" * 200 + "b")  # in one call of a library
            case "sleep":
                time.sleep(1000)
            case "allocate":
                _ = ["x" * 1_000_000 for _ in range(1_000_000)]
            case "raise":
                raise ValueError("13 is not a number")
            case "kill":
                if not self.once or not Path(self.once).exists():
                    Path(self.once or os.devnull).touch()
                    os.kill(os.getpid(), signal.SIGKILL)


def ready(workers: Workers) -> list[int]:
    """Start the other processes and wait for them; the ids of those that work."""
    workers.start(LARGE)
    for worker in workers._workers:
        while not worker.ready:
            worker.answer()
    return [worker.pid for worker in workers._workers]


if __name__ == "__main__":
    with Workers(2) as opened:
        print(*ready(opened), *(worker._process.pid for worker in opened._workers), flush=True)
        sys.stdin.read()
