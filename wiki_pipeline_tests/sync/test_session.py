"""What a sync leaves behind, and how little it does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.catalog import SyncStatus
from wiki_pipeline.demo.confluence import Space, faults
from wiki_pipeline.errors import ConfigurationError, LeaseHeldError, MassDeletionError, SourceError
from wiki_pipeline.model import Stage, StageReport
from wiki_pipeline.store import maintenance
from wiki_pipeline.store.indexes import index_names, index_statistics
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.text.embed.static import StaticEmbedder
from wiki_pipeline_tests.installation import ENG, OF_OTHERS, pipeline, sync
from wiki_pipeline_tests.synced import SyncedSpace

PARAGRAPHS = "".join(
    f"<h2>Part {n}</h2><p>{f'The pump of station {n} is primed by hand before the season. ' * 25}</p>" for n in range(6)
)


@pytest.fixture
def space(synced_cloud: SyncedSpace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Space]:
    """A space of twelve pages at a Cloud site, the installation's only source; synced once."""
    yield synced_cloud.copy(tmp_path, monkeypatch)
    assert synced_cloud.server.violations == []


@pytest.fixture
def opened(space: Space) -> Iterator[Pipeline]:
    """The installation's catalog and tables."""
    with pipeline() as opened:
        yield opened


@pytest.fixture
def unsynced(synced_cloud: SyncedSpace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """The same installation, before its first sync."""
    synced_cloud.unsynced(tmp_path, monkeypatch)
    with pipeline() as opened:
        yield opened


def of_pages(reports: dict[Stage, StageReport]) -> list[StageReport]:
    """What the stages did that have a row a page."""
    return [report for report in reports.values() if report.stage not in OF_OTHERS]


def titles(opened: Pipeline, stage: Stage) -> set[str]:
    return set(opened.store.table(stage, ENG).read(columns=["title"])["title"].to_pylist())


def test_a_first_sync_brings_every_page_to_every_table(unsynced: Pipeline) -> None:
    reports = sync(unsynced)
    assert {stage: report.added for stage, report in reports.items()} == {
        **dict.fromkeys(Stage, 12),
        **dict.fromkeys(OF_OTHERS, 0),
    }
    assert titles(unsynced, Stage.WIKI_PAGES) == {"Home", *(f"Page {number}" for number in range(11))}
    assert unsynced.catalog.syncs(ENG)[0].status is SyncStatus.COMPLETED


def test_a_sync_with_nothing_changed_embeds_and_commits_nothing(opened: Pipeline) -> None:
    before = sync(opened)
    after = sync(opened)
    assert {(r.commits, r.embedded, r.added, r.updated, r.deleted) for r in after.values()} == {(0, 0, 0, 0, 0)}
    assert {r.unchanged for r in of_pages(after)} == {12}
    assert [r.data_version for r in after.values()] == [r.data_version for r in before.values()]


def test_every_passage_is_in_the_text_index_when_a_sync_has_ended(
    unsynced: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "UNINDEXED_ROWS", 0)
    sync(unsynced)
    dataset = unsynced.store.vectors(StaticEmbedder.model, StaticEmbedder.dimension, ENG).dataset()
    assert dataset is not None
    assert {index_statistics(dataset, name)["num_unindexed_rows"] for name in index_names(dataset)} == {0}


def test_a_one_line_edit_embeds_at_most_two_passages(opened: Pipeline, space: Space) -> None:
    page = space.add("Long", PARAGRAPHS)
    sync(opened)
    page.edit(PARAGRAPHS.replace("Part 3", "Part three"))
    reports = sync(opened)
    assert {r.updated for r in of_pages(reports)} == {1}
    assert 1 <= reports[Stage.VECTORS].embedded <= 2


def test_a_renamed_page_embeds_nothing(opened: Pipeline, space: Space) -> None:
    page = space.add("Long", PARAGRAPHS)
    sync(opened)
    page.rename("Longer")
    reports = sync(opened)
    assert reports[Stage.RAW_PAGES].updated == 1
    assert reports[Stage.VECTORS].embedded == 0


def test_an_insertion_at_the_top_of_a_page_embeds_at_most_two_passages(opened: Pipeline, space: Space) -> None:
    page = space.add("Long", PARAGRAPHS)
    sync(opened)
    page.edit(f"<p>Mind the ice on the steps.</p>{PARAGRAPHS}")
    assert 1 <= sync(opened)[Stage.VECTORS].embedded <= 2


def test_other_sizes_of_passages_embed_only_what_they_cut_otherwise(
    opened: Pipeline, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    space.add("Long", PARAGRAPHS)
    sync(opened)
    monkeypatch.setenv("WIKI_PIPELINE_CHUNKS_BY_KIND", '{"git": {"prose": "200 tokens"}}')
    with pipeline() as other:
        assert {r.commits for r in sync(other).values()} == {0}
    monkeypatch.setenv("WIKI_PIPELINE_CHUNKS_BY_KIND", '{"confluence": {"prose": "1000/200 characters"}}')
    with pipeline() as other:
        reports = sync(other)
        rows = other.store.table(Stage.CHUNKS, ENG).read(columns=["text_hash", "title"])
    chunks = {hash_ for hash_, title in zip(*rows.to_pydict().values(), strict=True) if title == "Long"}
    assert len(chunks) > 6
    assert reports[Stage.CLEAN_PAGES].updated == 0
    assert reports[Stage.VECTORS].updated == 1
    assert 0 < reports[Stage.VECTORS].embedded <= len(chunks)


def test_sizes_for_a_kind_of_source_that_there_is_not_are_refused(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_CHUNKS_BY_KIND", '{"conflunce": {"prose": "200 tokens"}}')
    with pytest.raises(ConfigurationError, match="conflunce"), pipeline():
        pass


def test_a_page_of_which_nothing_is_left_is_still_found_by_its_title(opened: Pipeline, space: Space) -> None:
    page = space.add("Winch manual", PARAGRAPHS)
    sync(opened)
    page.edit("")
    sync(opened)
    rows = opened.store.table(Stage.CHUNKS, ENG).read([page.id], ["text"])
    assert rows["text"].to_pylist() == ["Winch manual"]


def test_a_trashed_page_leaves_every_table(opened: Pipeline, space: Space) -> None:
    page = space.add("Old", "<p>Old.</p>")
    sync(opened)
    page.trash()
    assert {r.deleted for r in of_pages(sync(opened))} == {1}
    assert "Old" not in titles(opened, Stage.WIKI_PAGES)


def test_named_documents_are_looked_at_without_a_listing(
    opened: Pipeline, space: Space, synced_cloud: SyncedSpace
) -> None:
    edited, gone = space.add("Edited", "<p>One.</p>"), space.add("Gone", "<p>Two.</p>")
    sync(opened)
    edited.edit("<p>Three.</p>")
    gone.trash()
    server = synced_cloud.server
    asked = len(server.requests)
    reports = sync(opened, documents=[edited.id, gone.id])
    listings = [r.path for r in server.requests[asked:] if r.path.endswith("/pages") and "/spaces/" in r.path]
    assert listings == []
    assert [(r.updated, r.deleted) for r in of_pages(reports)] == [(1, 1)] * 5
    assert [(r.commits, r.updated) for r in of_pages(sync(opened))] == [(0, 0)] * 5  # a full sync finds nothing to add


def test_a_listing_that_ends_early_deletes_nothing(opened: Pipeline, space: Space, synced_cloud: SyncedSpace) -> None:
    synced_cloud.server.fault("*/spaces/*/pages*", faults.malformed_json(), times=None)
    with pytest.raises(SourceError):
        sync(opened)
    assert len(titles(opened, Stage.RAW_PAGES)) == 12
    assert opened.catalog.syncs(ENG)[0].status is SyncStatus.FAILED


def test_a_listing_that_lacks_most_of_a_source_stops_unless_it_is_allowed(opened: Pipeline, space: Space) -> None:
    for number in range(8):
        space.page(f"Page {number}").trash()
    with pytest.raises(MassDeletionError, match="8 of the 12"):
        sync(opened)
    assert len(titles(opened, Stage.WIKI_PAGES)) == 12
    assert sync(opened, allow_mass_deletion=True)[Stage.RAW_PAGES].deleted == 8


def test_two_syncs_of_a_source_never_write_at_once(opened: Pipeline) -> None:
    with opened.catalog.lease(f"source {ENG}", 60), pytest.raises(LeaseHeldError, match="Another process is writing"):
        sync(opened)
