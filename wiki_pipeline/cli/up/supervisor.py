"""Child processes: started in groups of their own, started again when they die, and stopped with all they started."""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from wiki_pipeline.errors import WikiPipelineError

MAX_STARTS = 6  # of a service that never answered: it can't run
_WAIT_SECONDS, _MAX_WAIT_SECONDS = 0.5, 60.0  # before a start; twice as long each time in a row
_FORGIVEN_SECONDS = 10.0  # of work take one step back, for a service that ended
_WELL_SECONDS = 300.0  # one that lived on and did nothing begins anew after so long
_START_SECONDS = 180.0  # until it has to answer
_LOOK_SECONDS, _ANSWER_SECONDS = 10.0, 20.0
_PATIENCE_SECONDS, _MAX_PATIENCE_SECONDS = 60.0, 900.0  # trouble has to last so long; twice as long each time in a row
_STOP_SECONDS = 20.0  # a service that was asked to stop is killed after so long
_SWEEP_SECONDS = 5.0  # the same for what a service left behind
_POLL_SECONDS = 0.2
_LINES_TOLD, _BYTES_TOLD = 5, 4096
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

Tell = Callable[[str], None]
Ready = Callable[[httpx.AsyncClient], Awaitable[bool]]
Trouble = Callable[[httpx.AsyncClient], Awaitable[str]]


class ServiceError(WikiPipelineError):
    """A part that must run does not come up, or does not stay up."""

    code = "service_failed"


class CantTellError(Exception):
    """It can't be found out at the moment how a service is, through no fault of its own."""


async def _none(client: httpx.AsyncClient) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Service:
    """A program that is to run all the time.

    Attributes:
        name: for people.
        command: makes the program and its arguments, anew for each start.
        environment: variables beside those of this process.
        log: the file that gets its output.
        ready: asks whether it answers: it, and no other process that may listen there.
        trouble: asks whether it does its work; a sentence if not.
        listening: the socket that it serves on, handed over by its number; it is kept open for the next start.
        keeps_children: what it started goes on when it ends, until this program ends.
        after: the service that has to answer before this one starts.
    """

    name: str
    command: Callable[[], Sequence[str]]
    environment: Mapping[str, str]
    log: Path
    ready: Ready
    trouble: Trouble = _none
    listening: socket.socket | None = None
    keeps_children: bool = False
    after: Service | None = None


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
    """Run a service, again whenever it ends or no longer does its work, until cancelled; then stop it, with everything
    that it started. The waits between its starts grow, but once it has answered it is never given up.

    Raises:
        ServiceError: it ended `MAX_STARTS` times and never answered.
    """
    service.log.parent.mkdir(parents=True, exist_ok=True)
    service.log.write_bytes(b"")
    if service.after is not None:
        await until_ready(service.after)
    left: list[int] = []  # groups of earlier starts in which something still runs
    process: asyncio.subprocess.Process | None = None
    answered, in_a_row = False, 0
    reaping = asyncio.create_task(_reap(left))
    try:
        while True:
            began = time.monotonic()
            watched = _Watched(service, in_a_row)
            with service.log.open("ab") as log:
                written = log.tell()
                process = await _start(service.command(), service.environment, log, service.listening)
            reason = await watched.until_it_fails(process)
            answered |= watched.answered
            in_a_row = _after(in_a_row, watched.worked if process.returncode is not None else 0.0, began)
            if in_a_row >= MAX_STARTS and not answered:
                raise ServiceError(f"{service.name} ended {in_a_row} times in a row.", _last_words(service, written))
            if service.keeps_children:
                await _stop_leader(process)
                left.append(process.pid)
            else:
                await _stop(process)
            tell(f"{service.name} {reason} and is started again. {_last_words(service, written)}")
            await asyncio.sleep(min(_WAIT_SECONDS * 2.0 ** (in_a_row - 1), _MAX_WAIT_SECONDS))
    finally:
        reaping.cancel()
        await asyncio.gather(*([_stop(process)] if process else []), *(_stop_group(group) for group in left))


def _after(in_a_row: int, worked: float, began: float) -> int:
    """How many starts in a row there will have been with the next one: waits are for what ends soon again and again. A
    service that is killed once a minute is there at once, and one that fails every few seconds does not keep a
    processor busy."""
    if time.monotonic() - began > _WELL_SECONDS:
        return 1
    return max(0, in_a_row - int(worked / _FORGIVEN_SECONDS)) + 1


