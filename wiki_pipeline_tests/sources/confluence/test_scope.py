"""Sources of named pages, with or without all that is below them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.demo.confluence import Content, faults
from wiki_pipeline.errors import SourceNotFoundError
from wiki_pipeline.sources.confluence.config import PageScope, SourceConfig
from wiki_pipeline_tests.sources.confluence.conftest import Site


def chain(site: Site, parent: Content, *titles: str) -> list[Content]:
    """Pages each below the one before."""
    pages: list[Content] = []
    for title in titles:
        parent = site.space.add(title, parent=parent)
        pages.append(parent)
    return pages


def deep(page: Content) -> dict[str, object]:
    return {"page_id": page.id, "get_child_pages": True}


def test_named_pages_are_the_whole_source(site: Site) -> None:
    root = site.space.add("Root")
    one, below = chain(site, root, "One", "Below")
    other = site.space.add("Other")
    source = site.open(pages=[{"page_id": one.id}, {"page_id": other.id}])
    assert source.list().keys() == {one.id, other.id}
    row = source.page(one.id)
    assert (row.parent_id, [item.title for item in row.ancestors]) == (None, ["Root"])
    assert "no longer among" in source.gone(below.id)


def test_child_pages_are_all_descendants_however_deep(site: Site) -> None:
    root = site.space.add("Root")
    titles = [f"Level {number}" for number in range(24)]
    levels = chain(site, root, *titles)
    side = site.space.add("Side", parent=levels[20])
    site.space.add("Outside", parent=root)
    source = site.open(pages=[deep(levels[0])])
    keys = source.list()
    assert keys.keys() == {page.id for page in [*levels, side]}
    row = source.page(side.id)
    assert row.parent_id == levels[20].id
    assert [item.title for item in row.ancestors] == ["Root", *titles[:21]]
    assert row.version_key == keys[side.id] == site.open(pages=[deep(levels[0])]).page(side.id).version_key


def test_descendants_below_folders_belong_to_the_source(site: Site) -> None:
    root = site.space.add("Root")
    folder = site.space.add("Folder", type="folder", parent=root)
    page = site.space.add("Page", parent=site.space.add("Inner", type="folder", parent=folder))
    source = site.open(pages=[deep(root)])
    assert source.list().keys() == {root.id, page.id}
    assert source.page(page.id).parent_id == root.id


def test_many_children_are_all_listed(site: Site) -> None:
    root = site.space.add("Root")
    children = [site.space.add(f"Child {number}", parent=root, labels=["x"]) for number in range(60)]
    site.server.fault("*", faults.capped(7), times=None)
    source = site.open(pages=[deep(root)])
    keys = source.list()
    assert keys.keys() == {root.id, *(page.id for page in children)}
    assert source.page(children[50].id).version_key == keys[children[50].id]


def test_scopes_that_overlap_list_each_page_once(site: Site) -> None:
    root = site.space.add("Root")
    pages = chain(site, root, "A", "B", "C")
    source = site.open(pages=[deep(root), deep(pages[1]), {"page_id": pages[2].id}])
    assert source.list().keys() == {root.id, *(page.id for page in pages)}


def test_archived_and_trashed_descendants_are_left_out(site: Site) -> None:
    root = site.space.add("Root")
    pages = [site.space.add(f"Page {number}", parent=root) for number in range(4)]
    pages[0].archive()
    pages[1].trash()
    assert site.open(pages=[deep(root)]).list().keys() == {root.id, pages[2].id, pages[3].id}


def test_a_page_moved_out_of_the_scope_is_gone(site: Site) -> None:
    root, elsewhere = site.space.add("Root"), site.space.add("Elsewhere")
    page = site.space.add("Page", parent=root)
    source = site.open(pages=[deep(root)])
    assert page.id in source.list()
    page.move(elsewhere)
    assert "no longer among" in source.gone(page.id)
    assert page.id not in source.list()


@pytest.mark.parametrize("deep_too", [False, True])
def test_a_named_page_that_is_gone_is_left_out_and_named(site: Site, deep_too: bool) -> None:
    kept, trashed = site.space.add("Kept"), site.space.add("Trashed")
    moved = site.server.space("OTHER").add("Moved")
    trashed.trash()
    scope = [{"page_id": page.id, "get_child_pages": deep_too} for page in (kept, trashed, moved)]
    source = site.open(pages=[*scope, {"page_id": "999999999"}])
    assert source.list().keys() == {kept.id}
    assert source.source.skipped == {f"page {id_} not found": 1 for id_ in (trashed.id, moved.id, "999999999")}
    assert "trash" in source.gone(trashed.id)


@pytest.mark.parametrize("deep_too", [False, True])
def test_when_none_of_the_named_pages_is_there_that_is_an_error(site: Site, deep_too: bool) -> None:
    site.space.add("Another")
    with pytest.raises(SourceNotFoundError, match="999999999"):
        site.open(pages=[{"page_id": "999999999", "get_child_pages": deep_too}]).list()


IDS = st.sampled_from(["1", "2", "3", "4", "5"])


@given(
    scope=st.lists(st.builds(PageScope, IDS, st.booleans()), unique_by=lambda page: page.page_id),
    page=IDS,
    above=st.lists(IDS, unique=True),
)
def test_what_is_below_a_page_that_is_held_with_its_children_is_held(
    scope: list[PageScope], page: str, above: list[str]
) -> None:
    config = SourceConfig("https://x", "DEV", tuple(scope))
    held = config.holds(page, above)
    if not scope:
        assert held
    named = {item.page_id for item in scope}
    deep_ones = {item.page_id for item in scope if item.get_child_pages}
    assert held == (not scope or page in named or bool(deep_ones & set(above)))
    assert SourceConfig.parse(config.dump()) == config
