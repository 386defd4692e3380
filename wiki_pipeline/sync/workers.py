"""Other processes that do the work of a sync, most of which is Python, which uses one core a process.

They read the documents of strangers, each within limits (`wiki_pipeline.limits`): one that takes too long or too much
memory ends the process that reads it, fails by name, and the rest goes on in the next process. So this process reads
none itself, however few there are. The rows of a batch are cut into parts (`parts.py`) that processes take in turn.
Which process did a part makes no difference to its result.

`ProcessPoolExecutor` can't do this: a process that dies breaks the whole pool and all that was given to it, and does
not say which row it was at. With nothing hostile about, 1,000 pages in two processes took ours 0.84 of its time (median
of five rounds by turns; 0.80 to 1.01), since rows go over as one Arrow stream a batch.

Who is idle when a sync ends waits for the next one of this process: a start costs half a second of a core.

Workers are new processes (`worker.py`), never forks of this one: threads and locks of LanceDB and Arrow don't survive a
fork. Each has one end of a socket and ends when the other end is closed, however this process ends.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import pyarrow as pa

from wiki_pipeline.errors import WorkerError
from wiki_pipeline.limits import DocumentLimits, Reason, reason
from wiki_pipeline.machine import cores, memory
from wiki_pipeline.sync.allocator import ENVIRONMENT
from wiki_pipeline.sync.parts import Part, packed, parts_of

LARGE = 128
"""From so many documents on, more than one process is worth its start."""

_ATTEMPTS = 3  # to start a process
_BYTES_A_WORKER = 500_000_000  # a process, and as much of this one as it keeps busy
_BLAMED = 2  # deaths with no other cause, after which a document is blamed
_LOG = logging.getLogger(__name__)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Begin = Callable[[int], None]
"""Called with the number of a row before it is looked at."""


class Task(Protocol[T_co]):
    """Work on rows, that can be pickled; what becomes of some depends on those alone."""

    def __call__(self, rows: pa.Table, begin: Begin, /) -> T_co: ...

    def failure(self, row: pa.Table, reason: str, /) -> T_co:
        """What becomes of one row that could not be done; `reason` ends the sentence "Doing it ..."."""


class Workers:
    """The processes of a sync; none before there is work. For one thread at a time.

    Args:
        processes: how many work at most; fewer where the container or machine has fewer cores or little memory.
        limits: what one document may take.
    """

    def __init__(self, processes: int, limits: DocumentLimits | None = None) -> None:
        self._most = max(1, min(processes, cores(), memory() // _BYTES_A_WORKER))
        self._limits = limits or DocumentLimits()
        self._workers: list[_Worker] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def several(self) -> bool:
        """Whether they do more than one process would."""
        return self._most > 1

    def start(self, rows: int = 1) -> None:
        """Have processes start, as many as so many rows are worth; in about half a second of theirs. Repeatable;
        returns at once."""
        count = self._most if rows >= LARGE else 1
        while not self._closed and len(self._workers) < count:
            self._workers.append(_spare(self._limits) or _Worker(self._limits))

    def map(self, task: Task[T], rows: pa.Table, least: int) -> list[T]:
        """Run the task on all of the rows, part by part; results in the order of the rows, at least one.

        Args:
            task: pickled once as long as it is the same object.
            least: rows of a part.

        Raises:
            WorkerError: no process can be started.
        """
        if self._closed:
            raise WorkerError("The processes that convert documents were ended.")
        self.start(rows.num_rows)
        try:
            return _Round(self._workers, task, rows, least).results()
        except BaseException:
            self._leave(_Worker.end)  # an interrupted sync waits for no worker
            raise

    def close(self) -> None:
        """Let go of the processes, which are idle. Repeatable."""
        self._leave(_keep)

    def _leave(self, how: Callable[[_Worker], None]) -> None:
        self._closed = True
        while self._workers:
            how(self._workers.pop())


_spares: list[_Worker] = []
_SPARES = threading.Lock()
_MOST_SPARES = 2


def _spare(limits: DocumentLimits) -> _Worker | None:
    """A worker that waits for work within such limits, if there is one."""
    with _SPARES:
        found = next((worker for worker in _spares if worker.limits == limits), None)
        if found is not None:
            _spares.remove(found)
    return found


def _keep(worker: _Worker) -> None:
    with _SPARES:
        if keeps := worker.rests() and len(_spares) < _MOST_SPARES:
            _spares.append(worker)
    if not keeps:
        worker.end()


@atexit.register
def end_spares() -> None:
    """End the processes that wait for work."""
    while _spares:
        _spares.pop().end()


@dataclass(frozen=True, slots=True)
class _Done:
    """What a worker made of a part."""

    result: Any


@dataclass(frozen=True, slots=True)
class _Failed:
    """Why a worker made nothing of a part.

    Attributes:
        row: that was being done, None if it is not known.
    """

    reason: Reason
    row: int | None = None


class _Round:
    """One task on its way through the rows."""

    def __init__(self, workers: Sequence[_Worker], task: Task[Any], rows: pa.Table, least: int) -> None:
        self._workers = workers
        self._task = task
        self._rows = rows
        self._packed = packed(rows)
        self._waiting: deque[Part] = deque(parts_of(rows.num_rows, least, len(workers)) or [])
        self._busy: dict[_Worker, Part] = {}
        self._deaths: Counter[int] = Counter()
        self._results: dict[Part, Any] = {}
        if not self._waiting:
            self._waiting.append((0, 0))  # a table without rows becomes one without rows

    def results(self) -> list[Any]:
        for worker in self._workers:
            worker.forget_rows()
        while self._waiting or self._busy:
            for worker in self._workers:
                if self._waiting and worker.ready and worker not in self._busy:
                    self._busy[worker] = self._waiting.popleft()
                    worker.begin(self._task, self._packed, self._busy[worker])
            for worker in _heard(self._workers if self._waiting else self._busy):
                if (answer := worker.answer()) is not None and worker in self._busy:
                    self._take(self._busy.pop(worker), answer)
        return [self._results[part] for part in sorted(self._results)]

    def _take(self, part: Part, answer: _Done | _Failed) -> None:
        if isinstance(answer, _Done):
            self._results[part] = answer.result
            return
        first, last = part
        row = answer.row if answer.row is not None else first if last - first == 1 else None
        if row is None:  # in halves, until it is known
            middle = (first + last) // 2
            again = [(first, middle), (middle, last)]
        else:
            self._deaths[row] += 1
            again = [(first, row), (row, row + 1), (row + 1, last)]
            if answer.reason.certain or self._deaths[row] >= _BLAMED:
                self._results[row, row + 1] = self._task.failure(self._rows.slice(row, 1), answer.reason.message)
                del again[1]
        self._waiting.extendleft(reversed([some for some in again if some[0] < some[1]]))


def _heard(workers: Iterable[_Worker]) -> list[_Worker]:
    """The workers, of some, that have something to say; waits until one has."""
    connections = {worker.connection: worker for worker in workers}
    return [connections[found] for found in wait(connections) if isinstance(found, Connection)]


class _Worker:
    """One other process, and the child of it that works.

    Attributes:
        limits: what one document may take.
        connection: to the child.
        ready: whether there is a child.
        pid: of the child.
    """

    def __init__(self, limits: DocumentLimits) -> None:
        self.limits = limits
        self._starts = 0
        self._start()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = _started(theirs.fileno(), self.limits)
        self.connection = Connection(ours.detach())
        self._starts += 1
        self._new_child()

    def _new_child(self) -> None:
        self.ready = False
        self.pid = 0
        self._task: object = None
        self._has_rows = False

    def forget_rows(self) -> None:
        """Other rows come."""
        self._has_rows = False

    def rests(self) -> bool:
        """Have it give its memory back and wait; whether it is there to do so."""
        self._task, self._has_rows = None, False
        try:
            self.connection.send(("rest",))
        except OSError:
            return False
        return True

    def begin(self, task: Task[Any], rows: bytes, part: Part) -> None:
        """Have it do a part; whether it is still there to do so `answer` says."""
        with contextlib.suppress(OSError):
            if task is not self._task:
                self.connection.send(("work", task))
                self._task = task
            if not self._has_rows:
                self.connection.send(("rows", rows))
                self._has_rows = True
            self.connection.send(("part", *part))

    def answer(self) -> _Done | _Failed | None:
        """What has become of its part; None if it only reported that it is ready.

        Raises:
            WorkerError: it can't be started.
        """
        try:
            kind, *message = self.connection.recv()
        except (EOFError, OSError):
            return self._started_again()
        if kind == "ready":
            (self.pid,) = message
            self.ready, self._starts = True, 0
            return None
        if kind == "ended":
            self._new_child()
            status, row = message
            why = reason(status, self.limits)
            _LOG.warning("A worker process was ended: a document %s. The next one goes on.", why.message)
            return _Failed(why, row)
        result, records = message
        _log_again(records)
        if kind == "done":
            return _Done(result)
        _LOG.error("A task failed in a worker process.", exc_info=result)
        return _Failed(Reason(f"fails with an unexpected {type(result).__name__}, a defect of wiki-pipeline", True))

    def _started_again(self) -> _Failed:
        _LOG.warning("A worker process ended by itself; another one is started.")
        self.end()
        if self._starts >= _ATTEMPTS:
            raise WorkerError(
                f"The process that converts documents can't be started; it ended {_ATTEMPTS} times.",
                "Look at its last words in the log. Often a package is damaged: run `make setup` again.",
            )
        self._start()
        return _Failed(Reason("breaks the process that does it down", certain=False))

    def end(self) -> None:
        """End the process and its child, whatever they do at the moment."""
        self._new_child()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)  # they have nothing to lose
        self._process.wait()
        self.connection.close()


def _started(theirs: int, limits: DocumentLimits) -> subprocess.Popen[bytes]:
    # It finds the same modules as this process, whatever made this one find them.
    environment = {**os.environ, **ENVIRONMENT, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    module = "wiki_pipeline.sync.worker"
    command = [sys.executable, "-P", "-m", module, str(theirs), str(limits.seconds), str(limits.memory)]
    # In a group of its own: Ctrl-C, which reaches all processes of a terminal's group, is for this process, which ends
    # the others. A new process begins with the signals blocked that the thread starting it has blocked, so not even its
    # start is interrupted.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs],
            env=environment,
            process_group=0,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _log_again(records: Sequence[logging.LogRecord]) -> None:
    for record in records:
        logger = logging.getLogger(record.name)
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)
