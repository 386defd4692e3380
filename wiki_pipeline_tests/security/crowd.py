"""Thousands of connections that keep a gateway waiting, in four ways, and those who come meanwhile with a question."""

from __future__ import annotations

import asyncio
import resource
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from wiki_pipeline.wiki import site
from wiki_pipeline_tests.security.attacks import Attack
from wiki_pipeline_tests.security.gateways import gateway

_HEAD = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n"
_LARGEST = max(site.assets().values(), key=lambda asset: len(asset.content)).address
_LARGE = f"GET {_LARGEST} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
_GONE = (OSError, asyncio.IncompleteReadError)
_PATIENCE_SECONDS = 60.0

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Client = Callable[[Streams, float], Awaitable[None]]


async def _silent(streams: Streams, _pause: float) -> None:
    await streams[0].read()


async def _slow_headers(streams: Streams, pause: float) -> None:
    streams[1].write(_HEAD)
    while not streams[0].at_eof():
        streams[1].write(b"x: y\r\n")
        await streams[1].drain()
        await asyncio.sleep(pause)


async def _slow_body(streams: Streams, pause: float) -> None:
    streams[1].write(b"POST /webhook/git-push HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n")
    while not streams[0].at_eof():
        streams[1].write(b" ")
        await streams[1].drain()
        await asyncio.sleep(pause)


async def _reads_nothing(streams: Streams, pause: float) -> None:
    streams[1].transport.pause_reading()  # type: ignore[attr-defined]
    while not streams[1].is_closing():
        streams[1].write(_LARGE)
        await asyncio.sleep(pause)


KINDS: dict[str, Client] = {
    "silent": _silent,
    "slow headers": _slow_headers,
    "slow body": _slow_body,
    "reads nothing": _reads_nothing,
}


def allow_files(number: int) -> None:
    """Let this process open so many files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, max(hard, number)))


@asynccontextmanager
async def crowd(port: int, each: int, pause: float, seen: Counter[str]) -> AsyncIterator[None]:
    """So many clients of each kind, from one address. Who is thrown out comes again at once.

    Args:
        seen: counts by kind how often one was let in.
    """
    inside = asyncio.Event()

    async def insist(kind: str, client: Client) -> None:
        while True:
            with suppress(*_GONE):
                streams = await asyncio.open_connection("127.0.0.1", port)
                seen[kind] += 1
                if seen.total() >= each * len(KINDS):
                    inside.set()
                try:
                    await client(streams, pause)
                finally:
                    streams[1].transport.abort()
            await asyncio.sleep(pause)

    tasks = [asyncio.create_task(insist(*kind)) for kind in KINDS.items() for _ in range(each)]
    try:
        async with asyncio.timeout(120):
            await inside.wait()
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def ask(port: int, path: str) -> tuple[int, float]:
    """The status for a question on a new connection, and the seconds it took; 0 where the connection was closed."""
    began = time.monotonic()
    try:
        return await asyncio.wait_for(_answer(port, path), _PATIENCE_SECONDS), time.monotonic() - began
    except (*_GONE, TimeoutError):
        return 0, time.monotonic() - began


async def _answer(port: int, path: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        line = await reader.readline()
        await reader.read()
    finally:
        writer.transport.abort()
    return int(line.split()[1]) if line else 0


async def asked_in_a_crowd(
    port: int, each: int, questions: int, path: str = "/livez", pause: float = 2.0
) -> tuple[list[int], float, Counter[str]]:
    """Statuses of questions that come one after another while the crowd is there; the median of their seconds; and how
    often each kind of the crowd was let in."""
    allow_files(each * len(KINDS) + 1_000)
    seen: Counter[str] = Counter()
    async with crowd(port, each, pause, seen):
        told = [await ask(port, path) for _ in range(questions)]
    return [status for status, _ in told], statistics.median(seconds for _, seconds in told), seen


def main() -> list[Attack]:
    """Two thousand connections that come again as soon as they are thrown out, and a hundred questions."""
    with tempfile.TemporaryDirectory() as home, gateway(Path(home)) as served:
        statuses, median, seen = asyncio.run(asked_in_a_crowd(served.port, 500, 100))
    good = statuses.count(200)
    note = f"median of the answers {median * 1000:.0f} ms; {seen.total():,} slow connections"
    return [Attack("questions among 2,000 slow connections", len(statuses), good, len(statuses) - good, note)]
