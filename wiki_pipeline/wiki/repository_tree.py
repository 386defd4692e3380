"""The navigation tree of a repository that has generated pages: those about all of it, then documentation in its own
order and under its own titles, then code, tests, and everything else."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from wiki_pipeline.wiki.tree import Node, Tree, introduction_name, natural

GENERATED_COLUMNS = ("document_id", "title", "kind", "section", "places")
_GROUPS = {"documentation": "Documentation", "code": "Code", "tests": "Tests", "other": "Other files"}
_PROSE = (".md", ".markdown", ".rst", ".adoc", ".asciidoc", ".ipynb", ".mdx", ".mdown")
HOME = "-/overview"
_LAST = 1_000_000


@dataclass(frozen=True, slots=True)
class GeneratedPages:
    """What a tree needs to know of them.

    Attributes:
        overviews: title by id, in reading order.
        sections: of folders (with a slash at the end) and files that have pages of facts.
        order, titles: of documents and folders, by path.
    """

    overviews: Mapping[str, str] = field(default_factory=dict)
    sections: Mapping[str, str] = field(default_factory=dict)
    order: Mapping[str, int] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: pa.Table) -> GeneratedPages:
        """From the columns `GENERATED_COLUMNS`."""
        overviews, sections = {}, {}
        order: dict[str, int] = {}
        titles: dict[str, str] = {}
        for row in rows.to_pylist():
            if row["kind"] == "overview":
                overviews[row["document_id"]] = row["title"]
            else:
                sections[row["document_id"]] = row["section"]
            for number, place in enumerate(row["places"]):
                order.setdefault(place["path"], number)
                if place["title"]:
                    titles.setdefault(place["path"], place["title"])
        ranked = {name: number for number, name in enumerate(_READING_ORDER)}
        known = sorted(overviews, key=lambda id_: (ranked.get(id_, len(ranked)), id_))
        return cls({id_: overviews[id_] for id_ in known}, sections, order, titles)

    def __bool__(self) -> bool:
        return bool(self.overviews)


_READING_ORDER = (
    HOME,
    "-/architecture",
    "-/contents",
    "-/api",
    "-/interfaces",
    "-/settings",
    "-/data",
    "-/dependencies",
    "-/pipelines",
    "-/deployment",
    "-/history",
    "-/glossary",
    "-/coverage",
)


def build_repository(rows: pa.Table, generated: GeneratedPages) -> Tree:
    """The tree of a repository.

    Args:
        rows: the columns `tree.COLUMNS` of its documents.
    """
    return _Builder(generated).build(rows)


class _Builder:
    def __init__(self, generated: GeneratedPages) -> None:
        self._generated = generated
        self._folders: dict[str, Node] = {}
        self._ranks: dict[int, tuple[object, ...]] = {}
        self._top: list[Node] = []

    def build(self, rows: pa.Table) -> Tree:
        paths, titles = rows.column("path").to_pylist(), rows.column("title").to_pylist()
        ids = rows.column("document_id").to_pylist()
        for document_id, path, title in zip(ids, paths, titles, strict=True):
            node = Node(self._title(path, title), path, document_id)
            node.generated = path if path in self._generated.sections else ""
            self._put(node, posixpath.dirname(path))
        for folder in self._folders.values():
            folder.title = self._generated.titles.get(folder.path, folder.title)
            folder.generated = folder.path if folder.path in self._generated.sections else ""
        overviews = [Node(title, id_, id_, generated=id_) for id_, title in self._generated.overviews.items()]
        taken = set(paths)
        overviews = [node for node in overviews if node.path not in taken]
        groups = self._grouped(taken)
        every = [*self._folders.values(), *groups]
        for siblings in [self._top, *(node.children for node in every)]:
            siblings.sort(key=self._rank)
        return Tree([*overviews, *(groups or self._top)])

    def _put(self, node: Node, folder: str) -> None:
        """Into its folder, making those above that are not there yet."""
        while folder:
            known = self._folders.get(folder)
            parent = known or self._folders.setdefault(folder, Node(posixpath.basename(folder), f"{folder}/"))
            node.parent = parent
            parent.children.append(node)
            if known:
                return
            node, folder = parent, posixpath.dirname(folder)
        self._top.append(node)

    def _title(self, path: str, title: str) -> str:
        """Documents by what their table of contents calls them, or they themselves; files by their names."""
        name = posixpath.basename(path)
        if path in self._generated.titles:
            return self._generated.titles[path]
        prose = path.lower().endswith(_PROSE) and not introduction_name(name)
        return title if prose and title and title != path else name

    def _section(self, node: Node) -> str:
        found = self._generated.sections.get(node.path)
        if found:
            return found
        return "documentation" if node.path.lower().endswith(_PROSE) else "other"

    def _grouped(self, taken: set[str]) -> list[Node]:
        """What is at the top by sections; none where there is no code, so that documents alone stand as they are."""
        sections: dict[str, list[Node]] = {name: [] for name in _GROUPS}
        for node in self._top:
            sections[self._section(node)].append(node)
        if not sections["code"] and not sections["tests"]:
            return []
        groups = []
        for name, nodes in sections.items():
            path = f"-/{name}/"
            if nodes and path not in taken:
                group = Node(_GROUPS[name], path, children=nodes)
                for node in nodes:
                    node.parent = group
                groups.append(group)
        return groups

    def _rank(self, node: Node) -> tuple[object, ...]:
        known = self._ranks.get(id(node))
        if known is None:
            first = 0 if node.document_id and introduction_name(posixpath.basename(node.path)) else 1
            section = list(_GROUPS).index(self._section(node))
            placed = self._generated.order.get(node.path, _LAST)
            if not node.document_id and placed == _LAST:
                placed = min((self._first(child) for child in node.children), default=_LAST)
            known = (first, section, placed, bool(node.document_id), natural(node.title), node.title, node.path)
            self._ranks[id(node)] = known
        return known

    def _first(self, node: Node) -> int:
        """The first place of anything below a node."""
        found, waiting = _LAST, [node]
        while waiting:
            each = waiting.pop()
            found = min(found, self._generated.order.get(each.path, _LAST))
            waiting += each.children
        return found
