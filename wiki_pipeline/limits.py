"""What one document of a stranger may cost: a deadline and a memory bound, kept by the system in a process that can be
replaced.

Such a process calls `shut_in` once and has a `Watch`: `begin` before each document, `end` when it hands over what it
made. Where a document takes more than it may, the system ends the process, whatever that is doing at the moment, in
Python or in a library. Whoever waits for it learns from `reason` why, and from the watch's place which document it was.
Both cost some microseconds a document.
"""

from __future__ import annotations

import mmap
import os
import re
import resource
import signal
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

OUT_OF_MEMORY = 3
"""Exit status of a process that met a `MemoryError`: it is not the same any more, and another one goes on."""

# A machine that is busy with other things gives a process a part of its time only.
_CLOCK = 30
_NUMBER = struct.Struct("q")
_BETWEEN = -1
_DEEP = re.compile(r"^(?:[ \t]*+(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])){200}", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """What one document may take.

    Attributes:
        seconds: of computing; thirty times as many by the clock.
        memory: bytes that the process allocates for it, beyond what it takes itself. Kept on Linux; elsewhere the
            deadline alone holds.
    """

    seconds: float = 60.0
    memory: int = 1_500_000_000


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a process ended before it was done.

    Attributes:
        message: ends a sentence that begins with what was done to the document.
        certain: whether the document is to blame. Of a process that broke down that is not known: a person or the
            system may have ended it.
    """

    message: str
    certain: bool


def is_too_deep(markdown: str) -> bool:
    """Whether a line of a Markdown text nests quotes and lists deeper than anybody could lay out: parsers take time in
    proportion to that depth for each line."""
    return _DEEP.search(markdown) is not None


class Watch:
    """Lets the system end this process when one document takes too long. Survives a fork: parent and child share it.

    Attributes:
        place: number of the document that is being done, None between documents.
    """

    def __init__(self, limits: DocumentLimits) -> None:
        self._limits = limits
        self._shared = mmap.mmap(-1, _NUMBER.size)
        self._write(_BETWEEN)

    @property
    def place(self) -> int | None:
        (place,) = _NUMBER.unpack_from(self._shared)
        return None if place == _BETWEEN else int(place)

    def begin(self, place: int | None = None) -> None:
        """From here on the time of a document counts; without a number, that of what belongs to no document."""
        self._write(_BETWEEN if place is None else place)
        signal.setitimer(signal.ITIMER_PROF, self._limits.seconds)
        signal.setitimer(signal.ITIMER_REAL, _CLOCK * self._limits.seconds)

    def end(self) -> None:
        """Nothing is being done; waiting takes no time."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._write(_BETWEEN)

    def _write(self, place: int) -> None:
        _NUMBER.pack_into(self._shared, 0, place)


def shut_in(limits: DocumentLimits) -> None:
    """Bound what this process allocates from now on; it leaves no core dump, and its timers end it. Linux counts what
    is allocated (`RLIMIT_DATA`), not what is mapped, so the code of libraries takes nothing from the bound."""
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):  # no Linux, or whoever started us set a lower bound
        own = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (own + limits.memory, hard))


def reason(status: int, limits: DocumentLimits) -> Reason:
    """Why a process ended.

    Args:
        status: as `os.waitpid` gives it.
    """
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGPROF:
        return Reason(f"takes more than {limits.seconds:g} s of computing", certain=True)
    if code == -signal.SIGALRM:
        return Reason(f"takes more than {_CLOCK * limits.seconds:g} s", certain=True)
    if code == OUT_OF_MEMORY:
        return Reason(f"takes more than {limits.memory / 1e6:,.0f} MB of memory", certain=True)
    ended = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    return Reason(f"breaks the process that does it down ({ended})", certain=False)
