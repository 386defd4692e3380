"""Diagrams are bounded, the same each time, and hold what they should."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from wiki_pipeline.repository_wiki.diagram import MOST_NODES, Box, _told, cycles, draw, layers

_NAMES = st.sampled_from([f"n{number}" for number in range(8)])
_EDGES = st.dictionaries(st.tuples(_NAMES, _NAMES), st.integers(1, 9), max_size=25)


def boxes(*names: str) -> list[Box]:
    return [Box(name, name, f"/wiki/x/{name}") for name in names]


def test_users_stand_left_of_what_they_use() -> None:
    ranks, circles = layers(["a", "b", "c", "d"], [("a", "b"), ("b", "c"), ("a", "c")])
    assert ranks == [["a", "d"], ["b"], ["c"]]
    assert circles == []


def test_a_cycle_is_one_layer() -> None:
    ranks, circles = layers(["a", "b", "c"], [("a", "b"), ("b", "a"), ("b", "c")])
    assert ranks == [["a", "b"], ["c"]]
    assert circles == [["a", "b"]]
    assert cycles({"a": ["b"], "b": ["a"], "c": ["a"]}) == [["a", "b"]]


@settings(max_examples=60, deadline=None)
@given(_EDGES)
def test_every_edge_leads_onwards_or_within_a_cycle(edges: dict[tuple[str, str], int]) -> None:
    names = [f"n{number}" for number in range(8)]
    ranks, circles = layers(names, edges)
    assert sorted(name for rank in ranks for name in rank) == names
    rank_of = {name: number for number, rank in enumerate(ranks) for name in rank}
    together = [set(group) for group in circles]
    for one, other in edges:
        assert one == other or rank_of[one] < rank_of[other] or any({one, other} <= group for group in together)
    drawn = draw(boxes(*names), edges, "t")
    assert drawn == draw(boxes(*reversed(names)), dict(reversed(edges.items())), "t")
    if drawn:
        ET.fromstring(drawn)  # noqa: S314 - our own


def reached(edges: dict[tuple[str, str], int]) -> set[tuple[str, str]]:
    """Which names lead to which, over any number of steps."""
    found = {pair for pair in edges if pair[0] != pair[1]}
    while more := {(a, d) for a, b in found for c, d in found if b == c and a != d} - found:
        found |= more
    return found


@settings(max_examples=60, deadline=None)
@given(_EDGES)
def test_lines_that_are_left_out_are_told_by_others(edges: dict[tuple[str, str], int]) -> None:
    told = _told(edges)
    assert told.items() <= edges.items()
    assert reached(told) == reached(edges)


def test_what_is_used_through_another_has_no_line_of_its_own() -> None:
    assert set(_told({("a", "b"): 1, ("b", "c"): 1, ("a", "c"): 5})) == {("a", "b"), ("b", "c")}


def test_it_is_bounded_and_well_formed() -> None:
    many = [Box(f"p{number}", f"p{number} <&\"'>" + "x" * 100, "/wiki/x/?a=1&b=<", number) for number in range(100)]
    drawn = draw(many, {("p99", "p98"): 3, ("p1", "p2"): 1}, "<title>")
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    shapes = root.findall(".//{http://www.w3.org/2000/svg}rect")
    assert len(shapes) == MOST_NODES
    assert "style" not in drawn


def test_a_chain_of_a_thousand_needs_no_recursion() -> None:
    names = [f"n{number}" for number in range(3000)]
    ranks, _ = layers(names, list(pairwise(names)))
    assert len(ranks) == 3000


def test_nothing_to_connect_is_no_diagram() -> None:
    assert draw(boxes("a", "b"), {}, "t") == ""
