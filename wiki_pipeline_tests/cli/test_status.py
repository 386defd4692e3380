from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from wiki_pipeline.catalog import EventBatch, Origin, Retry, SyncMode
from wiki_pipeline.demo.confluence import Space
from wiki_pipeline.model import ChangeHint, DocumentFailure, DocumentRef, SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import open_sync
from wiki_pipeline_tests.cli.conftest import Run
from wiki_pipeline_tests.installation import ENG, pipeline, sync


def test_a_source_that_was_never_synced_is_stale_as_a_whole(run: Run, space: Space) -> None:
    (status,) = json.loads(run("status", "--json").stdout)
    assert (status["source"], status["documents"], status["synced_at"], status["last_sync"]) == (str(ENG), 0, None, "")
    (stale,) = json.loads(run("status", "--stale", "--json").stdout)
    assert (stale["source"], stale["document_id"], stale["reason"]) == (str(ENG), "", "never_synced")


def test_a_synced_source_is_shown_with_its_documents_and_nothing_stale(run: Run, synced: Space) -> None:
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


def reported(opened: Pipeline, page: str) -> None:
    hint = ChangeHint("confluence", ENG, page, "page_updated", "2")
    opened.catalog.events.record([EventBatch("default", Origin.WEBHOOK, [hint])])


def given_up(opened: Pipeline, page: str) -> None:
    reported(opened, page)
    (claim,) = opened.catalog.claims.claim("default", 60)
    opened.catalog.claims.settle(claim.claim_id, {page: "The server answered 502."}, Retry(attempts=1))


def failed(opened: Pipeline, page: str) -> None:
    failure = DocumentFailure(page, "Pumps", Stage.CLEAN_PAGES, "It has no end.")
    opened.catalog.record_failures(ENG, Stage.CLEAN_PAGES, [failure])


def listed(opened: Pipeline, page: str) -> None:
    opened.catalog.upstream.observe(ENG, [DocumentRef(page, "another")])


def test_whatever_makes_a_document_stale_is_shown_by_status_and_by_search(run: Run, synced: Space) -> None:
    page = str(synced.page("Pumps").id)
    for change, reason, detail in (
        (reported, "upstream_newer", "page_updated (webhook) was not applied yet."),
        (given_up, "upstream_newer", "The server answered 502."),
        (failed, "failed", "It has no end."),
        (listed, "upstream_newer", "It was listed in another version."),
    ):
        with pipeline() as opened:
            change(opened, page)
        (status,) = json.loads(run("status", "--json").stdout)
        assert (status["freshness"], status["stale"], status["failing"]) == ("stale", 1, int(change is failed))
        (stale,) = json.loads(run("status", "--stale", "--json").stdout)
        assert (stale["document_id"], stale["reason"], detail in stale["detail"]) == (page, reason, True)
        hits = json.loads(run("search", "--mode", "text", "--json", "all", "about").stdout)
        by_document = {hit["document_id"]: hit["stale"] for hit in hits}
        assert (by_document[page]["reason"], by_document[page]["detail"]) == (reason, stale["detail"])
        assert [document for document, behind in by_document.items() if behind] == [page]
        assert f"out of date: {stale['detail']}" in run("search", "--mode", "text", "pumps").stdout
        synced.page("Pumps").edit(f"<p>All about pumps, not as before {change.__name__}.</p>")
        with pipeline() as opened:
            sync(opened)
        assert run("status", "--stale").stdout == "Nothing is stale.\n"


def test_documents_of_a_source_whose_first_sync_is_under_way_are_not_stale(run: Run, space: Space) -> None:
    with pipeline() as opened, open_sync(opened, ENG, SyncMode.FULL, lambda _: None):
        opened.catalog.upstream.observe_all(ENG, [DocumentRef("1", "1"), DocumentRef("2", "1")])
        (status,) = json.loads(run("status", "--json").stdout)
        assert (status["freshness"], status["syncing"], status["stale"]) == ("never", True, 0)
        assert "never, syncing" in run("status").stdout
        assert run("status", "--stale").stdout == "Nothing is stale.\n"


def test_work_that_nothing_takes_up_is_said_below_the_table(run: Run, space: Space) -> None:
    page = space.add("Pumps", "<p>Two of them.</p>")
    run("sync")
    with pipeline() as opened:
        reported(opened, page.id)
        assert "takes" not in run("status").stderr
        with closing(sqlite3.connect(opened.settings.home / "catalog.sqlite")) as catalog, catalog:
            for table in ("events", "claims"):
                catalog.execute(f"UPDATE {table} SET due_at = '2026-01-02 03:04:05.000000'")  # noqa: S608
    shown = run("status")
    assert "1 reported change waits since 2026-01-02 03:04 UTC, and no sync takes it up." in shown.stderr
    json.loads(run("status", "--json").stdout)


def test_a_source_that_cannot_be_opened_says_so_and_every_command_goes_on(run: Run, space: Space) -> None:
    old = SourceKey("default", "confluence", "OLD")
    with pipeline() as opened:
        opened.catalog.add_source(old, '{"url": 7}')
    synced = run("sync")
    assert synced.exit_code == 3
    assert "can't be used" in synced.output
    eng, broken = json.loads(run("status", "--json").stdout)
    assert (eng["freshness"], eng["error"], eng["documents"]) == ("fresh", "", 3)
    assert (broken["source"], broken["freshness"]) == (str(old), "failed")
    assert "can't be used" in broken["error"]
    (stale,) = json.loads(run("status", "--stale", "--json").stdout)
    assert stale["source"] == str(old)
    assert [source["source"] for source in json.loads(run("sources", "list", "--json").stdout)] == [str(ENG), str(old)]
    assert run("connections", "test", "default").exit_code == 0
    assert run("sources", "remove", "OLD").exit_code == 0
    assert run("status", "--stale").stdout == "Nothing is stale.\n"
