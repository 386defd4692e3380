"""A gateway that is told to stop: not ready at once, answering for a while, nothing that it took lost, streams told."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import signal
import socket
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.gateway.draining import Draining
from wiki_pipeline.gateway.streaming import streamed
from wiki_pipeline_tests.children import started
from wiki_pipeline_tests.installation import pipeline

SECRET = "shared-with-confluence"
BODY = json.dumps({"event": "page_updated", "page": {"id": "7", "spaceKey": "ENG"}}).encode()
SIGNED = {
    "X-Confluence-Signature": hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest(),
    "content-type": "application/json",
}


def status(address: str) -> int:
    """The status of an answer; 0 if there is none."""
    try:
        return httpx.get(address, timeout=60).status_code
    except httpx.TransportError:
        return 0


@pytest.mark.timeout(400)
def test_a_gateway_drains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = f"http://127.0.0.1:{port}"
    variables = {
        "WIKI_PIPELINE_HOME": str(tmp_path / "state"),
        "WIKI_PIPELINE_GATEWAY_PORT": str(port),
        "WIKI_PIPELINE_GATEWAY_DRAIN_SECONDS": "3",
        "WIKI_PIPELINE_LOG_FORMAT": "json",
        "CONFLUENCE_URL": "http://127.0.0.1:9",
        "CONFLUENCE_TOKEN": "token",
        "CONFLUENCE_SPACES": '{"ENG": []}',
        "CONFLUENCE_WEBHOOK_SECRET": SECRET,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pipeline():  # knows the space, whose events count
        pass
    command = [sys.executable, "-m", "wiki_pipeline.gateway"]
    stop, accepted = threading.Event(), list[int]()

    def send() -> None:
        while not stop.is_set():
            try:
                accepted.append(
                    httpx.post(f"{root}/webhook/confluence-updated", content=BODY, headers=SIGNED).status_code
                )
            except httpx.TransportError:
                return

    with (tmp_path / "log").open("wb") as log, started(command, cwd=tmp_path, stderr=log) as process:
        deadline = time.monotonic() + 200
        while status(f"{root}/readyz") != 200:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        sender = threading.Thread(target=send)
        sender.start()
        while len(accepted) < 5:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        told, seen = time.monotonic(), set[tuple[int, int]]()
        while process.poll() is None:
            assert time.monotonic() - told < 100
            seen.add((status(f"{root}/readyz"), status(f"{root}/livez")))
            time.sleep(0.05)
        took = time.monotonic() - told
        stop.set()
        sender.join()
    assert took > 2.5, "it did not wait for those who still sent to it"
    assert (503, 200) in seen
    assert set(accepted) == {202}
    with Catalog(f"sqlite:///{tmp_path / 'state' / 'catalog.sqlite'}") as catalog:
        # The one under way when it stopped may be in without having been answered.
        assert sum(catalog.events.counts("default").values()) - len(accepted) in {0, 1}
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)


def test_streams_are_told_to_come_again(tmp_path: Path) -> None:
    draining = Draining()
    with Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}") as catalog:
        catalog.streams.open("s", "default", "answer", "me")
        catalog.streams.append("s", [("text", {"text": "one"})])
        maker: Any = SimpleNamespace(listen=lambda *_: None, leave=lambda *_: None, streams=catalog.streams)
        serving: Any = SimpleNamespace(draining=draining)

        async def read() -> str:
            received = ""
            async for portion in streamed(serving, maker, "s").body_iterator:
                received += portion if isinstance(portion, str) else bytes(portion).decode()
                if "one" in received:
                    draining.begin()
            return received

        received = asyncio.run(read())
    assert "id: 1" in received
    assert received.endswith("retry: 1000\n\n")
    assert draining._wake == []
