"""What every answer and every request is held to, whatever the address."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.gateway.app import create_app
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.serving.origins import arrived_on_loopback
from wiki_pipeline.settings import load
from wiki_pipeline_tests.gateway.conftest import serving

pytestmark = pytest.mark.security

PLACES = ["/", "/wiki/nowhere/", "/search?q=guide", "/docs", "/v1/datasources", "/livez", "/nope", "/openapi.json"]


@pytest.mark.parametrize("place", PLACES)
def test_every_answer_tells_browsers_what_they_may_not_do(client: httpx.Client, place: str) -> None:
    headers = client.get(place).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "cache-control" in headers
    assert "server" not in headers


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "169.254.169.254", "[::2]", ""]
)
def test_a_request_under_another_host_s_name_is_refused(client: httpx.Client, host: str) -> None:
    answer = client.get("/v1/datasources", headers={"host": host})
    assert answer.status_code == 421
    assert answer.json()["error"]["code"] == "unknown_host"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:99", "127.0.0.1", "[::1]:8080", "[::1]"])
def test_a_request_under_this_machine_s_own_names_is_served(client: httpx.Client, host: str) -> None:
    assert client.get("/livez", headers={"host": host}).status_code == 200


EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - that it is refused is what is tested


@pytest.mark.parametrize("host", [EVERY_ADDRESS, "", "::", "192.168.1.7", "wiki.example.com", "127.0.0.1.evil.example"])
def test_the_gateway_refuses_to_start_where_others_could_reach_it(host: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="WIKI_PIPELINE_GATEWAY_HOST"):
        create_app(load(GatewaySettings, home=tmp_path, gateway_host=host))


OLD, NEW = "a-token-of-32-characters-to-begin", "the-next-token-that-takes-over"
TOKENS = f"{OLD},{NEW}"


@pytest.mark.parametrize("host", [EVERY_ADDRESS, "", "192.168.1.7"])
def test_with_a_token_that_nobody_guesses_it_starts_anywhere(host: str, tmp_path: Path) -> None:
    create_app(load(GatewaySettings, home=tmp_path, gateway_host=host, api_tokens=TOKENS))
    with pytest.raises(ConfigurationError, match="openssl"):
        create_app(load(GatewaySettings, home=tmp_path, gateway_host=host, api_tokens=f"{TOKENS},short"))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A gateway with tokens, reached under any name, by a proxy that says who asks."""
    home = tmp_path_factory.mktemp("guarded")
    settings = load(GatewaySettings, home=home, gateway_port=0, api_tokens=TOKENS, proxies="127.0.0.0/8")
    with serving(settings) as address, httpx.Client(base_url=address, headers={"host": "wiki.example.com"}) as client:
        yield client


@pytest.mark.parametrize("token", [OLD, NEW])
def test_each_of_several_tokens_opens_it(guarded: httpx.Client, token: str) -> None:
    assert guarded.get("/v1/datasources", headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert guarded.get("/", headers={"authorization": f"bearer  {token}"}).status_code == 200
    assert guarded.get("/", auth=("anyone", token)).status_code == 200  # as a browser sends it
    assert guarded.post("/v1/search", headers={"authorization": f"Bearer {token}"}).status_code == 405
    assert guarded.post("/v1/search", auth=("anyone", token)).status_code == 401  # but not to change anything


# Each from another address: of one, those that are wrong too often wait before anybody looks at what they bring.
STRANGERS = (f"203.0.113.{number}".encode() for number in itertools.count(1))
WRONG = ["", "Bearer", f"Bearer {TOKENS}", "Basic !", "Basic 4pyT", f"Token {OLD}"]


@pytest.mark.parametrize("given", [*WRONG, f"Bearer {OLD.upper()}", "Bearer \xff"])
def test_without_a_token_nothing_is_told(guarded: httpx.Client, given: str) -> None:
    for place in ("/", "/v1/datasources", "/metrics", "/docs", "/openapi.json", "/nope", "/livez/more"):
        asking = [(b"authorization", given.encode("latin-1")), (b"x-forwarded-for", next(STRANGERS))]
        answer = guarded.get(place, headers=asking)
        assert answer.status_code == 401, place
        assert "Bearer" in answer.headers["www-authenticate"]
    assert guarded.get("/readyz").status_code == 200
    assert guarded.post("/webhook/git-push", content=b"{}").json()["error"]["code"] == "bad_signature"


OTHERS = [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "https://evil.example")]


