"""A document that is behind its source is shown so wherever it is shown: on pages and cards, with hits, by the API."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from wiki_pipeline.catalog import EventBatch, Origin, Retry, SyncMode
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import ChangeHint, DocumentFailure, DocumentRef, SourceKey, Stage
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import open_sync
from wiki_pipeline_tests.gateway.conftest import SPECIFICATION, bring, serving
from wiki_pipeline_tests.gateway.documents import PAGES, SPACE

GUIDE = "110"
HOME = f"/wiki/{SPACE.slug}/"
Change = Callable[[Pipeline], None]


@pytest.fixture
def settings(tmp_path: Path) -> GatewaySettings:
    return load(GatewaySettings, home=tmp_path, gateway_port=0)


@pytest.fixture
def pipeline(settings: GatewaySettings) -> Iterator[Pipeline]:
    """The handbook, synced, with nothing stale."""
    with Pipeline.open(settings) as opened:
        opened.catalog.add_source(SPACE, SPECIFICATION, "Engineering")
        bring(opened, SPACE, PAGES)
        opened.catalog.upstream.observe_all(SPACE, [DocumentRef(page.document_id, page.version_key) for page in PAGES])
        yield opened


@pytest.fixture
def client(pipeline: Pipeline, settings: GatewaySettings) -> Iterator[httpx.Client]:
    with serving(settings) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


def said(document_id: str = GUIDE) -> Change:
    def change(pipeline: Pipeline) -> None:
        hint = ChangeHint("confluence", SPACE, document_id, "page_updated", "8")
        pipeline.catalog.events.record([EventBatch("default", Origin.WEBHOOK, [hint])])

    return change


def given_up(pipeline: Pipeline) -> None:
    said()(pipeline)
    (claim,) = pipeline.catalog.claims.claim("default", 60)
    pipeline.catalog.claims.settle(claim.claim_id, {GUIDE: "The server answered 502."}, Retry(attempts=1))


def failed(pipeline: Pipeline) -> None:
    failure = DocumentFailure(GUIDE, "On-call guide", Stage.CLEAN_PAGES, "It has no end.")
    pipeline.catalog.record_failures(SPACE, Stage.CLEAN_PAGES, [failure])


def listed(pipeline: Pipeline) -> None:
    pipeline.catalog.upstream.observe(SPACE, [DocumentRef(GUIDE, "8")])


CHANGES = {
    "an event that waits": (said(), "upstream_newer", "page_updated (webhook) was not applied yet", "Out of date"),
    "an event that was given up": (given_up, "upstream_newer", "The server answered 502.", "Out of date"),
    "a failure": (failed, "failed", "It has no end.", "May be out of date"),
    "a newer version upstream": (listed, "upstream_newer", "It was listed in another version.", "Out of date"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_stale_document_is_shown_as_stale_everywhere(client: httpx.Client, pipeline: Pipeline, name: str) -> None:
    change, reason, detail, strip = CHANGES[name]
    page, other = f"{HOME}110/on-call-guide", f"{HOME}100/engineering"
    assert "Up to date" in client.get(page).text
    assert client.get("/").text.count("Up to date") == 1
    change(pipeline)
    shown = client.get(page).text
    assert strip in shown
    assert detail in shown
    assert "Up to date" not in shown
    assert "Up to date" in client.get(other).text
    card = client.get("/").text
    assert "Out of date" in card
    assert detail in card
    hits = client.get("/v1/search", params={"q": "station goes silent at night", "mode": "text"}).json()["hits"]
    by_document = {hit["document_id"]: hit["stale"] for hit in hits}
    assert by_document[GUIDE]["reason"] == reason
    assert detail in by_document[GUIDE]["detail"]
    assert all(stale is None for document, stale in by_document.items() if document != GUIDE)
    assert "Out of date" in client.get("/search", params={"q": "station goes silent at night"}).text
    (stale,) = client.get("/v1/documents/stale").json()["documents"]
    assert (stale["document_id"], stale["reason"]) == (GUIDE, reason)
    assert detail in stale["detail"]
    (source,) = client.get("/v1/datasources").json()["datasources"]
    assert (source["freshness"], source["stale"]) == ("stale", 1)


def test_what_changed_in_a_source_as_a_whole_leaves_every_page_in_doubt(
    client: httpx.Client, pipeline: Pipeline
) -> None:
    said("")(pipeline)
    assert "Out of date" in client.get(f"{HOME}100/engineering").text
    assert "Out of date" in client.get(f"{HOME}110/on-call-guide").text


def test_a_source_that_cannot_be_opened_is_shown_with_its_problem_and_no_other_is(
    client: httpx.Client, pipeline: Pipeline
) -> None:
    pipeline.catalog.add_source(SourceKey("default", "confluence", "OLD"), '{"url": 7}', "Old")
    old, eng = (client.get(f"/v1/datasources/confluence-{name}").json() for name in ("OLD", "ENG"))
    assert (old["freshness"], eng["freshness"], eng["problem"]) == ("failed", "fresh", "")
    assert "can't be used" in old["problem"]
    assert [source["title"] for source in client.get("/v1/datasources").json()["datasources"]] == ["Engineering", "Old"]
    cards = client.get("/").text
    assert cards.count("Up to date") == 1
    assert "can&#39;t be used" in cards
    (stale,) = client.get("/v1/documents/stale").json()["documents"]
    assert stale["source"] == "default:confluence:OLD"
    assert "can't be used" in stale["detail"]
    assert "Up to date" in client.get(f"{HOME}110/on-call-guide").text
    assert client.get("/v1/search", params={"q": "station goes silent at night", "mode": "text"}).json()["hits"]


def test_a_first_sync_under_way_makes_no_document_stale(client: httpx.Client, pipeline: Pipeline) -> None:
    key = SourceKey("default", "confluence", "NEW")
    pipeline.catalog.add_source(key, json.dumps(json.loads(SPECIFICATION) | {"space": "NEW"}), "New")
    (never,) = client.get("/v1/documents/stale", params={"source": str(key)}).json()["documents"]
    assert (never["document_id"], never["reason"]) == ("", "never_synced")
    with open_sync(pipeline, key, SyncMode.FULL, lambda _: None):
        pipeline.catalog.upstream.observe_all(key, [DocumentRef(str(number), "1") for number in range(300)])
        assert client.get("/v1/documents/stale", params={"source": str(key)}).json()["total"] == 0
        described = client.get(f"/v1/datasources/{key}").json()
        assert (described["freshness"], described["syncing"], described["stale"]) == ("never", True, 0)
        assert re.search("Syncing now", client.get("/").text)
    assert client.get("/v1/documents/stale", params={"source": str(key)}).json()["total"] == 300


def test_work_that_nothing_takes_up_is_shown_with_since_when(
    client: httpx.Client, pipeline: Pipeline, settings: GatewaySettings
) -> None:
    assert client.get("/readyz").json()["stalled"] == ""
    assert "no sync takes up" not in client.get("/").text
    said()(pipeline)
    assert client.get("/readyz").json()["stalled_since"] is None  # it has not waited for long
    with closing(sqlite3.connect(settings.home / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("UPDATE events SET due_at = '2026-01-02 03:04:05.000000'")
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["stalled_since"]) == (200, "2026-01-02T03:04:05Z")
    assert ready.json()["stalled"].startswith("1 reported change waits since 2026-01-02 03:04 UTC")
    assert "that no sync takes up" in client.get("/").text
    told = client.get("/metrics").text
    figure = re.search(r'^wiki_pipeline_work_waiting_seconds\{tenant="default"\} (\S+)$', told, re.MULTILINE)
    assert figure is not None
    assert float(figure[1]) > 3600
    pipeline.catalog.claims.claim("default", 60)
    assert client.get("/readyz").json()["stalled"] == ""
    assert "no sync takes up" not in client.get("/").text
