"""Other processes that share the work of a large sync, most of which is Python, which uses one core a process.

Work is a function from rows to anything that can be pickled, and the rows are cut into parts. This process takes parts
from the front, each worker from the back, so nobody waits for a slow or loaded core. Which process did a part makes no
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
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self, TypeVar

import pyarrow as pa

LARGE = 128
"""From so many documents on, other processes are worth their start."""

_END_SECONDS = 2.0
_LOG = logging.getLogger(__name__)
T = TypeVar("T")
Work = Callable[[pa.Table], T]


class Workers:
    """This process and, once started, some others. For one thread at a time.

    Args:
        processes: how many work at most, this one included; fewer on a machine with fewer cores.
    """

    def __init__(self, processes: int) -> None:
        self._count = min(processes, _cores()) - 1
        self._workers: list[_Worker] = []
        self._threads: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Have the other processes start, in about half a second of theirs. Repeatable; returns at once."""
        if self._threads is not None or self._count < 1:
            return
        self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="worker")
        self._workers = [_Worker() for _ in range(self._count)]

    def map(self, work: Work[T], rows: pa.Table, part_rows: int) -> list[T]:
        """The work done on all of the rows, part by part; results in the order of the rows.

        Args:
            work: pickled once as long as it is the same object; its result for a part depends on that part alone.
            rows: all of them, in one part where there is no other process.
            part_rows: of a part, otherwise.

        Raises:
            Exception: whatever `work` raises.
        """
        ready = [worker for worker in self._workers if worker.ready()]
        if self._threads is None or not ready:
            return [work(rows)]
        parts = [rows.slice(start, part_rows) for start in range(0, rows.num_rows, part_rows)]
        waiting = deque(range(len(parts)))
        results: dict[int, T] = {}
        helping = [self._threads.submit(worker.help, work, parts, waiting, results) for worker in ready]
        try:
            while waiting:
                with contextlib.suppress(IndexError):  # a worker was quicker
                    number = waiting.popleft()
                    results[number] = work(parts[number])
            for help_ in helping:
                help_.result()
            return [results[number] if number in results else work(part) for number, part in enumerate(parts)]
        except BaseException:
            self.close()  # whoever is interrupted waits for nobody
            raise

    def close(self) -> None:
        """End the other processes. Repeatable; what is called afterwards happens in this process."""
        self._count = 0
        for worker in self._workers:
            worker.end()
        if self._threads is not None:
            self._threads.shutdown()
        for worker in self._workers:
            worker.close()
        self._workers, self._threads = [], None


class _Worker:
    """One other process."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _started(theirs)
        self._connection = Connection(ours.detach())
        self._is_ready = False
        self._work: object = None

    def ready(self) -> bool:
        """Whether it has started and has not died."""
        with contextlib.suppress(EOFError, OSError):
            if not self._is_ready and self._connection.poll():
                self._is_ready = bool(self._connection.recv())
        return self._is_ready

    def help(self, work: Work[T], parts: Sequence[pa.Table], waiting: deque[int], results: dict[int, T]) -> None:
        """Have it do parts from the end of those that wait, until none is left."""
        try:
            if work is not self._work:
                self._connection.send(("work", work))
                self._work = work
            while waiting:
                number = waiting.pop()
                self._connection.send(("rows", parts[number]))
                done, records = self._connection.recv()
                _log_again(records)
                results.update((number, result) for result in done)
        except IndexError:
            pass  # another process was quicker
        except (EOFError, OSError):
            if self._is_ready:
                self._is_ready = False
                _LOG.warning("A worker process ended by itself; its work is done here.")

    def end(self) -> None:
        """End the process, whatever it does at the moment."""
        self._is_ready = False
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """Close the connection; after `end`, and when no thread uses it any more."""
        self._connection.close()


def _started(theirs: socket.socket) -> subprocess.Popen[bytes]:
    # It finds the same modules as this process, whatever made this one find them.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-P", "-m", "wiki_pipeline.stages.worker", str(theirs.fileno())]
    # Ctrl-C reaches all processes of a terminal. It is for this one, which ends the others; a new process begins with
    # the signals blocked that the thread starting it has blocked, so not even its start is interrupted.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
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
