"""Which documents are behind, and why."""

from __future__ import annotations

from contextlib import suppress

import pytest

from wiki_pipeline.catalog import EventBatch, Origin, Retry, SyncMode
from wiki_pipeline.demo.confluence import ConfluenceServer, Space, faults
from wiki_pipeline.errors import AccessDeniedError, SourceError
from wiki_pipeline.freshness import (
    Condition,
    Reason,
    SourceStaleness,
    claim_work,
    poll,
    stale_documents,
    staleness,
)
from wiki_pipeline.model import ChangeHint, DocumentFailure, DocumentRef, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import open_sync
from wiki_pipeline_tests.installation import ENG, pipeline, sync, work
from wiki_pipeline_tests.synced import both_flavours


def reasons(opened: Pipeline) -> dict[str, Reason]:
    return {stale.document_id: stale.reason for stale in stale_documents(opened, ENG)}


def test_nothing_is_stale_after_a_sync(opened: Pipeline) -> None:
    assert stale_documents(opened, ENG) == []


def test_a_document_that_was_said_to_have_changed_is_stale_since_then(opened: Pipeline, space: Space) -> None:
    page = str(space.page("Page 3").id)
    for version in ("2", "3"):
        hint = ChangeHint("confluence", ENG, page, "page_updated", version)
        opened.catalog.events.record([EventBatch("default", Origin.WEBHOOK, [hint])])
    (stale,) = stale_documents(opened, ENG)
    first = opened.catalog.events.find("default")[-1]
    assert (stale.title, stale.reason, stale.since) == ("Page 3", Reason.UPSTREAM_NEWER, first.received_at)
    assert (stale.served_version, stale.url != "") == ("1", True)
    work(opened)
    assert stale_documents(opened, ENG) == []


@both_flavours
def test_what_a_listing_shows_is_behind(opened: Pipeline, space: Space) -> None:
    edited, trashed = space.page("Page 3"), space.page("Page 4")
    edited.edit("<p>Now with gravel.</p>")
    trashed.trash()
    new = space.add("Page 12")
    poll(opened, ENG)
    opened.catalog.events.supersede([e.event_id for e in opened.catalog.events.find("default")], "lost")
    assert reasons(opened) == {
        str(edited.id): Reason.UPSTREAM_NEWER,
        str(trashed.id): Reason.UPSTREAM_NEWER,
        str(new.id): Reason.NEVER_SYNCED,
    }


def test_a_document_that_fails_says_why(opened: Pipeline, space: Space) -> None:
    page = str(space.page("Page 3").id)
    failure = DocumentFailure(page, "Page 3", Stage.CLEAN_PAGES, "It has no end.")
    opened.catalog.record_failures(ENG, Stage.CLEAN_PAGES, [failure])
    (stale,) = stale_documents(opened, ENG)
    assert (stale.reason, stale.detail) == (Reason.FAILED, "clean_pages: It has no end.")


PICTURE = '<p><ac:image><ri:attachment ri:filename="rig.png"/></ac:image></p>'


@both_flavours
def test_an_attachment_that_fails_is_shown_as_its_page(
    opened: Pipeline, space: Space, server: ConfluenceServer
) -> None:
    page = space.page("Page 3")
    page.attach("rig.png", b"\x89PNG\r\n\x1a\none", "image/png")
    page.edit(PICTURE)
    for part in ("/download", "/binary"):
        server.fault(f"*{part}*", faults.status(500), times=None)
    sync(opened, documents=[str(page.id)])
    (stale,) = stale_documents(opened, ENG)
    assert (stale.document_id, stale.title, stale.reason) == (str(page.id), "Page 3", Reason.FAILED)
    assert "rig.png" in stale.detail
    server.heal()
    sync(opened)
    assert stale_documents(opened, ENG) == []


