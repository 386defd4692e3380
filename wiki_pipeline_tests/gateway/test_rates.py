"""How often may be asked, and who waits for whose mistakes."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.responses import PlainTextResponse
from starlette.types import Message

from wiki_pipeline.access.access_tokens import AccessTokens
from wiki_pipeline.access.credentials import Credentials
from wiki_pipeline.access.throttle import network_of
from wiki_pipeline.catalog import Catalog
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.gateway.access import Access
from wiki_pipeline.gateway.clients import Clients
from wiki_pipeline.gateway.rates import Buckets, Failures, Good
from wiki_pipeline.gateway.security import Rates, SecurityMiddleware
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import load

pytestmark = pytest.mark.security
TOKEN = "a-token-of-32-characters-to-begin"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_so_many_a_minute_and_then_one_after_another() -> None:
    clock = Clock()
    buckets = Buckets(60, clock)
    assert [buckets.take("ada") for _ in range(60)] == [0.0] * 60
    assert buckets.take("ada") == pytest.approx(1.0)
    assert buckets.take("ben") == 0.0
    clock.now += 2.5
    assert [buckets.take("ada") for _ in range(3)] == [0.0, 0.0, pytest.approx(0.5)]
    assert all(Buckets(0, clock).take("ada") == 0.0 for _ in range(1_000))


def test_memory_is_bounded() -> None:
    buckets, failures, good = Buckets(1, most_kept=10), Failures(most_kept=10), Good(most_kept=10)
    for number in range(1_000):
        buckets.take(number)
        failures.failed(number)
        good.add(str(number).encode())
    assert [len(each) for each in (buckets._left, failures._failed, good._known)] == [10, 10, 10]
    assert b"999" in good


def test_each_failure_beyond_the_first_few_waits_longer_and_never_for_ever() -> None:
    clock = Clock()
    failures = Failures(free=3, clock=clock)
    waits = []
    for _ in range(12):
        failures.failed("10.0.0.1")
        waits.append(failures.wait("10.0.0.1"))
    assert waits[:6] == [0, 0, 0, 1, 2, 4]
    assert waits[-1] == 60
    assert failures.wait("10.0.0.2") == 0
    clock.now += 61
    assert failures.wait("10.0.0.1") == 0


@pytest.mark.parametrize(
    ("socket", "forwarded", "counted"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # nobody believes a stranger
        ("10.0.0.7", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "1.2.3.4, 198.51.100.1", "198.51.100.1"),  # what the client wrote itself
        ("10.0.0.7", "198.51.100.1, 10.0.0.8", "198.51.100.1"),
        ("10.0.0.7", "nonsense", "10.0.0.7"),
        ("10.0.0.7", "", "10.0.0.7"),
        ("::ffff:10.0.0.7", "198.51.100.1", "198.51.100.1"),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("", "", ""),
    ],
)
def test_the_address_is_the_socket_s_and_a_header_s_only_from_our_proxies(
    socket: str, forwarded: str, counted: str
) -> None:
    scope: dict[str, Any] = {"client": (socket, 1) if socket else None, "headers": []}
    if forwarded:
        scope["headers"].append((b"x-forwarded-for", forwarded.encode()))
    assert network_of(Clients(["10.0.0.0/24"]).address(scope)) == counted


def test_settings_name_proxies_by_address(tmp_path: Path) -> None:
    assert load(GatewaySettings, home=tmp_path, proxies="10.0.0.7, fd00::/8").proxies == (
        "10.0.0.7",
        "fd00::/8",
    )
    with pytest.raises((ConfigurationError, ValidationError), match="GATEWAY_PROXIES"):
        load(GatewaySettings, home=tmp_path, proxies="proxy.example.com")


class Asked:
    """The middleware around something that answers "yes", asked as a server would."""

    def __init__(self, settings: GatewaySettings) -> None:
        self.looked = 0
        catalog = Catalog(settings.catalog_url)
        access = Access(settings, Credentials(catalog, settings, AccessTokens(catalog, "wiki-pipeline")))

        class Counting:
            people = False

            def address(_, scope: Any) -> str:  # noqa: N805 - `self` is the outer one
                return access.address(scope)

            async def decide(_, scope: Any) -> Any:  # noqa: N805
                self.looked += 1
                return await access.decide(scope)

        async def yes(scope: Any, receive: Any, send: Any) -> None:
            await PlainTextResponse("yes")(scope, receive, send)

        self._app = SecurityMiddleware(yes, Counting(), 1_000, Rates(settings))

    async def __call__(self, token: str, address: str = "203.0.113.7") -> tuple[int, dict[bytes, bytes]]:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            return {"type": "http.request", "body": b""}

        headers = [(b"host", b"localhost")] + ([(b"authorization", f"Bearer {token}".encode())] if token else [])
        scope = {"type": "http", "method": "GET", "path": "/v1/x", "headers": headers, "client": (address, 1)}
        await self._app({**scope, "server": ("127.0.0.1", 8080), "query_string": b""}, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"])


def test_ten_thousand_wrong_tokens_slow_nobody_else_down(tmp_path: Path) -> None:
    asked = Asked(load(GatewaySettings, home=tmp_path, api_tokens=TOKEN, address_rate=0, account_rate=0))

    async def play() -> None:
        assert (await asked(TOKEN))[0] == 200
        statuses = [(await asked(f"wrong-{number}"))[0] for number in range(10_000)]
        assert statuses[:10] == [401] * 10
        assert statuses.count(401) < 40, "each waits longer"
        assert asked.looked < 100, "who waits costs no look at credentials"
        assert (await asked(TOKEN))[0] == 200, "who is known at the same address goes on"
        assert (await asked(TOKEN, "198.51.100.1"))[0] == 200
        status, headers = await asked("wrong-again")
        assert status == 429
        assert 1 <= int(headers[b"retry-after"]) <= 60
        assert (await asked(""))[0] == 401, "who brings nothing is told what to bring"

    asyncio.run(play())


def test_an_account_has_its_rate_whatever_the_address(tmp_path: Path) -> None:
    asked = Asked(load(GatewaySettings, home=tmp_path, api_tokens=TOKEN, account_rate=5))

    async def play() -> list[int]:
        return [(await asked(TOKEN, f"203.0.113.{number}"))[0] for number in range(7)]

    assert asyncio.run(play()) == [200] * 5 + [429] * 2


def test_this_machine_is_not_counted(tmp_path: Path) -> None:
    asked = Asked(load(GatewaySettings, home=tmp_path, account_rate=1, address_rate=1))

    async def play() -> float:
        began = time.process_time()
        for _ in range(200):
            assert (await asked("", "127.0.0.1"))[0] == 200
        return time.process_time() - began

    asyncio.run(play())
