"""Whatever pages include each other, in whatever order they were edited and synced: the tables end as new ones."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiki_pipeline.catalog import SyncMode
from wiki_pipeline.demo.confluence import ConfluenceServer, Content, Space
from wiki_pipeline.model import SourceKey, Stage, StageReport
from wiki_pipeline.stages import clean_pages, raw_pages, wiki_pages
from wiki_pipeline.sync.dependents import dependents_behind
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import open_sync
from wiki_pipeline_tests.installation import install, pipeline
from wiki_pipeline_tests.sync.test_included_pages import excerpt, include

TITLES = ["Pump", "Winch", "Tide", "Mast"]  # in both spaces, so that the same title means two pages


def body(draw: random.Random, keys: list[str]) -> str:
    """A few words, and pages of either space that may be there, may not, or may be the page itself."""
    parts = [f"<p>Words {draw.randint(0, 10**6)}.</p>"]
    for _ in range(draw.choice([0, 1, 1, 2])):
        macro = draw.choice(["include", "include", "excerpt-include"])
        parts.append(include(draw.choice([*TITLES, "Nowhere"]), draw.choice(["", *keys]), macro))
    if draw.random() < 0.4:
        parts.append(excerpt(f"Excerpt {draw.randint(0, 10**6)}."))
    draw.shuffle(parts)
    return "".join(parts)


def someone_works(space: Space, keys: list[str], draw: random.Random) -> set[str]:
    """One thing that people do to a space; the ids of the pages it touched."""
    pages = [content for content in space.contents.values() if content.type == "page"]
    page: Content = draw.choice(pages)
    taken = {content.title for content in pages}
    free = [title for title in [*TITLES, "Nowhere"] if title not in taken]
    match draw.choice(["edit", "edit", "rename", "trash", "restore", "label"]):
        case "edit":
            page.edit(body(draw, keys))
        case "rename" if free:
            page.rename(draw.choice(free))
        case "trash" if page.status == "current":
            page.trash()
        case "restore" if page.status == "trashed":
            page.restore()
        case _:
            page.label(f"label-{draw.randint(0, 10**6)}")
    return {page.id}


def rows(opened: Pipeline, sources: list[SourceKey]) -> list[str]:
    """All rows of the pages' text and of the wiki, in an order of their own."""
    tables = (opened.store.table(stage, key) for stage in (Stage.CLEAN_PAGES, Stage.WIKI_PAGES) for key in sources)
    return sorted(repr(row) for table in tables for row in table.read().to_pylist())


def sync(opened: Pipeline, source: SourceKey, documents: Sequence[str] = ()) -> dict[Stage, StageReport]:
    """The stages that have to do with pages' text and links."""
    with open_sync(opened, source, SyncMode.FULL, lambda _: None) as work:
        raw_pages.update(work, documents, allow_mass_deletion=True)
        clean_pages.update(work)
        wiki_pages.update(work)
    return {report.stage: report for report in work.reports}


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_any_graph_of_pages_ends_as_fresh_syncs_make_it_in_any_order(
    confluence_datacenter: ConfluenceServer,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    draw = random.Random(seed)
    number = len(confluence_datacenter.site.spaces)
    keys = [f"A{number}", f"B{number}"]
    spaces = {SourceKey("default", "confluence", key): confluence_datacenter.space(key, key) for key in keys}
    for space in spaces.values():
        for title in TITLES:
            space.add(title, body(draw, keys))

    def installed(name: str) -> None:
        configured = json.dumps({key: [] for key in keys})
        home = tmp_path_factory.mktemp(name)
        install(monkeypatch, home, CONFLUENCE_URL=confluence_datacenter.url, CONFLUENCE_SPACES=configured)

    installed("lived")
    with pipeline() as opened:
        for source in spaces:
            sync(opened, source)
        for _ in range(3):
            for source in draw.sample(list(spaces), 2):
                touched = {id_ for _ in range(draw.randint(1, 3)) for id_ in someone_works(spaces[source], keys, draw)}
                sync(opened, source, sorted(touched))
                assert dependents_behind(opened, source) == []
        for source in spaces:  # what others changed since is rebuilt without anything new upstream
            assert sync(opened, source)[Stage.RAW_PAGES].commits == 0
        assert [dependents_behind(opened, source) for source in spaces] == [[], []]
        assert {report.commits for source in spaces for report in sync(opened, source).values()} == {0}
        lived = rows(opened, list(spaces))

    installed("fresh")
    with pipeline() as opened:
        for source in [*reversed(spaces), *spaces, *spaces]:
            sync(opened, source)
        assert rows(opened, list(spaces)) == lived
