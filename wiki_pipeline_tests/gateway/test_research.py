"""Research over HTTP: begun, followed, resumed, stopped, taken along; one's own; and gone on with after a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from wiki_pipeline.access import Action, How, Principal, Scope
from wiki_pipeline.gateway.app import create_app
from wiki_pipeline.gateway.mcp.reading import Asker
from wiki_pipeline.gateway.mcp.research import ResearchAsked, research
from wiki_pipeline.gateway.services import open_services, principal
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.answers.chat_server import ChatServer, Play, Stream, chunk
from wiki_pipeline_tests.answers.test_research import well
from wiki_pipeline_tests.children import started
from wiki_pipeline_tests.gateway.conftest import wait_until
from wiki_pipeline_tests.gateway.documents import SPACE
from wiki_pipeline_tests.gateway.test_ask import events_of

QUESTION = "Who does the pager call after twelve minutes, and what burns the propellant?"


def begun(client: httpx.Client | TestClient, question: str = QUESTION, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/research", json={"question": question, **more})
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture(scope="module")
def ended(client: httpx.Client) -> dict[str, Any]:
    """A research that has ended."""
    research_id = begun(client)["research_id"]
    client.get(f"/v1/research/{research_id}/events")
    found: dict[str, Any] = client.get(f"/v1/research/{research_id}").json()
    return found


def test_it_ends_in_a_report_that_says_where_from_how_old_and_by_whom(ended: dict[str, Any]) -> None:
    report = ended["report"]
    assert (ended["status"], report["outcome"], report["ended"]) == ("done", "answered", "complete")
    row = next(row for row in report["sources"] if row["title"] == "On-call guide")
    assert (row["author"], row["version"], row["modified_at"][:10]) == ("Ana Ruiz", "7", "2026-10-03")
    assert row["wiki_url"] == f"/wiki/{SPACE.slug}/110/on-call-guide"
    assert row["stale"] is None
    cited = {one["id"]: one for one in report["citations"]}
    assert cited[row["citations"][0]]["wiki_url"].startswith(row["wiki_url"])
    quoted = [one["text"] for part in (report["summary"], *report["sections"]) for one in part["passages"]]
    assert any("twelve minutes the pager calls" in text for text in quoted)


def test_its_events_are_numbered_and_resumed_after_the_last_one_seen(
    client: httpx.Client, ended: dict[str, Any]
) -> None:
    address = f"/v1/research/{ended['research_id']}/events"
    whole = events_of(client.get(address).text)
    assert [number for number, _, _ in whole] == list(range(1, len(whole) + 1))
    names = [name for _, name, _ in whole]
    assert names[0] == "begun"
    assert names[-1] == "done"
    assert {"plan", "looked", "gaps", "contradictions", "section"} <= set(names)
    assert events_of(client.get(address, headers={"last-event-id": "3"}).text) == whole[3:]
    assert events_of(client.get(address, params={"after": 5}).text) == whole[5:]
    assert whole[-1][2]["report"] == ended["report"]


def test_the_origin_s_name_and_a_stream_in_the_answer(client: httpx.Client) -> None:
    streamed = client.post("/api/deep_research", json={"question": QUESTION}, headers={"accept": "text/event-stream"})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert events_of(streamed.text)[-1][1] == "done"
    plain = client.post("/api/deep_research", json={"question": QUESTION})
    assert plain.status_code == 202
    assert plain.headers["location"] == f"/v1/research/{plain.json()['research_id']}"


def test_a_report_is_taken_along_as_markdown(client: httpx.Client, ended: dict[str, Any]) -> None:
    answer = client.get(f"/v1/research/{ended['research_id']}/report.md")
    assert answer.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "who-does-the-pager-call" in answer.headers["content-disposition"]
    assert answer.text.startswith(f"# {QUESTION}\n")
    assert "## Sources" in answer.text
    assert f"({str(client.base_url).rstrip('/')}/wiki/{SPACE.slug}/110/on-call-guide" in answer.text


def test_it_is_listed_and_deleted_and_is_no_conversation(client: httpx.Client) -> None:
    one = begun(client, "Who does the pager call? Delete this.")
    listed = client.get("/v1/research", params={"limit": 5}).json()["research"]
    assert listed[0]["research_id"] == one["research_id"]
    assert client.get(f"/v1/answers/{one['research_id']}").status_code == 404
    assert "Delete this" not in client.get("/ask").text
    assert client.delete(f"/v1/research/{one['research_id']}").status_code == 204
    assert client.get(f"/v1/research/{one['research_id']}").status_code == 404
    assert client.get(f"/v1/research/{one['research_id']}").json()["error"]["code"] == "research_not_found"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"question": ""}, 422),
        ({"question": "?!"}, 422),
        ({"question": "x" * 1_001}, 422),
        ({"question": "who", "sources": ["nowhere"]}, 404),
        ({"question": "who", "what": 1}, 422),
    ],
)
def test_a_bad_question_is_an_error_for_people(client: httpx.Client, body: dict[str, Any], status: int) -> None:
    answer = client.post("/v1/research", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_research_is_of_those_who_began_it_and_stands_on_what_they_may_read(
    pipeline: Pipeline, ended: dict[str, Any]
) -> None:
    app = create_app(load(GatewaySettings, home=pipeline.settings.home))
    scope = Scope("default", frozenset({SPACE}), frozenset({Action.READ}))
    app.dependency_overrides[principal] = lambda: Principal("reader", "default", How.TOKEN, scope)
    with TestClient(app, base_url="http://localhost") as reader:
        address = f"/v1/research/{ended['research_id']}"
        for path in (address, f"{address}/events", f"{address}/report.md", address.removeprefix("/v1")):
            assert reader.get(path).status_code == 404
        assert reader.post(f"{address}/cancel").status_code == 404
        assert reader.delete(address).status_code == 404
        assert reader.get("/v1/research").json() == {"research": []}
        mine = begun(reader)["research_id"]
        reader.get(f"/v1/research/{mine}/events")
        report = reader.get(f"/v1/research/{mine}").json()["report"]
        assert {one["source"] for one in report["citations"]} <= {str(SPACE)}
        assert [one["source"] for one in report["searched"]] == [str(SPACE)]


def test_the_page_works_without_javascript(client: httpx.Client) -> None:
    posted = client.post("/research", data={"q": QUESTION})
    assert posted.status_code == 303
    address = posted.headers["location"]
    client.get(f"/v1{address}/events")  # until it is there
    shown = client.get(address)
    for text in ("In short", "On-call guide", "How this was found", "Last changed", "Read", "report.md"):
        assert text in shown.text
    assert shown.headers["content-security-policy"].startswith("default-src 'self'")
    assert QUESTION in client.get("/research").text
    assert client.post(f"{address}/forget").status_code == 303
    assert client.get(address).status_code == 404
    crossed = client.post("/research", data={"q": QUESTION}, headers={"sec-fetch-site": "cross-site"})
    assert crossed.status_code == 403


def test_metrics_count_it(client: httpx.Client, ended: dict[str, Any]) -> None:
    assert ended["status"] == "done"
    told = client.get("/metrics").text
    assert re.search(r'wiki_pipeline_questions\{kind="research",status="done",tenant="default"\} [1-9]', told), told


def test_agents_begin_it_and_come_back_for_the_report(pipeline: Pipeline) -> None:
    services = open_services(load(GatewaySettings, home=pipeline.settings.home))
    try:
        asker = Asker(services, "https://wiki.example")
        first = research(asker, ResearchAsked(question=QUESTION, wait_seconds=0))
        assert first.url == f"https://wiki.example/research/{first.research_id}"
        told = first
        for _ in range(20):
            told = research(asker, ResearchAsked(research_id=first.research_id, wait_seconds=10))
            if told.status != "running":
                break
        assert told.status == "done"
        assert "## Sources" in told.report
        assert told.done
    finally:
        services.close()
    with pytest.raises(ValueError, match="either a question or a research_id"):
        ResearchAsked(question="x", research_id="y")


# --- a gateway that is killed ---


@contextmanager
def gateway(home: Path, model: ChatServer) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "WIKI_PIPELINE_HOME": str(home),
        "WIKI_PIPELINE_GATEWAY_PORT": str(port),
        "WIKI_PIPELINE_CHAT_MODEL": "tiny",
        "WIKI_PIPELINE_CHAT_BASE_URL": model.url,
    }
    with (
        started([sys.executable, "-m", "wiki_pipeline.gateway"], env=environment) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):

        def is_up() -> bool:
            assert process.poll() is None
            try:
                return client.get("/livez").is_success
            except httpx.HTTPError:
                return False

        wait_until(is_up, 300)
        yield process, client


@pytest.mark.timeout(1_200)
def test_a_killed_gateway_s_research_is_gone_on_with_by_the_next(pipeline: Pipeline) -> None:
    with ChatServer() as model:

        def held(prompt: str) -> Play:
            return well(prompt, section=Stream((chunk("The pager calls "),), held=True))

        model.model = held
        with gateway(pipeline.settings.home, model) as (process, client):
            research_id = begun(client, f"{QUESTION} Killed?")["research_id"]
            streams = pipeline.catalog.streams
            wait_until(lambda: any(event.event == "text" for event in streams.read(research_id)), 300)
            process.send_signal(signal.SIGKILL)
            process.wait()
        before = streams.read(research_id)
        assert client.is_closed
        model.model = well
        with gateway(pipeline.settings.home, model) as (_, client):
            after = str(before[-1].number)
            rest = events_of(client.get(f"/v1/research/{research_id}/events", headers={"last-event-id": after}).text)
            ended = client.get(f"/v1/research/{research_id}").json()
    assert rest[0][:2] == (before[-1].number + 1, "resumed")
    names = [event.event for event in before] + [name for _, name, _ in rest]
    assert names.count("plan") == names.count("done") == 1
    assert ended["status"] == "done"
    # Another gateway of these tests, which has no model, may have been the one that took it up.
    assert ended["report"]["outcome"] == "answered"
    looked = [event.data for event in streams.read(research_id) if event.event == "looked"]
    assert [one["step"]["number"] for one in looked] == list(range(1, len(looked) + 1))
    assert json.dumps(ended["report"]["notes"]).count("internal_error") == 0
    assert model.wrong == []
