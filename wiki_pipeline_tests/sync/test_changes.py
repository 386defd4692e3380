"""What the log of changes holds after syncs, interrupted ones too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.catalog import ChangeRecord, SetKind, SyncMode
from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.errors import StoreError
from wiki_pipeline.model import Stage
from wiki_pipeline.stages import STAGES, clean_pages, raw_pages
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import open_sync
from wiki_pipeline.sync.sources import forget
from wiki_pipeline.text import clean
from wiki_pipeline_tests.installation import ENG, install_for_space, pipeline, sync


@pytest.fixture
def space(confluence_cloud: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Space:
    """A space of four pages at a Cloud site, configured as the installation's only source."""
    space = confluence_cloud.space("ENG", "Engineering")
    home = space.add("Home", "<p>Welcome.</p>")
    for name in ("One", "Two", "Three"):
        space.add(name, f"<p>This is page {name}.</p>", parent=home)
    install_for_space(monkeypatch, tmp_path, confluence_cloud.url)
    return space


@pytest.fixture
def opened(space: Space) -> Iterator[Pipeline]:
    with pipeline() as opened:
        yield opened


class Reader:
    """Reads on from where it was."""

    def __init__(self, opened: Pipeline) -> None:
        self._log = opened.catalog.changes
        self._cursor = ""

    def records(self) -> list[ChangeRecord]:
        page = self._log.page("default", self._cursor, limit=1_000)
        self._cursor = page.cursor
        return list(page.changes)

    def news(self) -> list[tuple[str, str, str]]:
        return sorted((each.title, each.kind.value, each.version) for each in self.records())


def test_the_log_tells_what_syncs_brought_and_took_away(opened: Pipeline, space: Space) -> None:
    reader = Reader(opened)
    sync(opened)
    first = reader.records()
    assert sorted(each.title for each in first) == ["Home", "One", "Three", "Two"]
    assert {each.kind.value for each in first} == {"added"}
    assert all(each.url.startswith("http") and each.author and each.modified_at for each in first)
    (added,) = opened.catalog.changes.sets("default")
    assert (added.kind, added.title, added.added) == (SetKind.FIRST, "Engineering", 4)
    sync(opened)
    assert reader.news() == []
    one = space.page("One")
    one.edit("<p>Other words.</p>")
    space.page("Two").trash()
    space.add("Four", "<p>New.</p>")
    sync(opened)
    assert reader.news() == [("Four", "added", "1"), ("One", "updated", "2"), ("Two", "deleted", "1")]
    newest = opened.catalog.changes.sets("default")[0]
    assert (newest.kind, newest.added, newest.updated, newest.deleted) == (SetKind.SYNC, 1, 1, 1)


def test_an_incremental_sync_tells_what_it_was_named_and_what_else_changed_by_that(
    opened: Pipeline, space: Space
) -> None:
    space.add(
        "Including", '<ac:structured-macro ac:name="include"><ac:parameter ac:name=""><ac:link>'
        '<ri:page ri:content-title="One" /></ac:link></ac:parameter></ac:structured-macro>'
    )  # fmt: skip
    sync(opened)
    reader = Reader(opened)
    reader.records()
    one = space.page("One")
    one.edit("<p>Quite other words.</p>")
    sync(opened, documents=[one.id])
    found = {each.title: each for each in reader.records()}
    assert found.keys() == {"One", "Including"}
    assert (found["One"].previous_version, found["One"].version) == ("1", "2")
    assert found["Including"].version == found["Including"].previous_version == "1"
    sync(opened, documents=[one.id])
    assert reader.records() == []
    one.trash()
    sync(opened, documents=[one.id])
    assert ("One", "deleted", "2") in reader.news()


def test_documents_made_anew_with_the_same_outcome_did_not_change(
    opened: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(opened)
    reader = Reader(opened)
    reader.records()
    monkeypatch.setattr(clean, "CODE_VERSION", "another")
    assert sync(opened)[Stage.CLEAN_PAGES].updated == 4
    assert reader.records() == []


def test_what_a_sync_that_died_left_unrecorded_the_next_one_finds(opened: Pipeline, space: Space) -> None:
    sync(opened)
    reader = Reader(opened)
    reader.records()
    space.page("One").edit("<p>Words that are not told of.</p>")

    def half() -> None:
        with open_sync(opened, ENG, SyncMode.FULL, lambda _: None) as work:
            raw_pages.update(work)
            clean_pages.update(work)
            raise StoreError("The storage is out of reach.")

    with pytest.raises(StoreError):
        half()
    assert reader.records() == []
    # The next one is told of another page only, and has nothing to do for the first.
    two = space.page("Two")
    two.edit("<p>Other words.</p>")
    sync(opened, documents=[two.id])
    assert reader.news() == [("One", "updated", "2"), ("Two", "updated", "2")]


def test_stages_one_at_a_time_are_told_of_once_all_are_done(opened: Pipeline) -> None:
    reader = Reader(opened)
    for declared in STAGES:
        assert reader.records() == []
        with open_sync(opened, ENG, SyncMode.FULL, lambda _: None) as work:
            declared.update(work)
    sync(opened)
    assert len(reader.records()) == 4


def test_a_state_folder_of_before_is_told_of_with_its_next_sync(opened: Pipeline, space: Space) -> None:
    sync(opened)
    reader = Reader(opened)
    with opened.catalog._database.write() as connection:  # as the catalog was before there was a log
        for table in ("changes", "change_sets", "change_states", "change_logs"):
            connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 - our own names
    sync(opened)
    assert {each.kind.value for each in reader.records()} == {"added"}
    assert [each.kind for each in opened.catalog.changes.sets("default")] == [SetKind.FIRST]


def test_a_source_that_is_forgotten_is_told_of_and_can_come_again(opened: Pipeline) -> None:
    sync(opened)
    reader = Reader(opened)
    reader.records()
    forget(opened, ENG)
    assert reader.news() == [("Engineering", "source_removed", "")]
    opened.add_configured_sources()
    sync(opened)
    assert [kind for _, kind, _ in reader.news()] == ["added"] * 4
