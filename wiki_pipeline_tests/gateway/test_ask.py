"""Asking over HTTP: answers with citations, streams that can be resumed, conversations of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from wiki_pipeline.access import Action, How, Principal, Scope
from wiki_pipeline.gateway.app import create_app
from wiki_pipeline.gateway.services import principal
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import DocumentFailure, Stage
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.gateway.documents import COMMIT, REPOSITORY, SPACE

QUESTION = "Who does the pager call after twelve minutes?"


def asked(client: httpx.Client, question: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/ask", json={"question": question, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def events_of(text: str) -> list[tuple[int, str, Any]]:
    """Server-sent events as numbers, names and data."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def test_an_answer_quotes_the_page_and_says_where_who_and_how_old(client: httpx.Client) -> None:
    found = asked(client, QUESTION)
    answer = found["answer"]
    assert (found["status"], answer["outcome"], answer["method"]) == ("done", "answered", "passages")
    best = answer["passages"][0]
    assert best["text"].startswith("After twelve minutes the pager calls the second person")
    citation = next(one for one in answer["citations"] if one["id"] == best["citation"])
    assert citation["title"] == "On-call guide"
    assert citation["headings"] == ["Paging", "Escalation"]
    assert citation["wiki_url"] == f"/wiki/{SPACE.slug}/110/on-call-guide#escalation"
    assert citation["url"].startswith("https://acme.atlassian.net/")
    assert (citation["author"], citation["version"], citation["modified_at"][:10]) == ("Ana Ruiz", "7", "2026-10-03")
    assert citation["stale"] is None
    assert {source["source"] for source in answer["searched"]} == {str(SPACE), str(REPOSITORY)}


def test_code_is_cited_by_its_lines_at_its_commit(client: httpx.Client) -> None:
    answer = asked(client, "What burns the propellant?", sources=[REPOSITORY.slug])["answer"]
    best = answer["passages"][0]
    citation = next(one for one in answer["citations"] if one["id"] == best["citation"])
    assert (citation["path"], citation["start_line"], citation["end_line"]) == ("src/engine.py", 1, 5)
    assert citation["url"] == f"https://github.com/acme/rocket/blob/{COMMIT}/src/engine.py#L1-L5"
    assert citation["wiki_url"].endswith("src/engine.py#L1-L5")
    assert {one["source"] for one in answer["citations"]} == {str(REPOSITORY)}


def test_what_nothing_answers_is_said(client: httpx.Client) -> None:
    answer = asked(client, "What is the wifi password of the Lisbon office?")["answer"]
    assert answer["outcome"] == "nothing"
    assert answer["text"] == ""


def test_a_stale_page_is_cited_as_stale(client: httpx.Client, pipeline: Pipeline) -> None:
    failure = DocumentFailure("110", "On-call guide", Stage.CLEAN_PAGES, "The server answered 502 four times.")
    pipeline.catalog.record_failures(SPACE, Stage.CLEAN_PAGES, [failure])
    try:
        answer = asked(client, QUESTION)["answer"]
        page = client.post("/ask", data={"q": QUESTION}, follow_redirects=True)
    finally:
        pipeline.catalog.record_failures(SPACE, Stage.CLEAN_PAGES, [], ["110"])
    citation = next(one for one in answer["citations"] if one["id"] == answer["passages"][0]["citation"])
    assert citation["stale"]["reason"] == "failed"
    assert page.status_code == 200


def test_a_stream_tells_each_step_and_is_resumed_where_it_was_left(client: httpx.Client) -> None:
    streamed = client.post("/v1/ask", json={"question": QUESTION}, headers={"accept": "text/event-stream"})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert streamed.headers["x-accel-buffering"] == "no"
    events = events_of(streamed.text)
    assert [number for number, _, _ in events] == list(range(1, len(events) + 1))
    assert [name for _, name, _ in events] == ["step", "found", "done"]
    answer = client.get("/v1/conversations/none")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "answer_not_found"


def test_a_finished_answer_is_replayed_after_the_last_event_seen(client: httpx.Client) -> None:
    found = asked(client, QUESTION)
    address = f"/v1/answers/{found['answer_id']}/events"
    whole = events_of(client.get(address).text)
    assert events_of(client.get(address, headers={"last-event-id": "1"}).text) == whole[1:]
    assert events_of(client.get(address, params={"after": 2}).text) == whole[2:]
    assert whole[-1][2]["answer"] == found["answer"]
    assert client.get(f"/v1/answers/{found['answer_id']}").json() == found


