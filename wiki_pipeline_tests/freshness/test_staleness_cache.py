"""Lists that are kept are those that would be worked out anew, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from wiki_pipeline.catalog import EventBatch, Origin, Retry
from wiki_pipeline.demo.confluence import Space
from wiki_pipeline.freshness import StalenessCache, claim_work, poll, staleness
from wiki_pipeline.model import ChangeHint, DocumentFailure, DocumentRef, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import ENG, sync, work


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
