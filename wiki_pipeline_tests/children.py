"""Processes that tests start: with the signals of a terminal's foreground, and ended with all that they started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

MARK = "STARTED_BY_A_TEST"
"""Environment variable that tells the processes of one `started` block from all others."""

_END_SECONDS = 10.0


@contextmanager
def started(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, mark: str = "", **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """A process for the length of a block, its pipes in text mode; `options` are those of `Popen`.

    It is killed at the end of the block however that ends, and so is every process that it started, even in sessions of
    their own (on Linux). SIGINT and SIGTERM have their default effect in it, even if this process ignores them, as it
    does when a shell started it in the background.

    Args:
        mark: value of `MARK` in the environment of all these processes; made up if it is empty.
    """
    mark = mark or uuid.uuid4().hex
    environment = {**(os.environ if env is None else env), MARK: mark}
    with default_signals():
        process = subprocess.Popen(command, env=environment, text=True, **options)
    try:
        yield process
    finally:
        process.kill()
        kill_all(mark)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(OSError):  # the other end is gone, with input that was not written yet
                    pipe.close()


def kill_all(mark: str, name: str = MARK) -> dict[int, str]:
    """Kill every process with the mark until none is left; their command lines by process id."""
    killed: dict[int, str] = {}
    deadline = time.monotonic() + _END_SECONDS  # the kernel may keep one that waits for a device
    while (found := marked(mark, name)) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed |= found
    return killed


def marked(mark: str, name: str = MARK) -> dict[int, str]:
    """Command lines, by process id, of the other processes whose environment holds the mark. Empty but on Linux."""
    desired, found = f"{name}={mark}".encode(), {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended meanwhile, or not ours to see
            if desired in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != os.getpid():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


@contextmanager
def default_signals() -> Iterator[None]:
    """Processes started within the block don't ignore SIGINT and SIGTERM because this one does."""
    if threading.current_thread() is not threading.main_thread():  # no other thread may set them
        yield
        return
    ignored = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
