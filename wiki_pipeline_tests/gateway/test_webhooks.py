"""Webhooks over real HTTP: durable before the answer, taken once, and never a server's error."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from wiki_pipeline.catalog import Catalog, EventRecord, EventState
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.confluence.config import SourceConfig
from wiki_pipeline.sources.git.settings import Repository
from wiki_pipeline_tests.children import started
from wiki_pipeline_tests.gateway.conftest import serving, wait_until

SITE, SECRET, TOKEN = "https://acme.atlassian.net/wiki", "of Confluence", "of GitLab"
ENG, DOCS = SourceKey("default", "confluence", "ENG"), SourceKey("default", "confluence", "DOCS")
ROCKET = SourceKey("default", "git", "acme/rocket")
ENVIRONMENT = {
    "CONFLUENCE_URL": SITE,
    "CONFLUENCE_WEBHOOK_SECRET": SECRET,
    "WIKI_PIPELINE_GIT_WEBHOOK_SECRET": f"old, {TOKEN}",
}
UPDATED = "/webhook/confluence-updated"
PUSHED = "/webhook/git-push"


def add_sources(catalog: Catalog) -> None:
    for key in (ENG, DOCS):
        catalog.add_source(key, SourceConfig(SITE, key.name).dump())
    catalog.add_source(ROCKET, Repository(url="https://github.com/acme/rocket").dump())


class Gateway:
    """A gateway, and what it took in."""

    def __init__(self, client: httpx.Client, catalog: Catalog) -> None:
        self.client = client
        self.catalog = catalog

    def tell(self, body: Any, path: str = UPDATED, secret: str = SECRET, **headers: str) -> httpx.Response:
        """Send a signed delivery."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, content=content, headers={"x-hub-signature": f"sha256={signature}", **named})

    def events(self) -> list[EventRecord]:
        return self.catalog.events.find("default", limit=100_000)

    def counted(self, line: str) -> float:
        """A figure of /metrics."""
        lines = self.client.get("/metrics").text.splitlines()
        return next((float(found.rpartition(" ")[2]) for found in lines if found.startswith(line)), 0.0)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = load(GatewaySettings, home=tmp_path_factory.mktemp("intake"), gateway_port=0)
    with pytest.MonkeyPatch.context() as patch, Catalog(settings.catalog_url) as catalog:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        add_sources(catalog)
        with serving(settings) as address, httpx.Client(base_url=address, timeout=60) as client:
            yield Gateway(client, catalog)


def own(page: int, event: str = "page_updated", space: str = "ENG") -> dict[str, Any]:
    return {"event": event, "timestamp": page, "page": {"id": page}, "space": {"key": space}}


def test_a_delivery_is_in_the_catalog_before_it_is_answered(gateway: Gateway) -> None:
    answer = gateway.tell(own(1))
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted", "events": 1})
    event = gateway.events()[0]
    assert (event.source, event.document_id, event.what, event.origin) == (ENG, "1", "page_updated", "webhook")
    assert event.state is EventState.PENDING


@pytest.mark.security
def test_a_replay_is_answered_as_one_and_makes_no_event(gateway: Gateway) -> None:
    before = gateway.counted('wiki_pipeline_webhook_deliveries_total{event="page_updated",outcome="duplicate"')
    first = gateway.tell(own(2), x_atlassian_webhook_identifier="d-2")
    number = len(gateway.events())
    for body in (own(2), {**own(2), "timestamp": 99}):
        again = gateway.tell(body, x_atlassian_webhook_identifier="d-2")
        assert (again.status_code, again.json()) == (202, {"status": "duplicate", "events": 0})
    assert first.json()["status"] == "accepted"
    assert len(gateway.events()) == number
    counted = gateway.counted('wiki_pipeline_webhook_deliveries_total{event="page_updated",outcome="duplicate"')
    assert counted == before + 2


def test_the_event_may_be_named_by_the_address(gateway: Gateway) -> None:
    body = {"timestamp": 4, "page": {"id": 4, "spaceKey": "ENG", "version": 7}}
    assert gateway.tell(body, f"{UPDATED}/page_updated").status_code == 202
    event = gateway.events()[0]
    assert (event.document_id, event.what, event.version) == ("4", "page_updated", "7")
    assert gateway.tell(body).json()["error"]["code"] == "bad_payload"
    for path in (f"{UPDATED}/page_updated/more", f"{PUSHED}/push", "/webhook/", "/webhook/other"):
        assert gateway.tell(body, path).status_code == 404