async def _reap(groups: list[int]) -> None:
    """Wait for what ends in groups whose leader is gone, and drop those that are empty, so that no zombies gather."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        groups[:] = [group for group in groups if _is_alive(group)]


class _Watched:
    """A service that was just started.

    Attributes:
        answered: it has, since.
    """

    def __init__(self, service: Service, in_a_row: int) -> None:
        self._service = service
        self._patience = min(_PATIENCE_SECONDS * 2.0**in_a_row, _MAX_PATIENCE_SECONDS)
        self.answered = False
        self._answered_at = 0.0

    @property
    def worked(self) -> float:
        """Seconds since it first answered."""
        return time.monotonic() - self._answered_at if self.answered else 0.0

    async def until_it_fails(self, process: asyncio.subprocess.Process) -> str:
        """Wait until the process ends, or has not done its work for some time. Returns which, for people."""
        end, look = asyncio.create_task(process.wait()), asyncio.create_task(self._until_trouble())
        try:
            await asyncio.wait({end, look}, return_when=asyncio.FIRST_COMPLETED)
            return _ending(end.result()) if end.done() else f"does not do its work ({look.result()})"
        finally:
            end.cancel()
            look.cancel()
            await asyncio.gather(end, look, return_exceptions=True)

    async def _until_trouble(self) -> str:
        since: float | None = None
        async with httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=False) as client:
            while True:
                with suppress(CantTellError):
                    trouble = await self._trouble(client)
                    since = (since or time.monotonic()) if trouble else None
                    patience = self._patience if self.answered else max(self._patience, _START_SECONDS)
                    if since is not None and time.monotonic() - since > patience:
                        return trouble
                await asyncio.sleep(_LOOK_SECONDS if self.answered else _POLL_SECONDS)

    async def _trouble(self, client: httpx.AsyncClient) -> str:
        with suppress(httpx.HTTPError):
            if await self._service.ready(client):
                if not self.answered:
                    self.answered, self._answered_at = True, time.monotonic()
                return await self._service.trouble(client)
        return "it does not answer"


async def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    output: BinaryIO | None = None,
    listening: socket.socket | None = None,
) -> int:
    """Run a program to its end and return its exit status. Cancelled, stop it, with everything that it started.

    Its output goes to `output`; None: to the terminal. It inherits `listening`.
    """
    process = await _start(command, environment, output, listening)
    try:
        return await process.wait()
    finally:
        await _stop(process)


async def _start(
    command: Sequence[str], environment: Mapping[str, str], output: BinaryIO | None, listening: socket.socket | None
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output and asyncio.subprocess.STDOUT,
        pass_fds=() if listening is None else (listening.fileno(),),
        start_new_session=True,  # a Ctrl-C is for this process, which then stops the others in order
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )


async def until_ready(service: Service, seconds: float = _START_SECONDS) -> None:
    """Wait until a service answers.

    Raises:
        ServiceError: it does not, for `seconds`.
    """
    deadline = time.monotonic() + seconds
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError, CantTellError):
                if await service.ready(client):
                    return
            await asyncio.sleep(_POLL_SECONDS)
    raise ServiceError(f"{service.name} did not answer within {seconds:.0f} s.", _last_words(service))


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End a process, then whatever is left of its group: first by asking, after a while by force."""
    try:
        await _stop_leader(process)
    finally:
        await _stop_group(process.pid)


async def _stop_leader(process: asyncio.subprocess.Process) -> None:
    try:
        if process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
    await process.wait()


async def _stop_group(group: int) -> None:
    try:
        _signal_group(group, signal.SIGTERM)
        await _until_gone(group)
    finally:
        _signal_group(group, signal.SIGKILL)
    await _until_gone(group)


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


def _last_words(service: Service, since: int = 0) -> str:
    """The end of its log, of what it wrote behind the first `since` bytes."""
    with suppress(OSError), service.log.open("rb") as log:
        log.seek(max(since, service.log.stat().st_size - _BYTES_TOLD))
        lines = _COLOUR.sub("", log.read().decode(errors="replace")).strip().splitlines()[-_LINES_TOLD:]
        if lines:
            return f"Its log {service.log} ends with:\n" + "\n".join(f"    {line}" for line in lines)
    return f"Its log is {service.log}."
