"""The memory that a process and those that it starts hold together, looked at again and again.

What each of them holds at its highest says too much: they are not at their highest at once, and the libraries that both
have loaded lie in memory once. The proportional set size (PSS) counts a shared page once among those who share it.
"""

from __future__ import annotations

import contextlib
import re
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

_EVERY_SECONDS = 0.1


class Footprint:
    """Watches a process while the context is open. Needs Linux.

    Attributes:
        highest: bytes, of all looks; 0 where the system does not tell.
    """

    def __init__(self, process: int) -> None:
        self.highest = 0
        self._process = process
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(_EVERY_SECONDS):
            self.highest = max(self.highest, sum(map(_bytes, _family(self._process))))


def _family(process: int) -> list[int]:
    """The process and all that it has started and that they have."""
    family = [process]
    for member in family:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            with contextlib.suppress(OSError):  # it has ended
                family += map(int, children.read_text().split())
    return family


def _bytes(process: int) -> int:
    with contextlib.suppress(OSError):
        if found := re.search(r"^Pss: +(\d+) kB$", Path(f"/proc/{process}/smaps_rollup").read_text(), re.MULTILINE):
            return 1024 * int(found[1])
    return 0