def test_a_follow_up_leans_on_the_conversation(client: httpx.Client) -> None:
    first = asked(client, "Who is called when a station goes silent at night?")
    second = asked(client, "And after twelve minutes?", conversation_id=first["conversation_id"])
    assert second["position"] == 2
    assert second["answer"]["passages"][0]["text"].startswith("After twelve minutes")
    talk = client.get(f"/v1/conversations/{first['conversation_id']}").json()
    assert [each["question"] for each in talk["answers"]] == [first["question"], second["question"]]
    assert talk["answers"][0] == first


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"question": ""}, 422),
        ({"question": "?!"}, 422),
        ({"question": "x" * 1_001}, 422),
        ({"question": "who", "sources": ["nowhere"]}, 404),
        ({"question": "who", "conversation_id": "nowhere"}, 404),
        ({"question": "who", "what": 1}, 422),
    ],
)
def test_a_bad_question_is_an_error_for_people(client: httpx.Client, body: dict[str, Any], status: int) -> None:
    answer = client.post("/v1/ask", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


@pytest.fixture
def as_reader(pipeline: Pipeline) -> Iterator[TestClient]:
    """Somebody else, who may read the space and change nothing."""
    app = create_app(load(GatewaySettings, home=pipeline.settings.home))
    scope = Scope("default", frozenset({SPACE}), frozenset({Action.READ}))
    app.dependency_overrides[principal] = lambda: Principal("reader", "default", How.TOKEN, scope)
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def test_conversations_are_of_those_who_began_them(client: httpx.Client, as_reader: TestClient) -> None:
    mine = asked(client, "How is the engine ignited?")
    for address in (
        f"/v1/answers/{mine['answer_id']}",
        f"/v1/answers/{mine['answer_id']}/events",
        f"/v1/conversations/{mine['conversation_id']}",
    ):
        assert as_reader.get(address).status_code == 404
    assert as_reader.post(f"/v1/answers/{mine['answer_id']}/cancel").status_code == 404
    followed = as_reader.post("/v1/ask", json={"question": "who", "conversation_id": mine["conversation_id"]})
    assert followed.status_code == 404
    assert mine["question"] not in as_reader.get("/ask").text


def test_an_answer_stands_on_what_the_asker_may_read(as_reader: TestClient) -> None:
    answer = as_reader.post("/v1/ask", json={"question": "How is the engine of the rocket ignited?"}).json()["answer"]
    assert {one["source"] for one in answer["citations"]} <= {str(SPACE)}
    assert [source["source"] for source in answer["searched"]] == [str(SPACE)]


def test_the_page_works_without_javascript(client: httpx.Client) -> None:
    posted = client.post("/ask", data={"q": QUESTION, "source": SPACE.slug})
    assert posted.status_code == 303
    address = posted.headers["location"].partition("#")[0]
    answer_id = client.get(f"/v1{address.replace('/ask/', '/conversations/')}").json()["answers"][0]["answer_id"]
    client.get(f"/v1/answers/{answer_id}/events")  # until it is there
    page = client.get(address)
    assert "Quoted word for word" in page.text
    assert "On-call guide" in page.text
    assert "<mark>twelve</mark>" in page.text
    assert client.post(f"{address}/forget").status_code == 303
    assert client.get(address).status_code == 404


def test_other_sites_can_t_ask_here(client: httpx.Client) -> None:
    for address in ("/ask", "/v1/ask"):
        crossed = client.post(address, data={"q": QUESTION}, headers={"sec-fetch-site": "cross-site"})
        assert crossed.status_code == 403


def test_a_browser_may_ask_with_its_password(pipeline: Pipeline) -> None:
    app = create_app(load(GatewaySettings, home=pipeline.settings.home, api_tokens="0123456789abcdef"))
    with TestClient(app, base_url="http://localhost") as client:
        assert client.post("/v1/ask", json={"question": QUESTION}).status_code == 401
        asked = client.post("/v1/ask", json={"question": QUESTION}, auth=("me", "0123456789abcdef"))
        assert asked.status_code == 200
        written = client.post("/v1/ingest/confluence/reload-all", auth=("me", "0123456789abcdef"))
        assert written.status_code == 401
