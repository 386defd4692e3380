"""Sources that were not brought up to date for long are reloaded, and no more at once than the settings allow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wiki_pipeline.catalog import EventBatch, Origin, SyncMode
from wiki_pipeline.demo.confluence import Space
from wiki_pipeline.freshness import claim_work, request_overdue, request_resync
from wiki_pipeline.model import ChangeHint, SourceKey
from wiki_pipeline.sync.claim import retry
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import ENG, install, pipeline, sync


def test_a_source_that_was_not_synced_as_a_whole_for_longer_than_the_interval_is_reloaded_once(
    opened: Pipeline, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONFLUENCE_SYNC_INTERVAL", "3600")
    page = next(iter(space.contents))
    soon, late = (datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (30, 90))
    assert request_overdue(opened, soon) == 0
    sync(opened, documents=[page])  # of one page: says nothing of the others
    assert request_overdue(opened, late) == 1
    assert request_overdue(opened, late) == 0  # it waits
    (claim,) = claim_work(opened)
    assert (claim.source, claim.documents, claim.what) == (ENG, (), ("sync interval",))
    monkeypatch.setenv("CONFLUENCE_SYNC_INTERVAL", "0")
    assert request_overdue(opened, late + timedelta(days=300)) == 0


def test_a_failing_source_is_asked_for_once_an_interval(opened: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFLUENCE_SYNC_INTERVAL", "3600")
    late = datetime.now(UTC).replace(minute=10) + timedelta(hours=5)
    assert request_overdue(opened, late) == 1
    waiting = [event.event_id for event in opened.catalog.events.unsettled(ENG)]
    opened.catalog.events.supersede(waiting, "given up")
    assert request_overdue(opened, late + timedelta(minutes=5)) == 0
    assert request_overdue(opened, late + timedelta(hours=1)) == 1


def test_no_more_confluence_sources_are_worked_on_at_once_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        monkeypatch,
        tmp_path,
        CONFLUENCE_URL="https://x.example/wiki",
        CONFLUENCE_SPACES='{"A": [], "B": [], "C": []}',
        CONFLUENCE_MAX_INGESTION_TASKS="2",
    )
    with pipeline() as opened:
        repository = SourceKey("default", "git", "org/repo")
        opened.catalog.add_source(repository, "{}")
        keys = [record.key for record in opened.catalog.sources("default")]
        hints = (ChangeHint(key.kind, key, what="test") for key in keys)
        opened.catalog.events.record([EventBatch("default", Origin.POLL, [hint]) for hint in hints])
        first = claim_work(opened)
        assert [claim.source.name for claim in first] == ["A", "B", "org/repo"]
        assert claim_work(opened) == []
        opened.catalog.claims.settle(first[0].claim_id, {}, retry(opened.settings))
        assert [claim.source.name for claim in claim_work(opened)] == ["C"]


def test_sources_that_the_settings_no_longer_name_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, tmp_path, CONFLUENCE_URL="https://x.example/wiki", CONFLUENCE_SPACES='{"A": [], "B": []}')
    with pipeline() as opened:
        a, b = (SourceKey("default", "confluence", name) for name in "AB")
        added = SourceKey("default", "confluence", "ADDED")
        opened.catalog.add_source(added, '{"url": "https://x.example/wiki", "space": "ADDED", "pages": []}')
        monkeypatch.setenv("CONFLUENCE_SPACES", '{"A": []}')
        assert opened.dropped() == {b}
        assert [record.key for record in opened.active_sources()] == [a, added]
        assert request_resync(opened, "2026-01-01") == 2
        monkeypatch.setenv("CONFLUENCE_SPACES", '{"A": [], "B": []}')
        assert opened.dropped() == set()
        opened.add_configured_sources()
        monkeypatch.delenv("CONFLUENCE_SPACES")
        monkeypatch.delenv("CONFLUENCE_URL")  # and so is a source whose connection went with the settings
        assert opened.dropped() == {a, b}


def test_the_last_sync_of_a_mode_is_told_apart(opened: Pipeline, space: Space) -> None:
    whole = opened.catalog.last_completed_sync(ENG, SyncMode.FULL)
    sync(opened, documents=[next(iter(space.contents))])
    assert whole == opened.catalog.last_completed_sync(ENG, SyncMode.FULL) != opened.catalog.last_completed_sync(ENG)
