"""Other processes that share the work of a large sync, most of which is Python, which uses one core a process.

A task is a function from rows to anything that can be pickled. The rows are cut into parts (`parts.py`), and each
process takes one part after the other, so nobody waits for a slow or loaded core. Which process did a part makes no
difference to its result. A worker that is not ready yet, has died or met an error is done without: this process does
what is left, and meets the error itself.

Workers are new processes (`worker.py`), never forks: threads and locks of LanceDB and Arrow don't survive a fork. Each
has one end of a socket and ends when the other end is closed, however this process ends.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self, TypeVar

import pyarrow as pa

from wiki_pipeline.sync.allocator import ENVIRONMENT
from wiki_pipeline.sync.parts import Parts, work_off

LARGE = 128
"""From so many documents on, other processes are worth their start."""

_END_SECONDS = 2.0
_LOG = logging.getLogger(__name__)
T = TypeVar("T")
Task = Callable[[pa.Table], T]


class Workers:
    """This process and, once started, some others. For one thread at a time.

    Args:
        processes: how many work at most, this one included; fewer on a machine with fewer cores.
    """

    def __init__(self, processes: int) -> None:
        self._count = min(processes, _cores()) - 1
        self._workers: list[_Worker] = []
        self._numbers: _Pipe | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Have the other processes start, in about half a second of theirs. Repeatable; returns at once."""
        if self._numbers is not None or self._count < 1:
            return
        self._numbers = _Pipe()
        self._workers = [_Worker(self._numbers.reader) for _ in range(self._count)]

    def map(self, task: Task[T], rows: pa.Table, least: int) -> list[T]:
        """Run the task on all of the rows, part by part; results in the order of the rows.

        Args:
            task: pickled once as long as it is the same object; its result for a part depends on that part alone.
            rows: all of them, in one part where there is no other process.
            least: rows of a part, otherwise.

        Raises:
            Exception: whatever `task` raises.
        """
        ready = [worker for worker in self._workers if worker.ready()]
        if self._numbers is None or not ready:
            return [task(rows)]
        parts = Parts.of(rows, least, len(ready) + 1)
        try:
            packed = parts.packed()
            self._numbers.write(range(len(parts)))
            helping = [worker for worker in ready if worker.begin(task, packed)]
            results = dict(work_off(task, parts, self._numbers.reader))
            for worker in helping:
                results.update(worker.results())
            return [results[number] if number in results else task(parts[number]) for number in range(len(parts))]
        except BaseException:
            self.close()  # whoever is interrupted waits for nobody
            raise

    def close(self) -> None:
        """End the other processes. Repeatable; what is called afterwards happens in this process."""
        self._count = 0
        for worker in self._workers:
            worker.end()
        if self._numbers is not None:
            self._numbers.close()
        self._workers, self._numbers = [], None


class _Pipe:
    """Numbers below 256 on their way to whoever reads them first."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)

    def write(self, numbers: Iterable[int]) -> None:
        os.write(self._writer, bytes(numbers))

    def close(self) -> None:
        os.close(self._writer)
        os.close(self.reader)


class _Worker:
    """One other process.

    Args:
        numbers: descriptor from which it reads which part is next.
    """

    def __init__(self, numbers: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _started(theirs.fileno(), numbers)
        self._connection = Connection(ours.detach())
        self._is_ready = False
        self._task: object = None

    def ready(self) -> bool:
        """Whether it has started and has not died."""
        with contextlib.suppress(EOFError, OSError):
            if not self._is_ready and self._connection.poll():
                self._is_ready = bool(self._connection.recv())
        return self._is_ready

    def begin(self, task: Task[Any], parts: tuple[bytes, tuple[int, ...]]) -> bool:
        """Have it do parts until none is left; whether it is still there to do so."""
        try:
            if task is not self._task:
                self._connection.send(("work", task))
                self._task = task
            self._connection.send(("parts", parts))
        except OSError:
            self._died()
        return self._is_ready

    def results(self) -> dict[int, Any]:
        """What it has made of its parts, by their numbers; without those that failed."""
        try:
            done, records = self._connection.recv()
        except (EOFError, OSError):
            self._died()
            return {}
        _log_again(records)
        return dict(done)

    def end(self) -> None:
        """End the process, whatever it does at the moment."""
        self._is_ready = False
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._connection.close()

    def _died(self) -> None:
        self._is_ready = False
        _LOG.warning("A worker process ended by itself; its work is done here.")


def _started(theirs: int, numbers: int) -> subprocess.Popen[bytes]:
    # It finds the same modules as this process, whatever made this one find them.
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-P", "-m", "wiki_pipeline.sync.worker", str(theirs), str(numbers)]
    # Ctrl-C reaches all processes of a terminal. It is for this one, which ends the others; a new process begins with
    # the signals blocked that the thread starting it has blocked, so not even its start is interrupted.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs, numbers],
            env=environment,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _log_again(records: Sequence[logging.LogRecord]) -> None:
    for record in records:
        logger = logging.getLogger(record.name)
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
