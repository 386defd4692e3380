"""The navigation tree is right whatever upstream says."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.links.wiki_addresses import wiki_path_of
from wiki_pipeline.model import WIKI_PAGES, Ancestor, Document
from wiki_pipeline.wiki.outline import DEPTH, SIBLINGS, WHOLE, Level, crumbs, outline
from wiki_pipeline.wiki.tree import COLUMNS, Node, Tree, build
from wiki_pipeline_tests.wiki.pages import file


def page(document_id: str, title: str = "", parent: str | None = None, position: int = 0, above: str = "") -> Document:
    ancestors = tuple(Ancestor(name, name) for name in above.split())
    return Document(
        document_id=document_id,
        title=title or document_id,
        url="",
        parent_id=parent,
        position=position,
        ancestors=ancestors,
    )


def tree_of(documents: Sequence[Document]) -> Tree:
    values = {name: [] if name == "wiki_path" else [getattr(d, name) for d in documents] for name in COLUMNS}
    values["wiki_path"] = [wiki_path_of(d) for d in documents]
    values["ancestors"] = [[{"document_id": a.document_id, "title": a.title} for a in d.ancestors] for d in documents]
    return build(pa.table({name: pa.array(values[name], WIKI_PAGES.field(name).type) for name in COLUMNS}))


def shape(nodes: Sequence[Node]) -> list[object]:
    return [[node.title, shape(node.children)] if node.children else node.title for node in nodes]


def test_pages_hang_below_their_parents_in_the_order_of_the_source() -> None:
    tree = tree_of(
        [page("b", parent="r", position=2), page("a", parent="r", position=3), page("r"), page("c", parent="b")]
    )
    assert shape(tree.roots) == [["r", [["b", ["c"]], "a"]]]
    assert [node.title for node in tree.reading_order] == ["r", "b", "c", "a"]


def test_pages_at_the_same_position_are_in_the_order_of_their_titles() -> None:
    titles = ["Step 10", "step 2", "Step 1", "Ärger", "2024", "Zebra"]
    tree = tree_of([page(str(n), title) for n, title in enumerate(titles)])
    assert [node.title for node in tree.roots] == ["2024", "Step 1", "step 2", "Step 10", "Zebra", "Ärger"]


def test_a_page_whose_parent_is_missing_hangs_below_its_nearest_ancestor_that_is_there() -> None:
    documents = [
        page("r"),
        page("a", parent="r"),
        page("b", parent="folder", above="r a folder"),
        page("o", parent="gone"),
    ]
    assert shape(tree_of(documents).roots) == ["o", ["r", [["a", ["b"]]]]]


def test_pages_that_are_each_others_parents_are_shown_once() -> None:
    documents = [
        page("a", parent="c"),
        page("b", parent="a"),
        page("c", parent="b"),
        page("d", parent="d"),
        page("e", parent="c"),
    ]
    assert shape(tree_of(documents).roots) == [["a", [["b", [["c", ["e"]]]]]], "d"]


def test_files_lie_in_their_folders_readme_first_then_folders_then_files() -> None:
    paths = [
        "z.md",
        "README.md",
        "src/b/x.py",
        "docs/guide.md",
        "docs/README.md",
        "src/b2.py",
        "Makefile",
        "src/b10.py",
    ]
    tree = tree_of([file(path) for path in paths])
    assert shape(tree.roots) == [
        "README.md",
        ["docs", ["README.md", "guide.md"]],
        ["src", [["b", ["x.py"]], "b2.py", "b10.py"]],
        "Makefile",
        "z.md",
    ]
    assert tree.home is not None
    assert tree.home.path == "README.md"
    folder = tree.at("src/b/")
    assert folder is not None
    assert [node.path for node in folder.lineage()] == ["src/", "src/b/"]


def test_previous_and_next_are_pages_never_folders() -> None:
    tree = tree_of([file(path) for path in ["a/x.md", "b/y.md", "README.md"]])
    node = tree.document("a/x.md")
    assert node is not None
    before, after = tree.neighbours(node)
    assert (before and before.path, after and after.path) == ("README.md", "b/y.md")


def test_the_only_root_introduces_a_space() -> None:
    home = tree_of([page("r"), page("a", parent="r")]).home
    assert home is not None
    assert home.document_id == "r"
    assert tree_of([page("r"), page("a")]).home is None
    assert tree_of([]).home is None


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(-2, 2), st.lists(st.integers(0, 12), max_size=3)), max_size=12)
)
def test_every_page_is_in_the_tree_exactly_once(rows: list[tuple[int, int, list[int]]]) -> None:
    documents = [
        page(str(n), parent=str(parent), position=position, above=" ".join(map(str, above)))
        for n, (parent, position, above) in enumerate(rows)
    ]
    trees = [tree_of(documents), tree_of(documents[::-1])]
    assert sorted(node.document_id for node in trees[0].reading_order) == sorted(d.document_id for d in documents)
    assert shape(trees[0].roots) == shape(trees[1].roots)
    for node in trees[0].reading_order:
        assert node.lineage()[0] in trees[0].roots


# --- what is shown beside a page -------------------------------------------------------------------------------------


def count(level: Level) -> int:
    return sum(1 + (count(branch.children) if branch.children else 0) for branch in level.branches)


def test_a_small_tree_is_shown_whole_with_the_way_to_the_page_unfolded() -> None:
    tree = tree_of([page("a"), page("b"), page("c", parent="b"), page("d", parent="a")])
    level = outline(tree, tree.document("c"), "Handbook")
    first, second = level.branches
    assert count(level) == 4
    assert (first.unfolded, second.unfolded, second.current) == (False, True, False)
    assert second.children is not None
    assert second.children.branches[0].current


def test_the_only_root_is_no_level_of_its_own() -> None:
    tree = tree_of([page("r", "Welcome"), page("a", parent="r"), page("b", parent="a")])
    level = outline(tree, tree.document("b"), "Handbook")
    assert [branch.node.title for branch in level.branches] == ["Welcome", "a"]
    assert [branch.children is None for branch in level.branches] == [True, False]
    assert outline(tree, tree.document("r"), "Handbook").branches[0].current
    node = tree.document("b")
    assert node is not None
    assert [above.title for above in crumbs(tree, node, "Handbook")] == ["Welcome", "a"]


def test_the_only_root_is_left_out_where_the_heading_says_the_same() -> None:
    tree = tree_of([page("r", "Handbook"), page("a", parent="r"), page("b", parent="a")])
    level = outline(tree, tree.document("b"), "handbook")
    assert [branch.node.title for branch in level.branches] == ["a"]
    node = tree.document("b")
    assert node is not None
    assert [above.title for above in crumbs(tree, node, "handbook")] == ["a"]


def test_of_a_large_tree_the_way_to_the_page_is_shown() -> None:
    documents = [page(f"{n:04}") for n in range(WHOLE + 1)] + [page("x", parent="0300"), page("y", parent="0301")]
    tree = tree_of(documents)
    level = outline(tree, tree.document("x"), "")
    titles = [branch.node.title for branch in level.branches]
    assert (len(titles), "0300" in titles) == (SIBLINGS, True)
    assert level.before + len(titles) + level.after == WHOLE + 1
    assert next(b for b in level.branches if b.node.title == "0301").folded
    assert outline(tree, None, "").before == 0


def test_a_very_deep_tree_is_shown_from_an_ancestor_downwards() -> None:
    documents = [page("0")] + [page(str(n), parent=str(n - 1)) for n in range(1, 5000)]
    tree = tree_of(documents)
    level = outline(tree, tree.document("4999"), "")
    assert count(level) == DEPTH
    assert level.branches[0].node.title == str(5000 - DEPTH)
