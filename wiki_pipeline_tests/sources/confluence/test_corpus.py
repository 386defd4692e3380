"""Answers recorded from real sites are read without loss."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import wiki_pipeline
from wiki_pipeline.links.confluence import read_tiny
from wiki_pipeline.model import RawPage
from wiki_pipeline_tests.sources.confluence.conftest import Open
from wiki_pipeline_tests.sources.confluence.scripted import Reply, scripted

CORPUS = Path(wiki_pipeline.__file__).parents[2] / "shared" / "corpus"
LISTS = CORPUS / "docToolchain+docToolchain/core/src/test/resources/asciidoc2confluence/json"
PAGE = CORPUS / "airbytehq+airbyte/page_record_98487.trimmed.json"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the recorded answers are not on this machine")


def recorded(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def test_a_recorded_v1_listing_is_read_to_its_end(open_source: Open) -> None:
    pages = recorded(LISTS / "apiV1/space.json")

    def answer(path: str, _: int) -> Reply:
        if "/space/" in path:
            return Reply(200, {"key": "xxx", "name": "X", "_links": {}})
        start = 0 if "start=0" in path else int(path.partition("start=")[2].partition("&")[0] or 0)
        shown = pages["results"][start:]
        links = pages["_links"] if start == 0 else {}
        return Reply(200, pages | {"results": shown, "start": start, "size": len(shown), "_links": links})

    with scripted(answer) as server:
        source = open_source(server.url, "xxx", api="v1", restricted=True)
        keys = source.list()
    assert keys.keys() == {page["id"] for page in pages["results"]}
    assert len(set(keys.values())) == len(keys)


def test_a_recorded_v2_listing_is_read_with_its_tree(open_source: Open) -> None:
    pages = recorded(LISTS / "apiV2/space.json")
    known = {page["id"] for page in pages["results"]}
    outside = {page["parentId"] for page in pages["results"]} - known - {None}

    def answer(path: str, _: int) -> Reply:
        if path.startswith("/api/v2/spaces?"):
            return Reply(200, {"results": [{"id": "123456", "key": "docToolcha", "name": "Docs"}], "_links": {}})
        if path.startswith("/api/v2/spaces/123456/pages"):
            return Reply(200, pages)
        return Reply(200, {"results": [], "_links": {}})

    with scripted(answer) as server:
        source = open_source(server.url, "docToolcha", api="v2", restricted=True)
        assert source.list().keys() == known
        asked = "".join(path for path, _ in server.requests if path.startswith("/api/v2/pages?"))
    assert all(page_id in asked for page_id in outside)


def test_a_recorded_page_becomes_a_row(open_source: Open) -> None:
    page = recorded(PAGE)

    def answer(path: str, _: int) -> Reply:
        if "/space/" in path:
            return Reply(200, {"key": "~5fc9e78d2730d800760becc4", "name": "Personal", "_links": {}})
        return Reply(200, page)

    with scripted(answer) as server:
        source = open_source(server.url, "~5fc9e78d2730d800760becc4", api="v1", restricted=True)
        row = source.page("98487")
        assert row.url == f"{server.url}/spaces/~5fc9e78d2730d800760becc4/overview"
    assert isinstance(row, RawPage)
    assert (row.title, row.version, row.position, row.author) == ("Overview", "1", 959, "integration test")
    assert row.created_at == row.modified_at == datetime(2023, 2, 17, 9, 8, 30, 734_000, tzinfo=UTC)
    assert row.body == page["body"]["storage"]["value"]


def test_recorded_short_links_lead_to_their_pages() -> None:
    for name in ("ancestorId", "ancestorId_child", "space"):
        for page in recorded(LISTS / f"apiV1/{name}.json")["results"]:
            assert read_tiny(page["_links"]["tinyui"].removeprefix("/x/")) == page["id"]