def test_a_move_between_two_known_spaces_makes_three_events_taken_once(gateway: Gateway) -> None:
    content = {"id": 5, "type": "page", "space": {"key": "ENG"}}
    body = {"eventType": "avi:confluence:moved:page", "eventCreatedDate": "2026-11-21", "content": content}
    moved = {**body, "prevContent": {"space": {"key": "DOCS"}}}
    assert gateway.tell(moved).json() == {"status": "accepted", "events": 3}
    found = {(event.source, event.document_id) for event in gateway.events() if event.what == "page_moved"}
    assert found == {(None, "5"), (ENG, ""), (DOCS, "")}
    assert gateway.tell(moved).json() == {"status": "duplicate", "events": 0}


def test_what_changes_nothing_is_ignored_and_counted(gateway: Gateway) -> None:
    number = len(gateway.events())
    unknown = gateway.tell(own(6, space="HR"))
    assert (unknown.status_code, unknown.json()) == (
        200,
        {"status": "ignored", "reason": "The space HR is not a source."},
    )
    assert gateway.tell(own(6, "comment_created")).json()["status"] == "ignored"
    assert len(gateway.events()) == number
    line = 'wiki_pipeline_webhook_deliveries_total{event="comment_*",outcome="ignored",webhook="confluence-updated"}'
    assert gateway.counted(line) == 1


def test_a_source_that_is_added_is_heard_of(gateway: Gateway) -> None:
    assert gateway.tell(own(7, space="NEW")).json()["status"] == "ignored"
    gateway.catalog.add_source(SourceKey("default", "confluence", "NEW"), SourceConfig(SITE, "NEW").dump())
    wait_until(lambda: gateway.tell(own(7, space="NEW")).status_code == 202)


def test_pushes_are_taken_in(gateway: Gateway) -> None:
    body = json.dumps({"ref": "refs/heads/main", "repository": {"ssh_url": "git@github.com:Acme/rocket.git"}}).encode()
    signature = hmac.new(b"old", body, hashlib.sha256).hexdigest()
    headers = {"x-hub-signature-256": f"sha256={signature}", "x-github-event": "push", "x-github-delivery": "g-1"}
    assert gateway.client.post(PUSHED, content=body, headers=headers).json() == {"status": "accepted", "events": 1}
    assert (gateway.events()[0].source, gateway.events()[0].document_id) == (ROCKET, "")
    lab = gateway.client.post(PUSHED, content=body, headers={"x-gitlab-token": TOKEN, "x-gitlab-event": "Push Hook"})
    assert lab.status_code == 202
    assert gateway.client.post(PUSHED, content=body, headers={"x-gitlab-token": SECRET}).status_code == 401


@pytest.mark.security
@pytest.mark.parametrize("path", [UPDATED, f"{UPDATED}/page_updated", PUSHED])
def test_nothing_unsigned_or_changed_on_the_way_is_taken(gateway: Gateway, path: str) -> None:
    number = len(gateway.events())
    for secret in ("", "other"):
        answer = gateway.tell(own(8), path, secret)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "bad_signature")
    assert gateway.client.post(path, content=b"not even JSON").status_code == 401
    signature = hmac.new(SECRET.encode(), json.dumps(own(8)).encode(), hashlib.sha256).hexdigest()
    tampered = gateway.client.post(path, content=json.dumps(own(9)), headers={"x-confluence-signature": signature})
    assert tampered.status_code == 401
    assert len(gateway.events()) == number


@pytest.mark.security
def test_bodies_have_a_limit_and_must_make_sense(gateway: Gateway) -> None:
    large = gateway.tell(b" " * 1_000_001)
    assert (large.status_code, large.json()["error"]["code"]) == (413, "body_too_large")
    senseless = gateway.tell(b"[]")
    assert (senseless.status_code, senseless.json()["error"]["code"]) == (422, "bad_payload")
    assert gateway.client.get(UPDATED).status_code == 405


def test_many_at_once_are_each_answered_for_themselves(gateway: Gateway) -> None:
    def send(page: int) -> int:
        known = page % 2
        return gateway.tell(own(1000 + page, space="ENG" if known else "HR")).status_code

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(send, range(200)))
    assert answers == [202 if page % 2 else 200 for page in range(200)]
    found = {event.document_id for event in gateway.events()}
    assert {str(1000 + page) for page in range(200) if page % 2} <= found


