"""Many sources: polled several at once and in shards, resynced by the hour."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wiki_pipeline.defs.settings import DagsterSettings
from wiki_pipeline.errors import CatalogError, ConfigurationError, SourceUnreachableError
from wiki_pipeline.freshness import poll_all, polling, request_resync
from wiki_pipeline.freshness.shards import shard_of
from wiki_pipeline.model import ChangeHint, SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline_tests.installation import install, pipeline

SOURCES = [SourceKey("default", "git", f"org/repo-{i}") for i in range(40)]


def test_shards_are_stable_and_about_equal() -> None:
    assert [shard_of(source, 4) for source in SOURCES[:4]] == [shard_of(source, 4) for source in SOURCES[:4]]
    counts = Counter(shard_of(SourceKey("default", "git", f"r{i}"), 8) for i in range(8_000))
    assert set(counts) == set(range(8))
    assert max(counts.values()) < 1.2 * min(counts.values())


def test_sources_are_polled_several_at_once_in_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path, WIKI_PIPELINE_POLL_CONCURRENCY="5")
    at_once = most = 0
    asked: list[SourceKey] = []

    async def look(_pipeline: object, source: SourceKey, _before: object) -> tuple[list[ChangeHint], str]:
        nonlocal at_once, most
        asked.append(source)
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        if source == SOURCES[3]:
            raise SourceUnreachableError("gone")
        return [ChangeHint(source.kind, source, what="changed")], "cursor"

    monkeypatch.setattr(polling, "_look", look)
    with pipeline() as opened:
        for source in SOURCES:
            opened.catalog.add_source(source, '{"url": "https://git.example/org/repo.git"}')
        errors: list[SourceKey] = []
        found = [poll_all(opened, lambda key, _: errors.append(key), shard, 3) for shard in range(3)]
        assert most == 5
        assert sorted(asked) == sorted(SOURCES)
        assert errors == [SOURCES[3]]
        assert sorted(polled.source for shard in found for polled in shard) == sorted({*SOURCES} - {SOURCES[3]})
        assert len(opened.catalog.events.find("default", limit=100)) == 39

        async def broken(*_: object) -> tuple[list[ChangeHint], str]:
            raise CatalogError("out of reach")

        monkeypatch.setattr(polling, "_look", broken)
        with pytest.raises(CatalogError, match="out of reach"):
            poll_all(opened, lambda *_: None)


def test_a_resync_is_spread_over_hours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, tmp_path, WIKI_PIPELINE_RESYNC_CRON="30 22 * * *", WIKI_PIPELINE_RESYNC_HOURS="4")
    settings = load(DagsterSettings)
    assert settings.resync_ticks == "30 * * * *"
    start = datetime(2026, 11, 30, 20, 30, tzinfo=UTC)
    due = [settings.resync_portion(start + timedelta(hours=hour)) for hour in range(8)]
    assert due == [None, None, *(("2026-11-30", portion) for portion in range(4)), None, None]
    with pipeline() as opened:
        for source in SOURCES:
            opened.catalog.add_source(source, '{"url": "https://git.example/org/repo.git"}')
        asked = [request_resync(opened, "2026-11-30", portion, 4) for portion in range(4)]
        assert sum(asked) == len(SOURCES)
        assert min(asked) > 0
        assert request_resync(opened, "2026-11-30", 0, 4) == 0


def test_a_resync_by_the_hour_wants_a_daily_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_RESYNC_CRON", "0 */6 * * *")
    assert load(DagsterSettings).resync_ticks == "0 */6 * * *"
    monkeypatch.setenv("WIKI_PIPELINE_RESYNC_HOURS", "2")
    with pytest.raises(ConfigurationError, match="daily"):
        load(DagsterSettings)
