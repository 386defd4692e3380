"""Search over HTTP: as JSON for programs, as a page for people."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from wiki_pipeline.model import vectors_schema
from wiki_pipeline_tests.gateway.documents import COMMIT, REPOSITORY, SPACE

FILES = f"/wiki/{REPOSITORY.slug}/"


def hits(client: httpx.Client, **parameters: Any) -> list[dict[str, Any]]:
    answer = client.get("/v1/search", params=parameters)
    assert answer.status_code == 200, answer.text
    found = answer.json()["hits"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("mode", ["hybrid", "vector", "text"])
def test_a_question_finds_the_passage_that_answers_it(client: httpx.Client, mode: str) -> None:
    question = "after how many minutes does the pager call the keeper of the lighthouse"
    best = hits(client, q=question, mode=mode, k=3)[0]
    assert best["document_id"] == "110"
    assert "lighthouse" in best["text"]
    assert best["wiki_url"] == f"/wiki/{SPACE.slug}/110/on-call-guide#escalation"


def test_a_hit_has_every_column_that_the_interface_promises(client: httpx.Client) -> None:
    promised = set(vectors_schema(256).names) - {"vector", "search_cjk", "text_hash", "fingerprint", "content_hash"}
    promised -= {"parent_id", "position", "ancestors"}  # of the tree, not of a chunk
    page, code = hits(client, q="lighthouse", k=1)[0], hits(client, q="ignite", source=str(REPOSITORY), k=1)[0]
    assert promised <= set(page)
    assert (page["page_id"], page["source_type"], page["labels"]) == ("110", "confluence", ["on-call", "night"])
    assert (page["last_modified"], page["last_modified_iso"][:10]) == (1791016200, "2026-10-03")
    assert (code["page_id"], code["version"]) == (None, COMMIT)
    assert code["url"] == f"https://github.com/acme/rocket/blob/{COMMIT}/src/engine.py"
    assert re.fullmatch(rf"{FILES}src/engine.py#L\d+-L\d+", code["wiki_url"])


@pytest.mark.parametrize("name", [str(SPACE), SPACE.slug, "src_confluence___acme_atlassian_net__ENG"])
def test_a_source_is_named_by_key_by_slug_or_by_datasource_id(client: httpx.Client, name: str) -> None:
    assert {hit["source"] for hit in hits(client, q="engine guide", source=name, k=50)} == {str(SPACE)}


def test_filters_hold_together(client: httpx.Client) -> None:
    everything = hits(client, q="guide", k=100)
    assert {hit["source"] for hit in everything} == {str(SPACE), str(REPOSITORY)}
    assert {hit["document_id"] for hit in hits(client, q="guide", label="night", k=50)} == {"110"}
    assert {hit["path"] for hit in hits(client, q="guide", path_prefix="docs/", k=50)} == {"docs/guide.md"}
    assert {hit["author"] for hit in hits(client, q="guide", author="Ben Ito", k=50)} == {"Ben Ito"}
    assert hits(client, q="guide", modified_before="2020-01-01T00:00:00Z") == []
    assert {hit["source"] for hit in hits(client, q="guide", modified_from="2026-10-31T00:00:00Z", k=50)} == {
        str(REPOSITORY)
    }
    assert len(hits(client, q="guide", k=2)) == 2
    once = [hit["document_id"] for hit in hits(client, q="guide", per_document=1, k=50)]
    assert len(once) == len(set(once))


@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        ({}, "query.q"),
        ({"q": ""}, "query.q"),
        ({"q": "x" * 1001}, "query.q"),
        ({"q": "x", "k": 0}, "query.k"),
        ({"q": "x", "k": 101}, "query.k"),
        ({"q": "x", "k": "many"}, "query.k"),
        ({"q": "x", "mode": "magic"}, "query.mode"),
        ({"q": "x", "source": ["a"] * 51}, "query.source"),
        ({"q": "x", "modified_from": "yesterday"}, "query.modified_from"),
    ],
)
def test_a_wrong_parameter_is_named(client: httpx.Client, parameters: dict[str, Any], place: str) -> None:
    answer = client.get("/v1/search", params=parameters)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "bad_request"
    assert [detail["place"] for detail in error["details"]] == [place]


def test_an_unknown_source_and_an_empty_query_say_so(client: httpx.Client) -> None:
    unknown = client.get("/v1/search", params={"q": "x", "source": "nowhere"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "source_not_found")
    blank = client.get("/v1/search", params={"q": " \n "})
    assert (blank.status_code, blank.json()["error"]["code"]) == (422, "bad_query")


def test_strange_queries_are_only_words(client: httpx.Client) -> None:
    for query in ('"guide', "guide AND (", "'; DROP TABLE --", "title:guide^9~", "\x00\ud83d", "גייד", "案内", "*"):
        answer = client.get("/v1/search", params={"q": query.encode("utf-8", "replace").decode()})
        assert answer.status_code == 200, (query, answer.text)


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_search_page_shows_where_and_why_a_page_was_found(client: httpx.Client) -> None:
    html = client.get("/search", params={"q": "keeper of the lighthouse"}).text
    assert "<title>keeper of the lighthouse · Search</title>" in html
    assert f'href="/wiki/{SPACE.slug}/110/on-call-guide#escalation"' in html
    assert "<mark>lighthouse</mark>" in html
    assert "Paging › Escalation" in html


def test_the_search_page_keeps_what_was_chosen(client: httpx.Client) -> None:
    html = client.get("/search", params={"q": "guide", "source": REPOSITORY.slug, "mode": "text"}).text
    assert f'<option value="{REPOSITORY.slug}" selected>' in html
    assert '<option value="text" selected>' in html
    assert f"/wiki/{SPACE.slug}/110" not in html


def test_a_search_without_words_without_results_or_in_no_source_says_so(client: httpx.Client) -> None:
    assert "Type a few words" in client.get("/search").text
    nothing = client.get("/search", params={"q": "zzzqqq", "mode": "text"})
    assert (nothing.status_code, "Nothing was found for" in nothing.text) == (200, True)
    nowhere = client.get("/search", params={"q": "x", "source": "nowhere"})
    assert (nowhere.status_code, "There is no source" in nowhere.text) == (404, True)


def test_a_query_is_shown_and_never_run(client: httpx.Client) -> None:
    html = client.get("/search", params={"q": '"><script>alert(1)</script>'}).text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
