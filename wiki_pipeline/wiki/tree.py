"""The navigation tree of a source, made when pages are shown from a few small columns.

Pages know nothing of their neighbours, so moving one renders none again. Pages of a space hang below their parents;
files of a repository lie in their folders.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

COLUMNS = ("document_id", "title", "parent_id", "position", "ancestors", "path", "wiki_path")

_READ_FIRST = re.compile(r"(?:readme|index|_index)(?:\.[a-z]+)?", re.IGNORECASE)
_NUMBER = re.compile(r"(\d+)")


@dataclass(slots=True, eq=False)
class Node:
    """A document or a folder.

    Attributes:
        path: its wiki path; a folder's ends with a slash.
        document_id: empty for a folder.
        generated: id of the generated page that is shown with it; its own id if it is one; empty if there is none.
    """

    title: str
    path: str
    document_id: str = ""
    parent: Node | None = field(default=None, repr=False)
    children: list[Node] = field(default_factory=list, repr=False)
    generated: str = ""

    @property
    def is_generated(self) -> bool:
        """Whether it is no document of the source, but a page that is made of its documents."""
        return bool(self.generated) and self.path.startswith("-/")

    def lineage(self) -> list[Node]:
        """The nodes above this one, from the root downwards, and itself."""
        nodes: list[Node] = []
        node: Node | None = self
        while node is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]


class Tree:
    """A source's documents in reading order.

    Attributes:
        roots: what has nothing above it.
        reading_order: documents (no folders) as a reader turning pages meets them.
    """

    def __init__(self, roots: list[Node]) -> None:
        self.roots = roots
        self._nodes: list[Node] = list(_preorder(roots))
        self.reading_order = [node for node in self._nodes if node.document_id]
        self._by_id = {node.document_id: place for place, node in enumerate(self.reading_order)}
        self._by_path = {node.path: node for node in self._nodes}

    def __len__(self) -> int:
        """Number of documents and folders."""
        return len(self._nodes)

    def document(self, document_id: str) -> Node | None:
        """The document with this id."""
        place = self._by_id.get(document_id)
        return None if place is None else self.reading_order[place]

    def at(self, path: str) -> Node | None:
        """The document or folder (with a slash at the end) at a wiki path."""
        return self._by_path.get(path)

    def neighbours(self, node: Node) -> tuple[Node | None, Node | None]:
        """The documents before and after this one."""
        place = self._by_id[node.document_id]
        before = self.reading_order[place - 1] if place else None
        after = self.reading_order[place + 1] if place + 1 < len(self.reading_order) else None
        return before, after

    @property
    def documents(self) -> list[Node]:
        """The source's own documents in reading order."""
        return [node for node in self.reading_order if not node.is_generated]

    @property
    def home(self) -> Node | None:
        """The document that introduces the source: its only root, or the README of the root folder."""
        if len(self.roots) == 1 and self.roots[0].document_id:
            return self.roots[0]
        grouped = [node for root in self.roots if _is_group(root) for node in root.children]
        return introduction(self.roots) or introduction(grouped)


def _is_group(node: Node) -> bool:
    """A part of the tree that is no folder of the repository."""
    return not node.document_id and node.path.startswith("-/")


def introduction_name(name: str) -> bool:
    """Whether a file of this name is read first."""
    return _READ_FIRST.fullmatch(name) is not None


def introduction(nodes: Sequence[Node]) -> Node | None:
    """The README or index among the contents of a folder."""
    return next((n for n in nodes if n.document_id and _READ_FIRST.fullmatch(posixpath.basename(n.path))), None)


def build(rows: pa.Table) -> Tree:
    """The tree of a source from the columns `COLUMNS` of its pages.

    What is wrong upstream does no harm: a page whose parent is not there hangs below its nearest ancestor that is, and
    of pages that are each other's parents the one with the smallest id comes to the top.
    """
    columns = {name: rows.column(name).to_pylist() for name in COLUMNS}
    if any(columns["path"]):
        return Tree(_folders(columns["document_id"], columns["path"]))
    return Tree(_pages(columns))


# --- pages below pages -------------------------------------------------------------------------------------------


def _pages(columns: dict[str, list]) -> list[Node]:  # type: ignore[type-arg]
    nodes: dict[str, Node] = {}
    rank: dict[str, tuple[object, ...]] = {}
    above: dict[str, list[str]] = {}
    for document_id, title, parent_id, position, ancestors, _, wiki_path in zip(*columns.values(), strict=True):
        nodes[document_id] = Node(title, wiki_path, document_id)
        rank[document_id] = (position, natural(title), document_id)
        above[document_id] = [parent_id or "", *(ancestor["document_id"] for ancestor in reversed(ancestors or ()))]
    for document_id, node in nodes.items():
        parent = next((nodes[name] for name in above[document_id] if name in nodes and name != document_id), None)
        node.parent = parent
    _break_cycles(nodes)
    for node in nodes.values():
        if node.parent is not None:
            node.parent.children.append(node)
    return _sorted([node for node in nodes.values() if node.parent is None], lambda node: rank[node.document_id])


def _break_cycles(nodes: dict[str, Node]) -> None:
    safe: set[str] = set()
    for document_id in sorted(nodes):
        walked: list[str] = []
        on_the_way: set[str] = set()
        node: Node | None = nodes[document_id]
        while node is not None and node.document_id not in safe and node.document_id not in on_the_way:
            walked.append(node.document_id)
            on_the_way.add(node.document_id)
            node = node.parent
        if node is not None and node.document_id in on_the_way:
            cycle = walked[walked.index(node.document_id) :]
            nodes[min(cycle)].parent = None
        safe.update(walked)


# --- files in folders --------------------------------------------------------------------------------------------


def _folders(document_ids: Sequence[str], paths: Sequence[str]) -> list[Node]:
    folders: dict[str, Node] = {}
    top: list[Node] = []

    def put(node: Node, folder: str) -> None:
        """Into its folder, making those above that are not there yet."""
        while folder:
            known = folders.get(folder)
            parent = known or folders.setdefault(folder, Node(posixpath.basename(folder), f"{folder}/"))
            node.parent = parent
            parent.children.append(node)
            if known:
                return
            node, folder = parent, posixpath.dirname(folder)
        top.append(node)

    for document_id, path in zip(document_ids, paths, strict=True):
        put(Node(posixpath.basename(path), path, document_id), posixpath.dirname(path))
    return _sorted(top, _file_rank)


def _file_rank(node: Node) -> tuple[object, ...]:
    """The introduction first, then folders, then files by name."""
    first = 0 if node.document_id and _READ_FIRST.fullmatch(node.title) else 1 if not node.document_id else 2
    return first, natural(node.title), node.title


# --- order -------------------------------------------------------------------------------------------------------


def natural(title: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key in which case does not count and `Step 10` comes after `Step 2`."""
    parts = _NUMBER.split(title.casefold())
    return tuple((0, int(part[:30]), "") if place % 2 else (1, 0, part) for place, part in enumerate(parts) if part)


def _sorted(roots: list[Node], rank: Callable[[Node], tuple[object, ...]]) -> list[Node]:
    for siblings in [roots, *(node.children for node in _preorder(roots))]:
        siblings.sort(key=rank)
    return roots


def _preorder(roots: Sequence[Node]) -> Iterator[Node]:
    pending = list(reversed(roots))
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))