# --- whatever strangers send ---

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_WORDS = ["page", "content", "labeled", "space", "id", "key", "spaceKey", "version", "number", "event", "eventType",
          "timestamp", "ref", "repository", "project", "clone_url", "default_branch", "prevContent"]  # fmt: skip
_SHAPED = st.recursive(
    st.sampled_from(["ENG", "98487", "page_updated", "page_moved", "label_added", "space_updated", "refs/heads/main",
                     "https://github.com/acme/rocket", "avi:confluence:moved:page", "", "\x00", "\ud800", 1, -1, 2**70,
                     None, True]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=8),
    max_leaves=30,
)  # fmt: skip
_BODIES = st.binary(max_size=200) | st.one_of(_JSON, _SHAPED).map(lambda value: json.dumps(value).encode())
_NAMES = st.sampled_from(
    ["x-atlassian-webhook-identifier", "idempotency-key", "x-github-event", "x-gitlab-event", "x-gitlab-token",
     "x-github-delivery", "content-type", "x-confluence-signature", "x-odd", "origin", "authorization"]
)  # fmt: skip
_VALUES = st.binary(max_size=40).map(lambda value: bytes(byte for byte in value if byte > 31 and byte != 127).strip())
_EVENTS = st.sampled_from(
    ["", "/page_updated", "/page_moved", "/label_added", "/%00", "/%ff", "/a%2fb", "/space_updated"]
)


@pytest.mark.security
@hypothesis(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_BODIES, st.dictionaries(_NAMES, _VALUES, max_size=4), _EVENTS, st.booleans(), st.booleans())
def test_no_delivery_makes_the_server_fail(
    gateway: Gateway, body: bytes, headers: dict[str, bytes], event: str, push: bool, signed: bool
) -> None:
    path = PUSHED if push else UPDATED + event
    sent: dict[bytes, bytes] = {name.encode(): value for name, value in headers.items()}
    if signed:
        key = TOKEN if push else SECRET
        signature = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
        sent |= {b"x-hub-signature-256": b"sha256=" + signature.encode()}
        sent.pop(b"x-confluence-signature", None)
    answer = gateway.client.post(path, content=body, headers=list(sent.items()))
    assert answer.status_code < 500, answer.text
    if not signed and not sent.get(b"x-gitlab-token"):
        assert answer.status_code in {401, 403, 404}


@pytest.mark.security
@hypothesis(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=300) | st.binary(max_size=80).map(lambda end: b"POST /webhook/git-push " + end))
def test_no_bytes_at_all_make_the_server_fail(gateway: Gateway, content: bytes) -> None:
    parts = urlsplit(str(gateway.client.base_url))
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65_536)
    assert not answer.startswith(b"HTTP/1.1 5")


# --- nothing lost ---

_PROGRAM = "from wiki_pipeline.gateway.__main__ import main; raise SystemExit(main())"


def test_a_gateway_that_is_killed_under_load_has_kept_all_that_it_accepted(tmp_path: Path) -> None:
    settings = load(GatewaySettings, home=tmp_path)
    accepted: set[str] = set()
    with Catalog(settings.catalog_url) as catalog:
        add_sources(catalog)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        environment = {**os.environ, **ENVIRONMENT, "WIKI_PIPELINE_HOME": str(tmp_path)}
        environment["WIKI_PIPELINE_GATEWAY_PORT"] = port
        with started([sys.executable, "-c", _PROGRAM], env=environment, cwd=tmp_path) as process:
            enough = threading.Event()

            def send(worker: int) -> None:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                    gateway = Gateway(client, catalog)
                    for number in range(10_000):
                        page = worker * 10_000 + number + 1
                        try:
                            answer = gateway.tell(own(page))
                        except httpx.HTTPError:
                            return
                        assert answer.status_code == 202
                        accepted.add(str(page))
                        if len(accepted) >= 300:
                            enough.set()

            try:
                wait_until(lambda: _answers(port))
                with ThreadPoolExecutor(8) as threads:
                    senders = [threads.submit(send, worker) for worker in range(8)]
                    assert enough.wait(60)
                    process.kill()
                    for sender in senders:
                        sender.result(timeout=60)
            finally:
                process.kill()
        kept = {event.document_id for event in catalog.events.find("default", limit=100_000)}
    assert len(accepted) >= 300
    assert accepted <= kept


def _answers(port: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
