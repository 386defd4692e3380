"""Runs Git: GitPython's command object, with a clean environment, a time limit, and an end for every process.

GitPython hands the caller's whole environment to Git and, at a time limit, needs `pgrep` to find what Git started (Git
leaves the network to a child). Here the environment is what `isolation` made, and a command that takes too long goes
together with its process group. GitPython's `Repo` and `Commit` objects are not used: they ask Git for one object at a
time, and honour GIT_DIR and its like of whoever called us.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import IO, Any, cast

# This module is itself imported only when a repository is opened.
from git import Git  # noqa: TID253

from wiki_pipeline.sources.git.isolation import variables_to_drop

_READ_BYTES = 1 << 20
_STDERR_BYTES = 64_000

Environment = Mapping[str, str]


class GitFailedError(Exception):
    """A command failed.

    Args:
        complaint: what Git said, without secrets.
    """

    def __init__(self, command: str, complaint: str) -> None:
        super().__init__(f"git {command}: {complaint}")
        self.complaint = complaint


class GitTimeoutError(Exception):
    """A command did not end in time, and was killed."""


class GitInterruptedError(Exception):
    """A command was killed because its source was closed."""


class GitCommand:
    """Runs Git for one source.

    Args:
        timeout: seconds that one command may take.
        redact: takes secrets out of what Git says.
    """

    def __init__(self, timeout: float, redact: Callable[[str], str]) -> None:
        self._git = Git("/")
        self._timeout = timeout
        self._redact = redact
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._interrupted = False

    @cached_property
    def version(self) -> tuple[int, ...]:
        """Git's version, as (2, 39). GitPython would ask for it in the caller's environment."""
        numbers = re.findall(rb"\d+", self.run({}, "version"))
        return tuple(int(number) for number in numbers[:2])

    def run(self, environment: Environment, *arguments: str, stdin: bytes = b"") -> bytes:
        """Run a command to its end and give back its output.

        Raises:
            GitFailedError: it failed.
            GitTimeoutError, GitInterruptedError: it was killed.
        """
        with self._started(environment, arguments) as process:
            try:
                output, complaint = process.communicate(stdin, timeout=self._timeout)
            except subprocess.TimeoutExpired:
                raise GitTimeoutError(arguments[0]) from None
            self._check(arguments, process.returncode, complaint)
        return output

    def stream(self, environment: Environment, *arguments: str) -> Iterator[bytes]:
        """Run a command and give its output in pieces, as it comes; errors as `run`."""
        complaint = bytearray()
        with self._started(environment, arguments) as process:
            stdin, stdout = cast("IO[bytes]", process.stdin), cast("Any", process.stdout)
            drain = threading.Thread(target=_drain, args=(process.stderr, complaint), daemon=True)
            deadline = threading.Timer(self._timeout, _kill_group, args=(process,))
            deadline.daemon = True
            drain.start()
            deadline.start()
            try:
                stdin.close()
                while piece := stdout.read1(_READ_BYTES):
                    yield piece
                process.wait()
                if deadline.finished.is_set():
                    raise GitTimeoutError(arguments[0])
            finally:
                deadline.cancel()
            drain.join()
            self._check(arguments, process.returncode, bytes(complaint))

    def interrupt(self) -> None:
        """Kill what is running and refuse what would follow. Safe from any thread."""
        with self._lock:
            self._interrupted = True
            for process in self._running:
                _kill_group(process)

    @contextmanager
    def _started(self, environment: Environment, arguments: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
        # `env` is given names, never values, and is gone from the process list at once: it becomes Git.
        dropped = variables_to_drop(os.environ, environment)
        prefix = ["env", *(argument for name in dropped for argument in ("-u", name))] if dropped else []
        with self._lock:
            if self._interrupted:
                raise GitInterruptedError(arguments[0])
            handle = self._git.execute(
                [*prefix, self._git.GIT_PYTHON_GIT_EXECUTABLE, *arguments],
                env=environment,
                istream=cast("Any", subprocess.PIPE),
                as_process=True,
                start_new_session=True,
            )
            process = cast("subprocess.Popen[bytes]", handle.proc)
            self._running.add(process)
        with process:
            try:
                yield process
            finally:
                with self._lock:
                    self._running.discard(process)
                    _kill_group(process)

    def _check(self, arguments: tuple[str, ...], status: int, complaint: bytes) -> None:
        if self._interrupted:
            raise GitInterruptedError(arguments[0])
        if status != 0:
            raise GitFailedError(arguments[0], self._redact(complaint[-_STDERR_BYTES:].decode("utf-8", "replace")))


def _drain(pipe: Any, into: bytearray) -> None:
    with suppress(OSError, ValueError):
        while piece := pipe.read1(_READ_BYTES):
            into += piece
            del into[:-_STDERR_BYTES]


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
