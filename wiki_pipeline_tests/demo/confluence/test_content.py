"""What people do to contents, and what that does to versions, trees and the rest of the site."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wiki_pipeline.demo.confluence.site import Content, Site, Space
from wiki_pipeline_tests.demo.confluence.conftest import Clock


@pytest.fixture
def space() -> Space:
    """A space with a page, a child and a grandchild."""
    space = Site(clock=Clock()).space("ENG")
    top = space.add("Top")
    space.add("Grandchild", parent=space.add("Child", parent=top))
    return space


def test_edits_and_renames_add_a_version_the_rest_does_not(space: Space) -> None:
    page, numbers = space.page("Child"), []
    for act in (
        lambda: page.edit("<p>New</p>"),
        lambda: page.rename("Kid"),
        lambda: page.move(None),
        lambda: page.label("a"),
        lambda: page.unlabel("a"),
        lambda: page.restrict(read=["Ada Lovelace"]),
        lambda: page.attach("a.txt", b"", "text/plain"),
        lambda: page.comment("<p/>"),
        page.archive,
        page.restore,
        page.trash,
        page.restore,
    ):
        act()
        numbers.append(page.version.number)
    assert numbers == [2, 3] + [3] * 10


def test_children_of_a_trashed_page_move_up_or_stay(space: Space) -> None:
    top, child, grandchild = space.page("Top"), space.page("Child"), space.page("Grandchild")
    child.trash()
    assert grandchild.parent is top
    assert child.parent is top
    top.trash(lift_children=False)
    assert grandchild.parent is top
    assert grandchild.status == "current"


def test_a_purged_page_is_gone_and_its_children_move_up(space: Space) -> None:
    child = space.page("Child")
    child.purge()
    assert space.page("Grandchild").parent is space.page("Top")
    assert child.id not in space.contents
    assert child.id not in space.site.contents


def test_a_page_moves_with_all_below_it_even_to_another_space(space: Space) -> None:
    other = space.site.space("OTHER")
    home = other.add("Home")
    space.page("Child").move(home)
    assert {page.title for page in space.contents.values()} == {"Top"}
    assert [page.title for page in other.page("Grandchild").ancestors] == ["Home", "Child"]
    other.page("Child").move(None, space=space)
    assert space.page("Grandchild").space is space
    with pytest.raises(ValueError, match="below itself"):
        space.page("Child").move(space.page("Grandchild"))


def test_times_come_from_the_clock_or_from_the_test(space: Space) -> None:
    clock = space.site.clock
    assert isinstance(clock, Clock)
    clock.advance(hours=2)
    page = space.page("Top")
    assert page.edit("<p/>").when == clock.now
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    assert page.edit("<p/>", when=moment).when == moment
    assert page.created < clock.now


def test_ids_are_never_used_twice(space: Space) -> None:
    taken = space.site.next_id()
    space.add("Named", id=str(int(taken) + 3))
    ids = {space.add(f"Page {number}").id for number in range(5)}
    assert len(ids | {str(int(taken) + 3)}) == 6
    with pytest.raises(ValueError, match="already"):
        space.add("Again", id=taken if taken in space.contents else next(iter(ids)))


class Editing(RuleBasedStateMachine):
    """Any sequence of operations leaves one tree in which everything is found."""

    def __init__(self) -> None:
        super().__init__()
        self.site = Site()
        self.spaces = [self.site.space("A"), self.site.space("B")]

    def _pick(self, number: int) -> Content | None:
        contents = list(self.site.contents.values())
        return contents[number % len(contents)] if contents else None

    @rule(number=st.integers(0, 99), space=st.integers(0, 1))
    def add(self, number: int, space: int) -> None:
        parent = self._pick(number) if number % 3 else None
        (parent.space if parent else self.spaces[space]).add(f"Page {len(self.site.contents)}", parent=parent)

    @rule(number=st.integers(0, 99), below=st.integers(0, 99), space=st.integers(0, 1))
    def move(self, number: int, below: int, space: int) -> None:
        page, parent = self._pick(number), self._pick(below) if below % 4 else None
        if page and page is not parent and (parent is None or page not in parent.ancestors):
            page.move(parent, space=None if parent else self.spaces[space])

    @rule(number=st.integers(0, 99), act=st.sampled_from(["trash", "restore", "archive", "purge"]))
    def act(self, number: int, act: str) -> None:
        page = self._pick(number)
        if page:
            getattr(page, act)()

    @invariant()
    def the_tree_holds_everything_once(self) -> None:
        walked = [item for space in self.spaces for root in space.roots for item in (root, *root.descendants())]
        assert {item.id for item in walked} == self.site.contents.keys()
        assert len(walked) == len(self.site.contents)
        for space in self.spaces:
            assert all(content.space is space for content in space.contents.values())
        found = {item.id: item for item in self.site.index.entries()}
        assert found.keys() == {item.id for item in walked if item.status == "current"}
        for item in walked:
            if item.status == "current":
                assert found[item.id].ancestors == tuple(above.id for above in item.ancestors)


Editing.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestEditing = Editing.TestCase
