"""The OpenAPI document is complete, and `/docs` shows it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    found = answer.json()
    assert isinstance(found, dict)
    return found


PROGRAMS = (
    *("/v1/", "/webhook/", "/livez", "/readyz", "/metrics", "/.well-known/"),
    *("/feeds/", "/llms", "/opensearch.xml", "/search/suggest"),
)


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(path, facts) for path, methods in document["paths"].items() for facts in methods.values()]


def test_every_operation_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    paths = set(document["paths"])
    assert {
        "/v1/search",
        "/v1/datasources",
        "/v1/datasources/{datasource_id}",
        "/livez",
        "/readyz",
        "/metrics",
    } <= paths
    assert {"/webhook/confluence-updated", "/webhook/confluence-updated/{event}", "/webhook/git-push"} <= paths
    assert {"/v1/ingest/confluence/page", "/v1/ingest/git/repository", "/v1/ingest/{kind}/reload"} <= paths
    assert {"/v1/jobs", "/v1/jobs/{job_id}", "/v1/jobs/{job_id}/terminate", "/v1/documents/stale"} <= paths
    assert {"/v1/changes", "/feeds/changes.atom", "/feeds/{slug}.atom", "/llms.txt", "/opensearch.xml"} <= paths
    assert {"/", "/wiki/{slug}/", "/wiki/{slug}/{path}", "/search"} <= paths
    for path, facts in operations(document):
        assert facts["summary"], path
        assert facts["description"], path
        assert facts["tags"], path
        for parameter in facts.get("parameters", ()):
            assert parameter.get("description"), (path, parameter["name"])
        for status in ("422", "500"):
            content = facts["responses"][status]["content"]
            if path.startswith(PROGRAMS):
                assert content["application/json"]["schema"]["$ref"].endswith("/ErrorAnswer"), path
            else:
                assert "text/html" in content, path


def test_operation_ids_are_unique_and_no_framework_error_shape_is_left(document: dict[str, Any]) -> None:
    ids = [facts["operationId"] for _, facts in operations(document)]
    assert len(ids) == len(set(ids))
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_examples_are_answers_that_the_schema_allows(document: dict[str, Any]) -> None:
    hit = document["components"]["schemas"]["SearchHit"]
    assert set(hit["examples"][0]) == set(hit["properties"]) == set(hit["required"])


def test_the_reference_shows_every_operation(client: httpx.Client, document: dict[str, Any]) -> None:
    html = client.get("/docs").text
    assert "https://yourcompany.atlassian.net/wiki/spaces/ENG/pages/98487/On-call+guide" in html  # a body's example
    assert "<code>get_child_pages</code> <small>body</small>" in html
    for path, facts in operations(document):
        assert f"<code>{path}</code>" in html
        assert f'id="{facts["operationId"]}"' in html
    for address in re.findall(r'<a class="try" href="([^"]+)"', html):
        assert client.get(address.replace("&amp;", "&")).status_code in {200, 404}, address
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', html)
