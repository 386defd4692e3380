"""What somebody sees who may read one of two sources: that one, and no trace of the other."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from wiki_pipeline.access import Action, How, Principal, Scope
from wiki_pipeline.catalog import EventBatch, Origin
from wiki_pipeline.errors import NotAllowedError
from wiki_pipeline.gateway.app import create_app
from wiki_pipeline.gateway.security import PRINCIPAL
from wiki_pipeline.gateway.services import principal
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import ChangeHint, DocumentFailure, SourceKey, Stage
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.gateway.documents import REPOSITORY, SPACE


def client_of(pipeline: Pipeline, scope: Scope) -> TestClient:
    app = create_app(load(GatewaySettings, home=pipeline.settings.home))
    app.dependency_overrides[principal] = lambda: Principal("reader", "default", How.TOKEN, scope)
    return TestClient(app, base_url="http://localhost")


@pytest.fixture
def client(pipeline: Pipeline) -> TestClient:
    """As somebody who may read the space, and not the repository."""
    return client_of(pipeline, Scope("default", frozenset({SPACE})))


def test_search_finds_in_the_scope_s_sources_only(client: TestClient, pipeline: Pipeline) -> None:
    everything = client_of(pipeline, Scope("default"))
    found = {
        hit["source"] for hit in everything.get("/v1/search", params={"q": "rocket guide", "k": 50}).json()["hits"]
    }
    assert found == {str(SPACE), str(REPOSITORY)}
    hits = client.get("/v1/search", params={"q": "rocket guide", "k": 50}).json()["hits"]
    assert {hit["source"] for hit in hits} == {str(SPACE)}
    named = client.get("/v1/search", params={"q": "rocket guide", "source": str(REPOSITORY)})
    assert named.status_code == 404
    nothing = client_of(pipeline, Scope("default", frozenset()))
    assert nothing.get("/v1/search", params={"q": "rocket guide"}).json()["hits"] == []
    assert REPOSITORY.slug not in client.get("/search", params={"q": "rocket guide"}).text


def test_lists_of_sources_and_stale_documents_are_the_scope_s(client: TestClient, pipeline: Pipeline) -> None:
    listed = client.get("/v1/datasources").json()["datasources"]
    assert [source["source"] for source in listed] == [str(SPACE)]
    failed = DocumentFailure("README.md", "README", Stage.CLEAN_PAGES, "It could not be read.")
    pipeline.catalog.record_failures(REPOSITORY, Stage.CLEAN_PAGES, [failed])
    everything = client_of(pipeline, Scope("default")).get("/v1/documents/stale", params={"limit": 1000}).json()
    assert {item["source"] for item in everything["documents"]} == {str(SPACE), str(REPOSITORY)}
    stale = client.get("/v1/documents/stale", params={"limit": 1000}).json()
    pipeline.catalog.record_failures(REPOSITORY, Stage.CLEAN_PAGES, [], ["README.md"])
    assert {item["source"] for item in stale["documents"]} == {str(SPACE)}
    assert stale["total"] == sum(item["source"] == str(SPACE) for item in everything["documents"])


def test_pages_of_other_sources_are_not_there(client: TestClient) -> None:
    assert client.get(f"/wiki/{SPACE.slug}/").status_code == 200
    assert client.get(f"/wiki/{REPOSITORY.slug}/").status_code == 404
    assert client.get(f"/v1/datasources/{REPOSITORY}").status_code == 404
    assert REPOSITORY.slug not in client.get("/").text


def test_jobs_and_events_of_other_sources_are_not_there(client: TestClient, pipeline: Pipeline) -> None:
    jobs = {key: pipeline.catalog.jobs.create(key, "Reload", [_hint(key)]).job_id for key in (SPACE, REPOSITORY)}
    pipeline.catalog.events.record([EventBatch("default", Origin.WEBHOOK, (_hint(REPOSITORY),))])
    assert {job["source"] for job in client.get("/v1/jobs").json()["jobs"]} == {str(SPACE)}
    assert client.get(f"/v1/jobs/{jobs[SPACE]}").status_code == 200
    for answer in (client.get(f"/v1/jobs/{jobs[REPOSITORY]}"), client.post(f"/v1/jobs/{jobs[REPOSITORY]}/terminate")):
        assert answer.status_code == 404
    events = client.get("/v1/events").json()
    assert {event["source"] for event in events["events"]} == {str(SPACE)}
    assert sum(events["counts"].values()) == len(events["events"])
    assert client.get("/metrics").status_code == 403
    for job in jobs.values():
        pipeline.catalog.jobs.terminate(job)


@pytest.mark.parametrize(("method", "allowed"), [("GET", True), ("HEAD", True), ("POST", False)])
def test_who_may_only_read_changes_nothing(method: str, allowed: bool) -> None:
    reader = Principal("reader", "default", How.TOKEN, Scope("default", actions=frozenset({Action.READ})))
    request = Request({"type": "http", "method": method, "headers": [], "state": {PRINCIPAL: reader}})
    if allowed:
        assert principal(request) is reader
    else:
        with pytest.raises(NotAllowedError, match="reader may not write here"):
            principal(request)


def test_without_a_principal_nothing_is_answered() -> None:
    with pytest.raises(NotAllowedError):
        principal(Request({"type": "http", "method": "GET", "headers": []}))


def _hint(key: SourceKey) -> ChangeHint:
    return ChangeHint(key.kind, key, "", "reload")
