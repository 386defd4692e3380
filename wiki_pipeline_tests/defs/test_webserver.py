"""Where Dagster's UI may be served, and for whom it answers then."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from wiki_pipeline.defs.webserver import guarded
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.serving.asgi import Receive, Scope, Send


async def _nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("it was let through")


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.168.1.7", "ui.example.com"])  # noqa: S104
def test_it_serves_others_only_behind_a_proxy(host: str) -> None:
    with pytest.raises(ConfigurationError, match="--allow-host"):
        guarded(_nothing, host)
    guarded(_nothing, host, ("ui.example.com",))


@pytest.mark.parametrize(("host", "status"), [("ui.example.com", 200), ("UI.example.com:443", 200), ("other", 421)])
def test_behind_a_proxy_it_answers_for_the_proxy_s_name(host: str, status: int) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(guarded(app, "0.0.0.0", ("ui.example.com",)))  # noqa: S104
        async with httpx.AsyncClient(transport=transport, base_url="http://10.0.0.5") as client:
            return await client.get("/", headers={"host": host})

    assert asyncio.run(ask()).status_code == status
