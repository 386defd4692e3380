"""Each connection has webhook secrets of its own: who knows one can report changes of its sources only."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from wiki_pipeline.catalog import Catalog, EventRecord
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.freshness import resolve
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import Connection, DocumentRef, SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources import kinds
from wiki_pipeline.sources.confluence.config import SourceConfig
from wiki_pipeline.sources.git.settings import Repository
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline_tests.gateway.conftest import serving, wait_until

pytestmark = pytest.mark.security
SOUTH, NORTH, CODE = "https://south.example.org/wiki", "https://north.example.org/wiki", "https://code.example.org"
OF_SOUTH, OF_NORTH, OF_CODE = "secret of south", "secret of north", "secret of code"
ENG_SOUTH, ENG_NORTH = SourceKey("default", "confluence", "ENG"), SourceKey("default", "confluence", "north/ENG")
PUBLIC, OWN = SourceKey("default", "git", "acme/public"), SourceKey("default", "git", "acme/own")


class Sites:
    """A gateway that reads two Confluence sites with a space ENG each, and two repositories."""

    def __init__(self, client: httpx.Client, catalog: Catalog) -> None:
        self.client = client
        self.catalog = catalog

    def send(self, body: Any, secret: str, path: str = "/webhook/confluence-updated") -> httpx.Response:
        content = json.dumps(body).encode()
        signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
        return self.client.post(path, content=content, headers={"x-hub-signature-256": f"sha256={signature}"})

    def hit(self, body: Any, secret: str, path: str = "/webhook/confluence-updated") -> list[SourceKey | None]:
        """The sources whose events a delivery brought."""
        before = {event.event_id for event in self.events()}
        answer = self.send(body, secret, path)
        assert answer.status_code in {200, 202}, answer.text
        return sorted((event.source for event in self.events() if event.event_id not in before), key=str)

    def events(self) -> list[EventRecord]:
        return self.catalog.events.find("default", limit=1000)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return load(Settings, home=tmp_path)


@pytest.fixture
def sites(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sites]:
    monkeypatch.setenv("CONFLUENCE_URL", SOUTH)
    monkeypatch.setenv("CONFLUENCE_WEBHOOK_SECRET", OF_SOUTH)
    monkeypatch.setenv("WIKI_PIPELINE_GIT_WEBHOOK_SECRET", "secret of public")
    monkeypatch.setenv("NORTH_WEBHOOKS", OF_NORTH)
    monkeypatch.setenv("CODE_WEBHOOKS", OF_CODE)
    settings = load(GatewaySettings, home=home.home, gateway_port=0)
    with Catalog(settings.catalog_url) as catalog:
        catalog.connections.add(
            Connection("default", "confluence", "north", NORTH, webhook_secret_ref="env:NORTH_WEBHOOKS")
        )
        catalog.connections.add(Connection("default", "git", "code", CODE, webhook_secret_ref="env:CODE_WEBHOOKS"))
        catalog.add_source(ENG_SOUTH, SourceConfig(SOUTH, "ENG").dump(), connection="default")
        catalog.add_source(ENG_NORTH, SourceConfig(NORTH, "ENG").dump(), connection="north")
        catalog.add_source(PUBLIC, Repository(url="https://github.com/acme/public").dump())
        catalog.add_source(OWN, Repository(url=f"{CODE}/acme/own").dump(), connection="code")
        with serving(settings) as address, httpx.Client(base_url=address, timeout=60) as client:
            yield Sites(client, catalog)


def updated(page: int, **more: Any) -> dict[str, Any]:
    return {"event": "page_updated", "timestamp": page, "page": {"id": page}, **more}


def test_a_secret_reaches_the_sources_of_its_connection_and_no_others(sites: Sites) -> None:
    space = {"space": {"key": "ENG"}}
    assert sites.hit(updated(1, **space), OF_NORTH) == [ENG_NORTH]
    assert sites.hit(updated(2, **space), OF_SOUTH) == [ENG_SOUTH]
    # Whatever it says of itself: who knows the one secret can't speak for the other site.
    assert ENG_SOUTH not in sites.hit(updated(3, **space, baseUrl=SOUTH), OF_NORTH)
    assert ENG_NORTH not in sites.hit(updated(4, **space, baseUrl=NORTH), OF_SOUTH)
    push = {"ref": "refs/heads/main", "repository": {"default_branch": "main"}}
    of_public = {**push, "repository": {"clone_url": "https://github.com/acme/public.git"}}
    of_own = {**push, "repository": {"clone_url": f"{CODE}/acme/own.git"}}
    assert sites.hit(of_own, OF_CODE, "/webhook/git-push") == [OWN]
    assert sites.hit(of_own, "secret of public", "/webhook/git-push") == []
    assert sites.hit(of_public, OF_CODE, "/webhook/git-push") == []
    assert sites.hit(of_public, "secret of public", "/webhook/git-push") == [PUBLIC]


def test_what_is_signed_with_none_of_them_is_refused_unread(sites: Sites) -> None:
    number = len(sites.events())
    for secret in ("forged", OF_CODE, "", f"{OF_SOUTH},{OF_NORTH}"):
        answer = sites.send({"not": "even an event"}, secret)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "bad_signature")
    assert len(sites.events()) == number


def test_a_page_without_a_space_is_looked_for_behind_the_connection_alone(sites: Sites, home: Settings) -> None:
    for key in (ENG_SOUTH, ENG_NORTH):
        sites.catalog.upstream.observe(key, [DocumentRef("7", "1"), DocumentRef("8", "1")])
    assert sites.hit(updated(7), OF_NORTH) == [None]
    assert sites.hit({**updated(8), "event": "page_moved"}, OF_SOUTH) == [None]
    events = {event.document_id: event for event in sites.events() if not event.source}
    assert {id_: event.connection for id_, event in events.items()} == {"7": "north", "8": "default"}
    with Pipeline.open(home) as pipeline, pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(kinds()["confluence"]), "locate", _nowhere)
        assert resolve(pipeline) == 2
    found = {event.document_id: event.source for event in sites.events() if event.document_id in events}
    assert found == {"7": ENG_NORTH, "8": ENG_SOUTH}


async def _nowhere(*_: object) -> dict[str, list[SourceKey]]:
    return {}


def test_a_secret_is_changed_without_a_gap_and_a_missing_one_lets_nobody_in(
    sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = updated(9, space={"key": "ENG"})

    def answers(secret: str, status: int) -> None:
        wait_until(lambda: sites.send(body, secret).status_code == status)

    monkeypatch.setenv("NORTH_WEBHOOKS", f"the new one, {OF_NORTH}")
    answers("the new one", 202)
    assert sites.hit(updated(10, space={"key": "ENG"}), OF_NORTH) == [ENG_NORTH]
    monkeypatch.setenv("NORTH_WEBHOOKS", "the new one")
    answers(OF_NORTH, 401)
    assert sites.hit(updated(11, space={"key": "ENG"}), "the new one") == [ENG_NORTH]
    monkeypatch.delenv("NORTH_WEBHOOKS")
    answers("the new one", 401)
    assert sites.hit(updated(12, space={"key": "ENG"}), OF_SOUTH) == [ENG_SOUTH]


def test_a_connection_without_one_is_reported_to_with_that_of_the_settings(sites: Sites) -> None:
    sites.catalog.connections.add(Connection("default", "confluence", "north", NORTH))
    body = updated(13, space={"key": "ENG"})
    wait_until(lambda: sites.send(body, OF_NORTH).status_code == 401)
    assert sites.hit(updated(14, space={"key": "ENG"}), OF_SOUTH) == [ENG_SOUTH, ENG_NORTH]


def test_a_connection_says_where_its_secret_is_and_never_what() -> None:
    with pytest.raises(ConfigurationError, match="never the secret itself") as refused:
        Connection("default", "confluence", "north", NORTH, webhook_secret_ref="hunter2")
    assert "hunter2" not in str(refused.value)