def test_a_changed_setting_of_attachments_leaves_pages_that_show_them_behind(
    opened: Pipeline, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = space.page("Page 3")
    page.attach("rig.png", b"\x89PNG\r\n\x1a\none", "image/png")
    page.edit(PICTURE)
    sync(opened)
    assert stale_documents(opened, ENG) == []
    monkeypatch.setenv("WIKI_PIPELINE_EXTRACTION_CHARACTERS", "1000")
    with pipeline() as again:
        assert reasons(again) == {str(page.id): Reason.STAGE_BEHIND}
        sync(again)
        assert stale_documents(again, ENG) == []


def test_a_changed_setting_leaves_a_stage_behind(opened: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_PROSE_CHUNKS", "100 tokens")
    with pipeline() as again:
        assert set(reasons(again).values()) == {Reason.STAGE_BEHIND}
        assert len(reasons(again)) == 12


def test_a_source_of_which_it_is_not_known_what_changed_is_one_line(opened: Pipeline) -> None:
    opened.catalog.events.record(
        [EventBatch("default", Origin.WEBHOOK, [ChangeHint("confluence", ENG, what="space_updated")])]
    )
    (stale,) = stale_documents(opened, ENG)
    assert (stale.document_id, stale.title, stale.reason) == ("", "The whole source", Reason.UPSTREAM_NEWER)


def test_a_document_that_is_listed_anew_and_given_up_says_so_since_the_first_report(
    opened: Pipeline, space: Space
) -> None:
    page = str(space.page("Page 3").id)
    opened.catalog.upstream.observe(ENG, [DocumentRef(page, "another")])
    hint = ChangeHint("confluence", ENG, page, "page_updated", "8")
    opened.catalog.events.record([EventBatch("default", Origin.WEBHOOK, [hint])])
    (claim,) = claim_work(opened)
    opened.catalog.claims.settle(claim.claim_id, {page: "The server answered 502."}, Retry(attempts=1))
    (stale,) = stale_documents(opened, ENG)
    (known,) = (each for each in opened.catalog.upstream.documents(ENG) if each.document_id == page)
    assert (stale.reason, stale.upstream_version, stale.since) == (Reason.UPSTREAM_NEWER, "8", known.changed_at)
    assert stale.detail.endswith("It was given up after 1 attempts. The server answered 502.")


# --- the first sync ---


def stands(opened: Pipeline) -> SourceStaleness:
    record = opened.catalog.source(ENG)
    assert record is not None
    return staleness(opened, record)


def test_before_a_first_sync_completed_the_source_counts_and_none_of_its_documents(unsynced: Space) -> None:
    listed = [DocumentRef(str(number), "1") for number in range(300)]
    with pipeline() as opened:
        never = stands(opened)
        assert (never.condition, never.syncing) == (Condition.NEVER, False)
        assert [(stale.document_id, stale.reason) for stale in never.stale] == [("", Reason.NEVER_SYNCED)]
        with suppress(AccessDeniedError), open_sync(opened, ENG, SyncMode.FULL, lambda _: None):
            opened.catalog.upstream.observe_all(ENG, listed)
            first = stands(opened)
            assert (first.condition, first.syncing, first.stale) == (Condition.NEVER, True, ())
            raise AccessDeniedError("ENG may not be read.")
        failed = stands(opened)
        (whole,) = failed.stale
        assert (failed.condition, whole.document_id, whole.reason) == (Condition.FAILED, "", Reason.NEVER_SYNCED)
        assert "ENG may not be read." in whole.detail
        with open_sync(opened, ENG, SyncMode.FULL, lambda _: None):
            assert stands(opened).stale == ()
        assert len(stands(opened).stale) == 300


def test_a_source_that_fails_for_long_was_synced_all_the_same(opened: Pipeline, space: Space) -> None:
    before = stands(opened)
    for _ in range(60):
        sync_id = opened.catalog.start_sync(ENG, SyncMode.FULL)
        opened.catalog.finish_sync(sync_id, error=SourceError("Out of reach."))
    failing = stands(opened)
    assert (failing.condition, failing.synced_at, failing.stale) == (Condition.FAILED, before.synced_at, ())
    opened.catalog.upstream.observe(ENG, [DocumentRef(str(space.page("Page 3").id), "another")])
    with open_sync(opened, ENG, SyncMode.FULL, lambda _: None):
        assert len(stands(opened).stale) == 1
