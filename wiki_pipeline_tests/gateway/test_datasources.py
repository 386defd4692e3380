"""The sources over HTTP: how much of them is here, how fresh, and what fails."""

from __future__ import annotations

import json

import httpx
import pytest

from wiki_pipeline.catalog import SyncMode
from wiki_pipeline.errors import AccessDeniedError
from wiki_pipeline.freshness import StalenessCache
from wiki_pipeline.gateway.wiki_reader import WikiReader, source_freshness
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import open_sync
from wiki_pipeline.wiki.views import Currency, Freshness
from wiki_pipeline_tests.gateway.documents import PAGES, REPOSITORY, SPACE

ID = "src_confluence___acme_atlassian_net__ENG"


def test_all_sources_are_listed_with_counts_and_freshness(client: httpx.Client) -> None:
    listed = client.get("/v1/datasources").json()["datasources"]
    assert [source["source"] for source in listed] == [str(SPACE), str(REPOSITORY)]
    space = listed[0]
    assert (space["datasource_id"], space["kind"], space["title"]) == (ID, "confluence", "Engineering")
    assert (space["wiki_url"], space["failed"], space["freshness"]) == (f"/wiki/{SPACE.slug}/", 1, "stale")
    assert (space["documents"], space["pages"]) == (len(PAGES), len(PAGES))
    assert space["chunks"] >= len(PAGES)
    assert space["synced_at"] is not None


def test_one_source_is_described_with_its_syncs_and_failures(client: httpx.Client) -> None:
    for name in (ID, str(SPACE), SPACE.slug):
        described = client.get(f"/v1/datasources/{name}").json()
        assert described["datasource_id"] == ID
    sync = described["syncs"][-1]
    assert (sync["status"], sync["mode"]) == ("completed", "full")
    assert {stage["stage"]: stage["added"] for stage in sync["stages"]}["wiki_pages"] == len(PAGES)
    failure = described["failures"][0]
    assert (failure["document_id"], failure["stage"], failure["attempts"]) == ("120", "clean_pages", 1)


def test_an_unknown_source_is_not_found(client: httpx.Client) -> None:
    answer = client.get("/v1/datasources/nowhere")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "source_not_found")


def test_a_source_says_how_its_last_syncs_went(pipeline: Pipeline) -> None:
    key = SourceKey("default", "confluence", "FRAGILE")
    catalog = pipeline.catalog
    record = catalog.add_source(key, json.dumps({"url": "https://wiki.example.org", "space": "FRAGILE", "pages": []}))
    reader = WikiReader(catalog, pipeline.store, StalenessCache(pipeline))

    def shown() -> Freshness:
        return source_freshness(reader.staleness(record))

    assert shown() == Freshness(currency=Currency.NEVER)
    with open_sync(pipeline, key, SyncMode.FULL, lambda _: None):
        assert shown() == Freshness(currency=Currency.NEVER, running=True)
        assert reader.staleness(record).stale == ()
    good = shown()
    assert (good.currency, good.running, good.message) == (Currency.FRESH, False, "")
    with (
        pytest.raises(AccessDeniedError),
        open_sync(pipeline, key, SyncMode.FULL, lambda _: None),
    ):
        raise AccessDeniedError("FRAGILE may not be read.")
    failed = shown()
    assert (failed.currency, failed.synced_at) == (Currency.FAILED, good.synced_at)
    assert failed.message == "FRAGILE may not be read."
    catalog.start_sync(key, SyncMode.FULL)  # by a process that died: it holds no lease
    died = shown()
    assert (died.currency, died.running, died.synced_at) == (Currency.FAILED, False, good.synced_at)
    assert "interrupted" in died.message
    catalog.remove_source(key)
