from __future__ import annotations

import json

import pytest

from wiki_pipeline.catalog import EventBatch, Origin
from wiki_pipeline.demo.confluence import Space
from wiki_pipeline.model import ChangeHint
from wiki_pipeline_tests.cli.conftest import Run
from wiki_pipeline_tests.installation import ENG, pipeline


def test_a_source_that_was_never_synced_is_stale_as_a_whole(run: Run, space: Space) -> None:
    (status,) = json.loads(run("status", "--json").stdout)
    assert (status["source"], status["documents"], status["synced_at"], status["last_sync"]) == (str(ENG), 0, None, "")
    (stale,) = json.loads(run("status", "--stale", "--json").stdout)
    assert (stale["source"], stale["document_id"], stale["reason"]) == (str(ENG), "", "never_synced")


def test_a_synced_source_is_shown_with_its_documents_and_nothing_stale(run: Run, space: Space) -> None:
    run("sync")
    (status,) = json.loads(run("status", "--json").stdout)
    assert (status["documents"], status["failing"], status["last_sync"]) == (3, 0, "completed")
    assert status["synced_at"]
    assert run("status", "--stale").stdout == "Nothing is stale.\n"


def test_a_failing_document_is_stale_since_it_began_to_fail_with_its_reason(
    run: Run, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = space.add("Enormous", f"<p>{'x' * 3_000}</p>")
    monkeypatch.setenv("WIKI_PIPELINE_MAX_DOCUMENT_BYTES", "2000")
    run("sync")
    (stale,) = json.loads(run("status", "--stale", "--json").stdout)
    assert (stale["document_id"], stale["title"], stale["reason"]) == (page.id, "Enormous", "failed")
    assert stale["detail"].startswith("raw_pages: ")
    assert "Enormous" in run("status", "--stale").stdout
    page.edit("<p>short</p>")
    run("sync")
    assert json.loads(run("status", "--stale", "--json").stdout) == []


def test_an_event_that_waits_is_told_by_status_and_by_search(run: Run, space: Space) -> None:
    run("sync")
    page = space.page("Pumps")
    with pipeline() as opened:
        hint = ChangeHint("confluence", ENG, str(page.id), "page_updated", "2")
        opened.catalog.events.record([EventBatch("default", Origin.WEBHOOK, [hint])])
    (status,) = json.loads(run("status", "--json").stdout)
    assert (status["freshness"], status["stale"], status["failing"]) == ("stale", 1, 0)
    (stale,) = json.loads(run("status", "--stale", "--json").stdout)
    assert (stale["document_id"], stale["reason"]) == (str(page.id), "upstream_newer")
    hits = json.loads(run("search", "--mode", "text", "--json", "pumps").stdout)
    assert [hit["stale"]["reason"] for hit in hits if hit["document_id"] == str(page.id)] == ["upstream_newer"]
    assert "out of date: page_updated" in run("search", "--mode", "text", "pumps").stdout
