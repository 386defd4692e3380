"""Which documents are behind, and why."""

from __future__ import annotations

import pytest

from wiki_pipeline.catalog import EventBatch, Origin
from wiki_pipeline.demo.confluence import ConfluenceServer, Space, faults
from wiki_pipeline.freshness import Reason, poll, stale_documents
from wiki_pipeline.model import ChangeHint, DocumentFailure, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import ENG, pipeline, sync, work


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
