"""A source whose config can't be used is a problem of its own: it is shown with it, and no other source is affected."""

from __future__ import annotations

import json

import pytest

from wiki_pipeline.catalog import EventBatch, Origin, SourceRecord
from wiki_pipeline.demo.confluence import Space
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.freshness import Condition, Reason, StalenessCache, freshness, resolve, staleness
from wiki_pipeline.model import ChangeHint, SourceKey
from wiki_pipeline.sources import kinds
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import ENG, sync

UNUSABLE = {
    "of a later program": ("confluence", '{"url": "https://acme.example", "space": "OLD", "colour": "red"}'),
    "of no site": ("confluence", '{"url": "acme", "space": "OLD"}'),
    "no object": ("confluence", "[]"),
    "nothing": ("git", "{}"),
    "of a command": ("git", '{"url": "ext::sh -c true"}'),
    "no object either": ("git", "null"),
    "of a kind that is not installed": ("carrier_pigeon", "{}"),
}


@pytest.fixture(params=UNUSABLE)
def unusable(request: pytest.FixtureRequest, opened: Pipeline) -> SourceRecord:
    """A source beside `ENG` that can't be opened."""
    kind, config = UNUSABLE[request.param]
    return opened.catalog.add_source(SourceKey("default", kind, "OLD"), config)


def test_it_is_its_own_problem_and_the_others_stay_as_they_are(opened: Pipeline, unusable: SourceRecord) -> None:
    found = staleness(opened, unusable)
    assert found.condition is Condition.FAILED
    assert found.problem == opened.problem_of(unusable) != ""
    (line,) = found.stale
    assert (line.document_id, line.reason) == ("", Reason.NEVER_SYNCED)
    assert found.problem in line.detail
    (listed,) = freshness(opened).stale
    assert listed.source == unusable.key
    eng = opened.catalog.source(ENG)
    assert eng is not None
    assert staleness(opened, eng).condition is Condition.FRESH
    assert StalenessCache(opened, background=False).glance(eng).condition is Condition.FRESH


def test_the_others_are_synced_and_their_events_find_their_sources(
    opened: Pipeline, unusable: SourceRecord, space: Space
) -> None:
    page = space.add("New", "<p>New.</p>")
    hint = ChangeHint("confluence", None, str(page.id), "page_created")
    opened.catalog.events.record([EventBatch("default", Origin.WEBHOOK, [hint])])
    assert resolve(opened) == 1
    assert opened.catalog.events.unsettled(ENG) != []
    sync(opened)
    assert freshness(opened).stale[0].source == unusable.key
    assert len(freshness(opened).stale) == 1
    for kind in kinds().values():
        for connection in opened.connections(kind):
            assert unusable.key not in opened.opened_by(connection)


def test_one_that_was_synced_is_behind_as_a_whole_until_it_is_repaired(opened: Pipeline) -> None:
    eng = opened.catalog.source(ENG)
    assert eng is not None
    cache = StalenessCache(opened)
    assert cache.of(eng).condition is Condition.FRESH
    spoilt = opened.catalog.add_source(ENG, json.dumps(json.loads(eng.config) | {"colour": "red"}))
    for found in (staleness(opened, spoilt), cache.of(spoilt), cache.glance(spoilt)):
        assert (found.condition, found.synced_at) == (Condition.FAILED, cache.of(eng).synced_at)
        (line,) = found.stale
        assert (line.document_id, line.title, line.reason) == ("", "The whole source", Reason.FAILED)
        assert line.since == found.synced_at
        assert "colour" in line.detail
    with pytest.raises(ConfigurationError, match="colour"):
        opened.open_source(ENG)
    assert cache.of(opened.catalog.add_source(ENG, eng.config)).condition is Condition.FRESH
    cache.close()
