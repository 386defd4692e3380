"""Child processes: started in groups of their own, started again when they die, and stopped with all they started."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from wiki_pipeline.errors import WikiPipelineError

MAX_RESTARTS = 5
RESTART_WINDOW_SECONDS = 300.0
_STOP_SECONDS = 20.0  # a service that was asked to stop is killed after so long
_SWEEP_SECONDS = 5.0  # the same for what a service left behind
_POLL_SECONDS = 0.2
_LINES_TOLD = 5
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

Tell = Callable[[str], None]
Ready = Callable[[httpx.AsyncClient], Awaitable[bool]]


class ServiceError(WikiPipelineError):
    """A part that must run does not come up, or does not stay up."""

    code = "service_failed"


@dataclass(frozen=True, slots=True)
class Service:
    """A program that is to run all the time.

    Attributes:
        name: for people.
        command: makes the program and its arguments, anew for each start.
        environment: variables beside those of this process.
        log: the file that gets its output.
        ready: asks whether it answers: it, and no other process that may listen there.
        listening: the socket that it serves on, handed over by its number; it is kept open for the next start.
    """

    name: str
    command: Callable[[], Sequence[str]]
    environment: Mapping[str, str]
    log: Path
    ready: Ready
    listening: socket.socket | None = None


def answers(url: str) -> Ready:
    """Ready when this address answers. Proves enough of a service that was handed its socket: no other has it."""

    async def ready(client: httpx.AsyncClient) -> bool:
        return (await client.get(url)).status_code < 500

    return ready


def adopt_orphans() -> None:
    """Have this process inherit what its children leave behind, so that the end of it can be seen. Linux alone has it;
    a container's first process often does not look after orphans."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)


async def keep_running(service: Service, tell: Tell) -> None:
    """Run a service, again whenever it ends, until cancelled; then stop it, with everything that it started.

    Raises:
        ServiceError: it ended more than `MAX_RESTARTS` times within `RESTART_WINDOW_SECONDS`.
    """
    service.log.parent.mkdir(parents=True, exist_ok=True)
    service.log.write_bytes(b"")
    ends: deque[float] = deque(maxlen=MAX_RESTARTS + 1)
    while True:
        with service.log.open("ab") as log:
            status = await run(service.command(), service.environment, log, service.listening)
        ends.append(time.monotonic())
        if len(ends) > MAX_RESTARTS and ends[-1] - ends[0] < RESTART_WINDOW_SECONDS:
            raise ServiceError(f"{service.name} ended {len(ends)} times in a row.", _last_words(service))
        tell(f"{service.name} {_ending(status)} and is started again. {_last_words(service)}")
        await asyncio.sleep(min(2.0 ** (len(ends) - 1) / 2, 10.0))


async def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    output: BinaryIO | None = None,
    listening: socket.socket | None = None,
) -> int:
    """Run a program to its end and return its exit status. Cancelled, stop it, with everything that it started.

    Its output goes to `output`; None: to the terminal. It inherits `listening`.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output and asyncio.subprocess.STDOUT,
        pass_fds=() if listening is None else (listening.fileno(),),
        start_new_session=True,  # a Ctrl-C is for this process, which then stops the others in order
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )
    try:
        return await process.wait()
    finally:
        await _stop(process)


async def until_ready(service: Service, seconds: float) -> None:
    """Wait until a service answers.

    Raises:
        ServiceError: it does not, for `seconds`.
    """
    deadline = time.monotonic() + seconds
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError):
                if await service.ready(client):
                    return
            await asyncio.sleep(_POLL_SECONDS)
    raise ServiceError(f"{service.name} did not answer within {seconds:.0f} s.", _last_words(service))


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End a process, then whatever is left of its group: first by asking, after a while by force."""
    try:
        if process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        _signal_group(process.pid, signal.SIGTERM)
        await _until_gone(process.pid)
    finally:
        _signal_group(process.pid, signal.SIGKILL)
    await process.wait()
    await _until_gone(process.pid)


async def _until_gone(group: int) -> None:
    deadline = time.monotonic() + _SWEEP_SECONDS
    while _is_alive(group) and time.monotonic() < deadline:
        await asyncio.sleep(_POLL_SECONDS)


def _signal_group(group: int, number: int) -> bool:
    """Send a signal to all processes of a group. False if there are none left."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def _is_alive(group: int) -> bool:
    with suppress(ChildProcessError):  # none of them is ours
        while os.waitpid(-group, os.WNOHANG) != (0, 0):
            pass
    return _signal_group(group, 0)


def _end_with_parent() -> None:
    # Runs in the child: if this program is killed outright, the kernel ends its children. Linux alone has it.
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _ending(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def _last_words(service: Service) -> str:
    with suppress(OSError):
        lines = service.log.read_text(errors="replace").strip().splitlines()[-_LINES_TOLD:]
        if lines:
            return f"Its log {service.log} ends with:\n" + "\n".join(f"    {line}" for line in lines)
    return f"Its log is {service.log}."
