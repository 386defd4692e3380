"""Signed deliveries to a gateway, so many a second, whether it keeps up or not: `ADDRESS SECRET RATE TOTAL FILE`.

How long one takes counts from when it was due, so that waiting for a slow gateway is not forgotten. `late` is the part
of that which is this program's own: how far behind it was itself. The ids of those that were accepted are written to
FILE, a line each.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from wiki_pipeline_tests.benchmarks.measure import Clock

SPACE = "LOAD"
_CONNECTIONS = 64
_PAGES = 5_000


def request(host: str, secret: str, number: int) -> bytes:
    """An HTTP request with a body as Connect sends it, of a few hundred bytes."""
    page = {
        "creatorAccountId": "5b10ac8d82e05b22cc7d4ef5",
        "spaceKey": SPACE,
        "modificationDate": 1762335000000 + number,
        "id": number % _PAGES + 1,
        "idAsString": str(number % _PAGES + 1),
        "contentType": "page",
        "title": f"Page {number % _PAGES + 1} of a space with many",
        "version": number // _PAGES + 1,
    }
    body = json.dumps({"userAccountId": "5b10", "timestamp": 1762335000000 + number, "page": page}).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    head = (
        f"POST /webhook/confluence-updated/page_updated HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"X-Hub-Signature: sha256={signature}\r\nX-Atlassian-Webhook-Identifier: load-{number}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Load:
    """Deliveries under way, and how they went."""

    def __init__(self, address: str, secret: str, rate: float, total: int) -> None:
        parts = urlsplit(address)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.requests = [request(f"{self.host}:{self.port}", secret, number) for number in range(total)]
        self.rate = rate
        self.seconds: list[float] = []
        self.accepted: list[int] = []
        self.late: list[float] = []
        self._due: asyncio.Queue[int | None] = asyncio.Queue()
        self._started = 0.0

    async def run(self) -> None:
        """Send all of them."""
        async with asyncio.TaskGroup() as tasks:
            workers = [await asyncio.open_connection(self.host, self.port) for _ in range(_CONNECTIONS)]
            for reader, writer in workers:
                tasks.create_task(self._work(reader, writer))
            self._started = time.perf_counter()
            for number in range(len(self.requests)):
                wait = self._started + number / self.rate - time.perf_counter()
                if wait > 0:
                    await asyncio.sleep(wait)
                self.late.append(time.perf_counter() - self._started - number / self.rate)
                self._due.put_nowait(number)
            for _ in workers:
                self._due.put_nowait(None)

    async def _work(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (number := await self._due.get()) is not None:
            writer.write(self.requests[number])
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            self.seconds.append(time.perf_counter() - self._started - number / self.rate)
            if head.startswith(b"HTTP/1.1 202"):
                self.accepted.append(number)
        writer.close()


def main() -> None:
    """Send, and print the figures."""
    address, secret, rate, total, file = sys.argv[1:]
    load = Load(address, secret, float(rate), int(total))
    clock = Clock()
    uvloop.run(load.run())
    Path(file).write_text("".join(f"load-{number}\n" for number in load.accepted))
    at = {name: _at(load.seconds, share) for name, share in SHARES.items()}
    clock.stop(sent=len(load.seconds), accepted=len(load.accepted), late=_at(load.late, 0.99), **at)


SHARES = {"p50": 0.5, "p99": 0.99, "longest": 1.0}


def _at(seconds: list[float], share: float) -> float:
    return sorted(seconds)[int(share * (len(seconds) - 1))]


if __name__ == "__main__":
    main()
