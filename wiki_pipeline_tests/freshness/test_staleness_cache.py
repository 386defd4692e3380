"""Lists that are kept are those that would be worked out anew, whatever happens meanwhile."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from wiki_pipeline.catalog import EventBatch, Origin, Retry, SourceRecord, SyncMode
from wiki_pipeline.demo.confluence import Space
from wiki_pipeline.freshness import Condition, Reason, SourceStaleness, StalenessCache, claim_work, poll, staleness
from wiki_pipeline.model import ChangeHint, DocumentFailure, DocumentRef, SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import lease_name
from wiki_pipeline_tests.installation import ENG, pipeline, sync, work


def _steps(opened: Pipeline, space: Space) -> list[Callable[[], object]]:
    catalog, page = opened.catalog, space.page("Page 3")
    id_ = str(page.id)

    def told() -> None:
        catalog.events.record(
            [EventBatch("default", Origin.WEBHOOK, [ChangeHint("confluence", ENG, id_, "page_updated")])]
        )

    def given_up() -> None:
        (claim,) = claim_work(opened)
        catalog.claims.settle(claim.claim_id, {id_: "broken"}, Retry(attempts=1))

    broken = DocumentFailure(id_, "Page 3", Stage.CLEAN_PAGES, "It has no end.")
    return [
        told,
        given_up,
        lambda: catalog.events.revive("default"),
        lambda: page.edit("<p>Now with gravel.</p>"),
        lambda: poll(opened, ENG),
        lambda: work(opened),
        lambda: catalog.record_failures(ENG, Stage.CLEAN_PAGES, [broken]),
        lambda: catalog.record_failures(ENG, Stage.CLEAN_PAGES, [broken]),
        lambda: catalog.record_failures(ENG, Stage.CLEAN_PAGES, [], cleared=[id_]),
        lambda: catalog.upstream.observe(ENG, [DocumentRef(id_, "another")]),
        lambda: catalog.upstream.observe(ENG, [], gone=[id_]),
        lambda: sync(opened),
    ]


def test_a_list_is_worked_out_again_when_something_changed_and_only_then(
    opened: Pipeline, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, record = StalenessCache(opened), opened.catalog.source(ENG)
    assert record is not None
    seen = [cache.of(record)]
    for step in _steps(opened, space):
        step()
        seen.append(cache.of(record))
        assert seen[-1] == staleness(opened, record)
    assert sum(bool(found.stale) for found in seen) > len(seen) / 2
    monkeypatch.setattr("wiki_pipeline.freshness.staleness_cache.staleness", None)
    assert cache.of(record) is seen[-1]


def test_a_sync_whose_process_dies_is_seen_to_have_ended(opened: Pipeline) -> None:
    cache, record = StalenessCache(opened), opened.catalog.source(ENG)
    assert record is not None
    with opened.catalog.lease(lease_name(ENG), 60):
        opened.catalog.start_sync(ENG, SyncMode.FULL)
        assert cache.of(record).syncing
    assert not cache.of(record).syncing
    assert "interrupted" in cache.of(record).problem


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A source with documents is a large one, and ENG is not worked out before the event is set."""
    go_on = threading.Event()

    def slowly(pipeline: Pipeline, record: SourceRecord) -> SourceStaleness:
        assert record.key != ENG or go_on.wait(30)
        return staleness(pipeline, record)

    monkeypatch.setattr("wiki_pipeline.freshness.staleness_cache._AT_ONCE", 0)
    monkeypatch.setattr("wiki_pipeline.freshness.staleness_cache.staleness", slowly)
    yield go_on
    go_on.set()


def test_readers_of_a_large_source_don_t_wait_and_keep_what_was_found_before(
    opened: Pipeline, space: Space, slow: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_PROSE_CHUNKS", "100 tokens")  # all documents are behind in a stage
    record, page = opened.catalog.source(ENG), str(space.page("Page 3").id)
    assert record is not None
    with pipeline() as again:
        cache = StalenessCache(again)
        assert cache.glance(record).stale == ()
        slow.set()
        assert len(cache.of(record).stale) == 12
        slow.clear()
        for number in range(3):
            hint = ChangeHint("confluence", ENG, page, "page_updated", str(number + 2))
            again.catalog.events.record([EventBatch("default", Origin.WEBHOOK, [hint])])
            found = cache.glance(record)  # while it is being worked out
            assert len(found.stale) == 12
            assert (stale := found.of(page))
            assert stale.reason is Reason.UPSTREAM_NEWER
        slow.set()
        assert cache.of(record) == staleness(again, record)
        assert cache.glance(record) is cache.of(record)
        cache.close()


def test_a_source_that_takes_long_holds_no_other_up(opened: Pipeline, slow: threading.Event) -> None:
    other = SourceKey("default", "confluence", "NEW")
    config = json.dumps({"url": "https://wiki.example.org", "space": "NEW", "pages": []})
    record, new = opened.catalog.source(ENG), opened.catalog.add_source(other, config)
    assert record is not None
    cache = StalenessCache(opened)
    with ThreadPoolExecutor() as threads:
        both = [threads.submit(cache.of, record) for _ in range(2)]
        assert cache.of(new).condition is Condition.NEVER
        assert not any(each.done() for each in both)
        slow.set()
        assert both[0].result() is both[1].result()


def test_what_is_kept_is_bounded(opened: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wiki_pipeline.freshness.staleness_cache._MOST_DOCUMENTS", 1)
    keys = [SourceKey("default", "confluence", f"NEW{number}") for number in range(3)]
    records = [opened.catalog.add_source(key, "{}") for key in keys]
    cache = StalenessCache(opened)
    found = [cache.of(record) for record in records]
    assert [len(each.stale) for each in found] == [1, 1, 1]
    assert cache.of(records[2]) is found[2]
    assert cache.of(records[0]) is not found[0]
