"""The sources over HTTP: how much of them is here, how fresh, and what fails."""

from __future__ import annotations

import httpx

from wiki_pipeline.catalog import SyncMode
from wiki_pipeline.errors import AccessDeniedError
from wiki_pipeline.gateway.library import freshness
from wiki_pipeline.model import SourceKey
from wiki_pipeline.stages.pipeline import Pipeline
from wiki_pipeline.wiki.views import Currency
from wiki_pipeline_tests.gateway.documents import PAGES, REPOSITORY, SPACE

ID = "src_confluence___acme_atlassian_net__ENG"


def test_all_sources_are_listed_with_counts_and_freshness(client: httpx.Client) -> None:
    listed = client.get("/v1/datasources").json()["datasources"]
    assert [source["source"] for source in listed] == [str(SPACE), str(REPOSITORY)]
    space = listed[0]
    assert (space["datasource_id"], space["kind"], space["title"]) == (ID, "confluence", "Engineering")
    assert (space["wiki_url"], space["failed"], space["freshness"]) == (f"/wiki/{SPACE.slug}/", 1, "fresh")
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


def test_a_source_whose_last_sync_failed_keeps_the_time_of_the_last_good_one(pipeline: Pipeline) -> None:
    key = SourceKey("default", "confluence", "FRAGILE")
    catalog = pipeline.catalog
    catalog.add_source(key, "{}")
    assert freshness(catalog.syncs(key)).currency is Currency.NEVER
    first = catalog.start_sync(key, SyncMode.FULL)
    assert freshness(catalog.syncs(key)).running
    catalog.finish_sync(first)
    good = freshness(catalog.syncs(key))
    assert (good.currency, good.running) == (Currency.FRESH, False)
    catalog.finish_sync(catalog.start_sync(key, SyncMode.FULL), (), AccessDeniedError("FRAGILE may not be read."))
    failed = freshness(catalog.syncs(key))
    assert (failed.currency, failed.synced_at, failed.message) == (
        Currency.FAILED,
        good.synced_at,
        "FRAGILE may not be read.",
    )
    catalog.start_sync(key, SyncMode.FULL)
    catalog.start_sync(key, SyncMode.FULL)  # the one before it never ended
    assert "interrupted" in freshness(catalog.syncs(key)).message
    catalog.remove_source(key)
