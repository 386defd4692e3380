"""What is above a page."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.model import Ancestor
from wiki_pipeline.sources.confluence.tree import Node, Tree

IDS = "abcdef"


def node(node_id: str, parent: str | None, title: str = "") -> Node:
    return Node(node_id, title or node_id.upper(), "page", parent, is_document=True)


def above(tree: Tree, node_id: str) -> list[str]:
    return [ancestor.document_id for ancestor in tree.above(node_id).ancestors]


@given(parents=st.dictionaries(st.sampled_from(IDS), st.none() | st.sampled_from(IDS)), asked=st.permutations(IDS))
def test_chains_lead_from_the_root_downwards_and_end_even_in_a_circle(
    parents: dict[str, str | None], asked: list[str]
) -> None:
    tree = Tree()
    for node_id, parent in parents.items():
        tree.put(node(node_id, parent))
    for node_id in asked:
        chain = above(tree, node_id)
        assert len(chain) == len(set(chain))
        if chain:
            assert chain[-1] == parents[node_id]
            assert all(parents[lower] == upper for upper, lower in pairwise(chain))


@given(parents=st.dictionaries(st.sampled_from(IDS), st.sampled_from(IDS)), asked=st.permutations(IDS))
def test_the_order_of_questions_does_not_matter(parents: dict[str, str], asked: list[str]) -> None:
    fresh = {}
    for node_id in IDS:
        tree = Tree()
        for child, parent in parents.items():
            tree.put(node(child, parent))
        fresh[node_id] = above(tree, node_id)
    tree = Tree()
    for child, parent in parents.items():
        tree.put(node(child, parent))
    assert {node_id: above(tree, node_id) for node_id in asked} == fresh


def test_a_renamed_or_moved_node_changes_the_chains_through_it() -> None:
    tree = Tree()
    for child, parent in {"a": None, "b": "a", "c": "b"}.items():
        tree.put(node(child, parent))
    assert above(tree, "c") == ["a", "b"]
    tree.put(node("b", None, "New"))
    assert tree.above("c").ancestors == (Ancestor("b", "New"),)


def test_parents_that_were_not_met_are_known_by_name() -> None:
    tree = Tree()
    tree.put(Node("p", "P", "page", "f", "folder", is_document=True))
    assert tree.unknown == {"f": "folder"}
    tree.put(Node("f", "F", "folder", "g", "whiteboard"))
    assert tree.unknown == {"g": "whiteboard"}
    tree.put(Node("g", "", "whiteboard", is_hidden=True))
    assert tree.unknown == {}
    assert above(tree, "p") == ["f"]
    assert tree.above("p").containers == {"f"}