@pytest.mark.parametrize("header", [*OTHERS, ("origin", "null"), ("origin", "http://localhost:1")])
def test_a_page_of_another_site_changes_nothing(client: httpx.Client, header: tuple[str, str]) -> None:
    answer = client.post("/v1/search", headers=[header])
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "cross_site")
    assert client.get("/livez", headers=[header]).status_code == 200


def test_a_page_of_the_gateway_may(client: httpx.Client, address: str) -> None:
    assert client.post("/v1/search", headers={"origin": address}).status_code == 405
    assert client.post("/v1/search", headers={"sec-fetch-site": "same-origin"}).status_code == 405


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.53"])
def test_the_gateway_starts_on_loopback(host: str, tmp_path: Path) -> None:
    create_app(load(GatewaySettings, home=tmp_path, gateway_host=host))


def test_a_connection_from_outside_is_refused_whoever_opened_the_socket() -> None:
    assert not arrived_on_loopback({"type": "http", "server": ("10.0.0.5", 8080)})
    assert arrived_on_loopback({"type": "http", "server": ("127.0.0.1", 8080)})
    assert arrived_on_loopback({"type": "http", "server": ("/run/gateway.sock", None)})


def test_the_command_says_why_it_does_not_start(tmp_path: Path) -> None:
    environment = {"PATH": "", "WIKI_PIPELINE_HOME": str(tmp_path), "WIKI_PIPELINE_GATEWAY_HOST": EVERY_ADDRESS}
    command = [sys.executable, "-m", "wiki_pipeline.gateway"]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "WIKI_PIPELINE_GATEWAY_HOST" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("method", "place", "status", "code"),
    [
        ("GET", "/nope", 404, "not_found"),
        ("GET", "/v1/nope", 404, "not_found"),
        ("POST", "/v1/search", 405, "method_not_allowed"),
        ("DELETE", "/livez", 405, "method_not_allowed"),
        ("GET", "/v1/search?q=x&k=x", 422, "bad_request"),
    ],
)
def test_errors_have_one_shape(client: httpx.Client, method: str, place: str, status: int, code: str) -> None:
    answer = client.request(method, place)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("place", ["/wiki/nowhere/1", "/search?mode=magic", "/search?q=" + "x" * 1001])
def test_people_get_pages_for_errors(client: httpx.Client, place: str) -> None:
    answer = client.get(place)
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"].startswith("text/html")
    assert "<h1>" in answer.text
    browser = client.get("/nope", headers={"accept": "text/html,*/*"})
    assert browser.headers["content-type"].startswith("text/html")


def test_headers_and_bodies_have_limits(client: httpx.Client) -> None:
    long = client.get("/livez", headers={"x-long": "x" * 17_000})
    assert (long.status_code, long.json()["error"]["code"]) == (431, "headers_too_large")
    large = client.request("POST", "/v1/search", content=b"x" * 1_000_001)
    assert (large.status_code, large.json()["error"]["code"]) == (413, "body_too_large")


def test_a_header_without_end_is_cut_off(address: str) -> None:
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\nx: " + b"x" * 100_000)
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 400")


def test_what_the_gateway_needs_and_does_not_get_is_said_without_a_trace(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"this is no database" * 100)
    with (
        serving(load(GatewaySettings, home=tmp_path, gateway_port=0)) as address,
        httpx.Client(base_url=address) as client,
    ):
        assert client.get("/livez").json() == {"status": "ok"}
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["error"]["code"]) == (503, "catalog_damaged")
        page = client.get("/")
        assert page.status_code == 503
        for answer in (ready, page):
            assert "Traceback" not in answer.text
            assert "sqlalchemy" not in answer.text.lower()


def test_the_gateway_is_ready_before_there_is_anything(tmp_path: Path) -> None:
    with (
        serving(load(GatewaySettings, home=tmp_path, gateway_port=0)) as address,
        httpx.Client(base_url=address) as client,
    ):
        nothing = {"status": "ok", "sources": 0, "tables": 0, "stalled": "", "stalled_since": None}
        assert client.get("/readyz").json() == nothing
        assert "No source has been added yet" in client.get("/").text
        assert client.get("/v1/search", params={"q": "x"}).json()["hits"] == []
        assert "Nothing was found" in client.get("/search", params={"q": "x"}).text
        assert client.get("/v1/datasources").json() == {"datasources": []}


def test_a_defect_is_answered_without_its_trace(tmp_path: Path) -> None:
    app = create_app(load(GatewaySettings, home=tmp_path))

    def broken() -> Any:
        raise RuntimeError("password=hunter2")

    app.add_api_route("/v1/broken", broken)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/v1/broken")

    answer = asyncio.run(ask())
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "hunter2" not in json.dumps(dict(answer.headers)) + answer.text
