"""The tree of a repository with generated pages."""

from __future__ import annotations

import posixpath

import pyarrow as pa

from wiki_pipeline.model import WIKI_PAGES
from wiki_pipeline.wiki.repository_tree import GENERATED_COLUMNS, GeneratedPages, build_repository
from wiki_pipeline.wiki.tree import COLUMNS, Tree
from wiki_pipeline_tests.wiki.test_tree import shape


def tree_of(paths: dict[str, str], generated: list[tuple[str, str, str]], places: list[tuple[str, str]] = ()) -> Tree:  # type: ignore[assignment]
    """Of documents by path with their titles, and of generated pages with kind and section."""
    columns: dict[str, list[object]] = {name: [] for name in COLUMNS}
    for path, title in paths.items():
        row = {"document_id": path, "title": title, "path": path, "wiki_path": path, "position": 0, "ancestors": []}
        for name in COLUMNS:
            columns[name].append(row.get(name))
    rows = pa.table({name: pa.array(columns[name], WIKI_PAGES.field(name).type) for name in COLUMNS})
    found = [
        {
            "document_id": page_id,
            "title": posixpath.basename(page_id),
            "kind": kind,
            "section": section,
            "places": [{"path": path, "title": title, "depth": 0} for path, title in places]
            if page_id == "-/contents"
            else [],
        }
        for page_id, kind, section in generated
    ]
    pages = pa.Table.from_pylist(found, pa.schema([*_SCHEMA]))
    return build_repository(rows, GeneratedPages.of(pages.select(GENERATED_COLUMNS)))


_PLACE = pa.struct([("path", pa.string()), ("title", pa.string()), ("depth", pa.int32())])
_SCHEMA = [
    ("document_id", pa.string()),
    ("title", pa.string()),
    ("kind", pa.string()),
    ("section", pa.string()),
    ("places", pa.list_(_PLACE)),
]
_CODE = [("src/", "package", "code"), ("src/a.py", "module", "code"), ("docs/", "package", "documentation")]
_OWN = [("-/overview", "overview", ""), ("-/contents", "overview", ""), ("-/architecture", "overview", "")]


def test_documents_stand_in_their_order_under_their_titles() -> None:
    paths = {"docs/a.md": "Anchors", "docs/z.md": "Z", "docs/m.md": "Mole", "src/a.py": "src/a.py", "x.yml": "x.yml"}
    tree = tree_of(paths, [*_CODE, *_OWN], [("docs/z.md", "Zebras first"), ("docs/a.md", "")])
    assert shape(tree.roots) == [
        "overview",
        "architecture",
        "contents",
        ["Documentation", [["docs", ["Zebras first", "Anchors", "Mole"]]]],
        ["Code", [["src", ["a.py"]]]],
        ["Other files", ["x.yml"]],
    ]
    assert [node.path for node in tree.documents] == ["docs/z.md", "docs/a.md", "docs/m.md", "src/a.py", "x.yml"]
    node = tree.at("src/a.py")
    assert node is not None
    assert (node.generated, node.is_generated) == ("src/a.py", False)
    assert [above.title for above in node.lineage()] == ["Code", "src", "a.py"]


def test_the_readme_is_the_introduction_although_it_is_in_a_group() -> None:
    tree = tree_of({"README.md": "Rocket", "src/a.py": "a"}, [*_CODE, *_OWN])
    assert tree.home is not None
    assert tree.home.path == "README.md"


def test_documents_alone_are_not_grouped() -> None:
    tree = tree_of({"docs/a.md": "A", "README.md": "R"}, [("docs/", "package", "documentation"), *_OWN[:1]])
    assert shape(tree.roots) == ["overview", "README.md", ["docs", ["A"]]]


def test_a_file_at_the_address_of_a_generated_page_is_the_one_that_is_shown() -> None:
    tree = tree_of({"-/overview": "-/overview", "src/a.py": "a"}, [*_CODE, *_OWN])
    found = tree.at("-/overview")
    assert found is not None
    assert not found.generated
