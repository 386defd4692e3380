"""Two tenants behind one gateway, each with a space ENG and a page of the same name: who asks sees their own."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from wiki_pipeline.access import How, Principal, Role
from wiki_pipeline.access import Scope as Reach
from wiki_pipeline.catalog import EventBatch, Origin
from wiki_pipeline.gateway.app import create_app
from wiki_pipeline.gateway.mcp import search as mcp_search
from wiki_pipeline.gateway.mcp.reading import Asker
from wiki_pipeline.gateway.security import PRINCIPAL
from wiki_pipeline.gateway.services import Services
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import ChangeHint, Connection, SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.confluence.config import SourceConfig
from wiki_pipeline.sync import connections, tenants
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.gateway.conftest import bring
from wiki_pipeline_tests.gateway.documents import page

pytestmark = pytest.mark.security
TENANTS = ("initech", "globex")
SITE = "https://wiki.example.org/wiki"
SIGNS = {tenant: f"signs the webhooks of {tenant}" for tenant in TENANTS}


class As:
    """ASGI middleware inside all others: whoever asks is this principal, as a session or token would say."""

    def __init__(self, app: ASGIApp, who: Principal) -> None:
        self._app = app
        self._who = who

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "state": {**scope.get("state", {}), PRINCIPAL: self._who}}
        await self._app(scope, receive, send)


def principal(tenant: str, role: Role = Role.ADMIN) -> Principal:
    return Principal("ana", tenant, How.SESSION, Reach(tenant, actions=role.actions), role, account="ana")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    settings = load(GatewaySettings, home=tmp_path_factory.mktemp("two tenants"))
    with Pipeline.open(settings) as opened:
        for tenant in TENANTS:
            tenants.add(opened, tenant)
            own, key = opened.of(tenant), SourceKey(tenant, "confluence", "ENG")
            made = Connection(tenant, "confluence", "wiki", SITE)
            connections.add(own, made, SecretStr(f"reads {tenant}"), SecretStr(SIGNS[tenant]))
            opened.catalog.add_source(key, SourceConfig(SITE, "ENG").dump(), f"Space of {tenant}", SITE, "wiki")
            bring(own, key, [page("1", "Plan", f"<p>The plan of {tenant} is a lighthouse.</p>", url=f"{SITE}/pages/1")])
            opened.catalog.events.record([EventBatch(tenant, Origin.CLI, [ChangeHint("confluence", key, "1")])])
            opened.catalog.jobs.create(key, f"Reload of {tenant}", [ChangeHint("confluence", key)])
        yield opened


def app_of(pipeline: Pipeline, who: Principal) -> FastAPI:
    app = create_app(load(GatewaySettings, home=pipeline.settings.home))
    app.user_middleware.append(Middleware(As, who=who))
    return app


@pytest.fixture(scope="module")
def clients(pipeline: Pipeline) -> dict[str, TestClient]:
    return {name: TestClient(app_of(pipeline, principal(name)), base_url="http://localhost") for name in TENANTS}


ADDRESSES = [
    "/",
    "/wiki/confluence-ENG/",
    "/wiki/confluence-ENG/1/Plan",
    "/wiki/confluence-ENG/1/Plan.md",
    "/search?q=lighthouse",
    "/search/suggest?q=plan",
    "/ask",
    "/research",
    "/settings/connections",
    "/feeds/changes.atom",
    "/llms.txt",
    "/v1/search?q=lighthouse",
    "/v1/datasources",
    "/v1/documents/stale",
    "/v1/changes",
    "/v1/jobs",
    "/v1/events",
    "/v1/connections",
    "/metrics",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_answer_holds_a_word_of_the_other_tenant(clients: dict[str, TestClient], address: str) -> None:
    for own, other in (TENANTS, TENANTS[::-1]):
        answer = clients[own].get(address)
        assert answer.status_code == 200, answer.text
        assert other not in answer.text.lower()
        if address not in {"/ask", "/research", "/search/suggest?q=plan", "/v1/documents/stale", "/v1/connections"}:
            assert own in answer.text.lower()


def test_a_header_or_parameter_changes_no_tenant(clients: dict[str, TestClient]) -> None:
    for address in ("/v1/search?q=lighthouse&tenant=globex", "/v1/datasources?tenant=globex"):
        answer = clients["initech"].get(
            address, headers={"x-tenant": "globex", "x-wiki-pipeline-tenant": "globex", "cookie": "tenant=globex"}
        )
        assert "initech" in answer.text
        assert "globex" not in answer.text


def test_ids_of_the_other_tenant_are_not_there(clients: dict[str, TestClient], pipeline: Pipeline) -> None:
    foreign = SourceKey("globex", "confluence", "ENG")
    job = pipeline.catalog.jobs.find("globex")[0].job_id
    client = clients["initech"]
    for method, address in (
        ("GET", f"/v1/datasources/{foreign}"),
        ("GET", f"/v1/jobs/{job}"),
        ("POST", f"/v1/jobs/{job}/terminate"),
        ("GET", f"/v1/search?q=plan&source={foreign}"),
    ):
        assert client.request(method, address).status_code == 404, address
    assert not pipeline.catalog.jobs.find("globex")[0].terminate


def test_what_a_browser_keeps_is_not_known_again_for_another_tenant(clients: dict[str, TestClient]) -> None:
    address = "/wiki/confluence-ENG/1/Plan"
    tag = clients["initech"].get(address).headers["etag"]
    assert clients["initech"].get(address, headers={"if-none-match": tag}).status_code == 304
    answer = clients["globex"].get(address, headers={"if-none-match": tag})
    assert answer.status_code == 200
    assert "globex" in answer.text


def test_agents_see_their_tenant(clients: dict[str, TestClient]) -> None:
    for own, other in (TENANTS, TENANTS[::-1]):
        services: Services = clients[own].app.state.services  # type: ignore[attr-defined]
        asker = Asker(services.as_seen_by(principal(own)), "http://localhost")
        found = mcp_search.search(asker, mcp_search.Query(query="lighthouse")).model_dump_json()
        assert own in found
        assert other not in found


def test_figures_of_all_are_the_operator_s(pipeline: Pipeline, clients: dict[str, TestClient]) -> None:
    operator = TestClient(app_of(pipeline, principal("default", Role.OPERATOR)), base_url="http://localhost")

    def tenants_in(client: TestClient) -> set[str]:
        families = text_string_to_metric_families(client.get("/metrics").text)
        return {s.labels["tenant"] for family in families for s in family.samples if "tenant" in s.labels}

    assert tenants_in(operator) == {"default", *TENANTS}
    assert tenants_in(clients["initech"]) == {"initech"}
    assert "http_request" in operator.get("/metrics").text
    assert "http_request" not in clients["initech"].get("/metrics").text


# --- webhooks ---


def deliver(client: TestClient, address: str, secret: str, page_id: int = 1, **headers: str) -> Any:
    body = {"event": "page_updated", "timestamp": page_id, "page": {"id": page_id}, "space": {"key": "ENG"}}
    content = json.dumps(body).encode()
    signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    headers["x-hub-signature-256"] = f"sha256={signature}"
    return client.post(address, content=content, headers=headers)


def test_webhooks_of_a_tenant_have_its_secret_and_reach_its_sources(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFLUENCE_WEBHOOK_SECRET", "the operator's")
    with TestClient(app_of(pipeline, principal("default")), base_url="http://localhost") as client:
        for at, address in enumerate(("/webhook/{}/confluence-updated", "/webhook/{}/confluence-updated/page_updated")):
            for own, other in (TENANTS, TENANTS[::-1]):
                before = len(pipeline.catalog.events.find(other, limit=1000))
                # The same delivery to both: what one got is no repetition of what the other got.
                answer = deliver(client, address.format(own), SIGNS[own], 70 + at, **{"x-request-id": "same"})
                assert (answer.status_code, answer.json()["status"]) == (202, "accepted"), answer.text
                found = pipeline.catalog.events.find(own, limit=1)[0]
                assert found.source == SourceKey(own, "confluence", "ENG")
                assert len(pipeline.catalog.events.find(other, limit=1000)) == before
                again = deliver(client, address.format(own), SIGNS[own], 70 + at, **{"x-request-id": "same"})
                assert again.json()["status"] == "duplicate"
        refused = [
            deliver(client, f"/webhook/{tenant}/confluence-updated", secret)
            for tenant, secret in (
                ("initech", "wrong"),
                ("initech", SIGNS["globex"]),
                ("initech", "the operator's"),
                ("nobody", SIGNS["initech"]),
                ("nobody", "the operator's"),
                ("..", "wrong"),
            )
        ]
        assert {(answer.status_code, answer.text) for answer in refused[:-1]} == {(401, refused[0].text)}
        known = {name for name in refused[0].headers if name != "x-request-id"}
        assert all({name for name in answer.headers if name != "x-request-id"} == known for answer in refused[:-1])
        unsigned = [client.post(f"/webhook/{tenant}/git-push", content=b"{}") for tenant in ("initech", "nobody")]
        assert unsigned[0].text == unsigned[1].text
        assert unsigned[0].status_code == unsigned[1].status_code == 401
        assert deliver(client, "/webhook/confluence-updated", SIGNS["initech"]).status_code == 401
        assert deliver(client, "/webhook/default/confluence-updated", "the operator's").status_code == 200
        assert deliver(client, "/webhook/confluence-updated", "the operator's").status_code == 200


# --- connections ---


def test_connections_are_entered_by_who_looks_after_the_tenant_and_never_shown(
    pipeline: Pipeline, clients: dict[str, TestClient], caplog: pytest.LogCaptureFixture
) -> None:
    secret = "the-secret-of-north-1234"
    new = {"connection": "north", "url": "https://one.one.one.one/wiki", "secret": secret}
    reader = TestClient(app_of(pipeline, principal("initech", Role.EDITOR)), base_url="http://localhost")
    for method, address in (("GET", ""), ("POST", ""), ("DELETE", "/wiki"), ("POST", "/wiki/test")):
        assert reader.request(method, f"/v1/connections{address}", json=new).status_code == 403
    assert reader.get("/settings/connections").status_code == 403
    operator = TestClient(app_of(pipeline, operating("initech")), base_url="http://localhost")
    added = operator.post("/v1/connections", json=new)
    assert added.status_code == 200, added.text
    assert added.json()["secret"] == "…1234"
    listed = clients["initech"].get("/v1/connections").json()["connections"]
    assert {each["connection"] for each in listed} == {"wiki", "north"}
    assert {each["connection"] for each in clients["globex"].get("/v1/connections").json()["connections"]} == {"wiki"}
    assert clients["globex"].delete("/v1/connections/north").status_code == 422
    wrong = operator.post("/v1/connections", json={**new, "secret": secret, "url": "x" * 3000, "more": secret})
    assert wrong.status_code == 422
    shown = added.text + wrong.text + clients["initech"].get("/settings/connections").text + caplog.text
    assert secret not in shown
    assert not any(secret.encode() in path.read_bytes() for path in pipeline.settings.home.rglob("*") if path.is_file())
    assert clients["initech"].delete("/v1/connections/north").json() == {"connection": "north", "removed": True}
    used = clients["initech"].delete("/v1/connections/wiki")
    assert used.status_code == 422
    assert "initech:confluence:ENG" in used.text


def operating(tenant: str) -> Principal:
    """An operator who looks at a tenant: may have it reach private networks, and names that no server here knows."""
    return Principal("op", tenant, How.SESSION, Reach(tenant, actions=Role.OPERATOR.actions), Role.OPERATOR, "op")


@pytest.mark.parametrize(
    "more",
    [
        {"url": "https://127.0.0.1/wiki"},
        {"url": "https://localhost/wiki"},
        {"url": "https://169.254.169.254/"},
        {"url": "https://[::1]/wiki"},
        {"url": "http://one.one.one.one/wiki"},
        {"url": "file:///etc/passwd"},
        {"secret_ref": "env:CONFLUENCE_TOKEN"},
        {"secret_ref": "file:/etc/passwd"},
    ],
)
def test_a_tenant_reaches_neither_private_networks_nor_the_operator_s_secrets(
    clients: dict[str, TestClient], pipeline: Pipeline, more: dict[str, str]
) -> None:
    new = {"connection": "inside", "url": "https://one.one.one.one/wiki", "secret": "x" * 20, **more}
    assert clients["initech"].post("/v1/connections", json=new).status_code in {403, 422}
    assert pipeline.catalog.connections.get("initech", "inside") is None


def test_connections_are_added_and_removed_on_the_page(pipeline: Pipeline) -> None:
    client = TestClient(app_of(pipeline, operating("initech")), base_url="http://localhost", follow_redirects=False)
    fields = {"connection": "south", "kind": "confluence", "url": "https://south.example.org/wiki", "secret": "s" * 20}
    foreign = client.post("/settings/connections", data=fields, headers={"sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert pipeline.catalog.connections.get("initech", "south") is None
    assert client.post("/settings/connections", data=fields).status_code == 303
    assert "south.example.org" in client.get("/settings/connections").text
    assert client.post("/settings/connections/south/remove", data={}).status_code == 303
    assert pipeline.catalog.connections.get("initech", "south") is None
    told = [record.entry for record in pipeline.catalog.audit.page("initech")]
    assert [entry.action for entry in told if entry.object == "connection south"] == [
        "connection.remove",
        "connection.add",
    ]
    assert fields["secret"] not in repr(told)


# --- dropping ---


def test_a_dropped_tenant_is_served_no_more(tmp_path: Path) -> None:
    with Pipeline.open(load(GatewaySettings, home=tmp_path)) as pipeline:
        tenants.add(pipeline, "brief")
        with TestClient(app_of(pipeline, principal("brief")), base_url="http://localhost") as client:
            assert client.get("/v1/datasources").json() == {"datasources": []}
            tenants.drop(pipeline, "brief", lambda _: None)
            services: Services = client.app.state.services  # type: ignore[attr-defined]
            services.tenants.served._asked_at = float("-inf")
            assert client.get("/v1/datasources").status_code == 403
            assert deliver(client, "/webhook/brief/confluence-updated", "x").status_code == 401
