"""What webhooks missed is found."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from git import Repo

from wiki_pipeline.catalog import EventBatch, EventRecord, EventState, Origin, Retry
from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.errors import SourceError
from wiki_pipeline.freshness import claim_work, poll, poll_all, stale_documents
from wiki_pipeline.model import ChangeHint, SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.sources import add
from wiki_pipeline_tests.installation import ENG, install, pipeline, sync, work
from wiki_pipeline_tests.synced import both_flavours

PNG = b"\x89PNG\r\n\x1a\n"


def events(opened: Pipeline) -> list[EventRecord]:
    return list(reversed(opened.catalog.events.find("default")))


@both_flavours
def test_a_poll_of_an_unchanged_source_writes_no_event(opened: Pipeline) -> None:
    before = opened.catalog.upstream.observation(ENG)
    found = poll(opened, ENG)
    assert found.events == 0
    assert before is not None
    assert found.observation is not None
    assert found.observation.data_version == before.data_version


@both_flavours
def test_a_poll_finds_edits_moves_labels_deletions_and_new_pages(opened: Pipeline, space: Space) -> None:
    pages = [space.page(f"Page {number}") for number in range(5)]
    pages[0].edit("<p>Now with gravel.</p>")
    pages[1].move(pages[2])
    pages[3].label("gravel")
    pages[4].trash()
    new = space.add("Page 12")
    assert poll(opened, ENG).events == 5
    told = {event.document_id for event in events(opened)}
    assert told == {str(page.id) for page in (pages[0], pages[1], pages[3], pages[4], new)}
    assert {stale.document_id for stale in stale_documents(opened, ENG)} == told
    assert poll(opened, ENG).events == 0  # all of it waits already
    work(opened)
    assert stale_documents(opened, ENG) == []
    assert poll(opened, ENG).events == 0


def test_a_poll_counts_on_no_event_that_is_being_worked_on(opened: Pipeline, space: Space) -> None:
    page = space.page("Page 3")
    page.label("gravel")
    assert poll(opened, ENG).events == 1
    claim_work(opened)  # its worker fetches the page now, and then:
    page.label("sand")
    assert poll(opened, ENG).events == 1


@both_flavours
def test_a_large_source_is_asked_for_what_was_edited_lately(
    opened: Pipeline, space: Space, server: ConfluenceServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_POLL_LISTING_DOCUMENTS", "5")
    with pipeline() as small:
        assert poll(small, ENG).events == 1  # the first look has nothing to compare with
        work(small)
        assert poll(small, ENG).events <= 12  # what was edited within the overlap, once
        work(small)
        assert poll(small, ENG).events == 0
        space.page("Page 3").edit("<p>Now with gravel.</p>")
        space.site.index.catch_up()
        server.forget_requests()
        assert poll(small, ENG).events == 1
        assert [event.document_id for event in events(small)][-1] == str(space.page("Page 3").id)
        assert not [request for request in server.requests if "/spaces/" in request.path and "/pages" in request.path]


@pytest.mark.security
@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_hides_no_edit_from_the_next_poll(
    opened: Pipeline, space: Space, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_POLL_LISTING_DOCUMENTS", "5")
    with pipeline() as small:
        while poll(small, ENG).events:
            work(small)
        seen = small.catalog.upstream.observation(ENG)
        assert seen is not None
        kept = json.loads(seen.cursor)  # as a clock wrote it that was off by an hour
        kept["since"] = (datetime.fromisoformat(kept["since"]) + timedelta(hours=hours)).isoformat()
        small.catalog.upstream.polled(ENG, json.dumps(kept))
        space.page("Page 3").edit("<p>Now with gravel.</p>")
        space.site.index.catch_up()
        assert poll(small, ENG).events == 1
        assert events(small)[-1].document_id == str(space.page("Page 3").id)
        work(small)
        assert poll(small, ENG).events == 0


@both_flavours
@pytest.mark.parametrize("largest", ["2000", "5"])
def test_a_poll_finds_edited_attachments(
    opened: Pipeline, space: Space, monkeypatch: pytest.MonkeyPatch, largest: str
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_POLL_LISTING_DOCUMENTS", largest)
    page = space.page("Page 3")
    page.attach("rig.png", PNG + b"one", "image/png")
    page.edit('<p><ac:image><ri:attachment ri:filename="rig.png"/></ac:image></p>')
    space.site.index.catch_up()
    with pipeline() as small:
        while poll(small, ENG).events:
            work(small)
        page.attach("rig.png", PNG + b"two", "image/png")
        space.site.index.catch_up()
        assert poll(small, ENG).events == 1
        assert events(small)[-1].document_id == str(page.id)
        work(small)
        (row,) = small.store.table(Stage.ATTACHMENTS, ENG).read(columns=["version"])["version"].to_pylist()
        assert row == "2"
        assert poll(small, ENG).events == 0


@both_flavours
def test_a_poll_tries_what_was_given_up_once_more(opened: Pipeline, space: Space) -> None:
    page = space.page("Page 3")
    page.edit("<p>Now with gravel.</p>")
    assert poll(opened, ENG).events == 1
    for _ in range(2):
        (claim,) = claim_work(opened)
        opened.catalog.claims.settle(claim.claim_id, {str(page.id): "broken"}, Retry(attempts=1))
        (dead,) = events(opened)
        assert dead.state is EventState.DEAD
        found = poll(opened, ENG)
        assert (found.events, found.retried) == (0, 1)
    work(opened)
    assert [event.state for event in events(opened)] == [EventState.APPLIED]
    assert stale_documents(opened, ENG) == []


@both_flavours
def test_a_source_that_was_never_synced_is_an_event(opened: Pipeline, server: ConfluenceServer) -> None:
    server.space("OPS", "Operations").add("Rota")
    record = add(opened, f"{server.url}/spaces/OPS").record
    assert poll(opened, record.key).events == 1
    assert [(event.source, event.document_id) for event in events(opened)] == [(record.key, "")]


def test_a_source_that_cannot_be_asked_holds_no_other_up(opened: Pipeline, space: Space) -> None:
    gone = SourceKey("default", "confluence", "GONE")
    eng = opened.catalog.source(ENG)
    assert eng is not None
    opened.catalog.add_source(gone, eng.config.replace('"ENG"', '"GONE"'))
    space.page("Page 3").edit("<p>Now with gravel.</p>")
    errors: list[SourceKey] = []
    found = poll_all(opened, lambda key, error: errors.append(key) if isinstance(error, SourceError) else None)
    assert errors == [gone]
    assert [(polled.source, polled.events) for polled in found] == [(ENG, 1)]


def test_a_poll_of_a_repository_asks_for_its_newest_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = Repo.init(tmp_path / "handbook", initial_branch="main")
    guide = Path(repo.working_dir, "guide.md")
    guide.write_text("# Guide\n")
    repo.git.add(".")
    repo.git.execute(["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "One"])
    install(monkeypatch, tmp_path)
    with pipeline() as opened:
        source = add(opened, str(tmp_path / "handbook")).record.key
        sync(opened, source)
        poll(opened, source)
        work(opened)
        assert poll(opened, source).events == 0
        guide.write_text("# Guide\n\nNow with gravel.\n")
        repo.git.execute(["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qam", "Two"])
        assert poll(opened, source).events == 1
        (claim,) = claim_work(opened)
        opened.catalog.claims.fail(claim.claim_id, "no network", Retry(attempts=1, first=0.0))
        assert poll(opened, source).retried == 1  # nobody brought it over: it is found until somebody did
        work(opened)
        assert stale_documents(opened, source) == []
        assert poll(opened, source).events == 0


def test_a_poll_after_a_push_that_was_synced_makes_no_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = Repo.init(tmp_path / "handbook", initial_branch="main")
    install(monkeypatch, tmp_path)
    with pipeline() as opened:
        source = add(opened, str(tmp_path / "handbook")).record.key
        sync(opened, source)  # still empty
        assert poll(opened, source).events == 0
        Path(repo.working_dir, "guide.md").write_text("# Guide\n")
        repo.git.add(".")
        repo.git.execute(["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "One"])
        opened.catalog.events.record([EventBatch("default", Origin.WEBHOOK, [ChangeHint("git", source, "", "push")])])
        work(opened)
        assert poll(opened, source).events == 0
