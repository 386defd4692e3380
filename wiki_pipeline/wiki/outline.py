"""The part of a navigation tree that is shown beside a page: bounded, whatever the size of the source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wiki_pipeline.wiki.tree import Node, Tree

# A tree of up to so many nodes is shown whole, so that readers unfold it at will; of a larger one the way to the page.
WHOLE = 400
SIBLINGS = 120
DEPTH = 30


@dataclass(slots=True)
class Branch:
    """A line of the outline.

    Attributes:
        current: the page shown.
        unfolded: on the way to the page shown.
        children: below it, as far as they are shown.
        folded: has children that are not part of this outline; its own page shows them.
    """

    node: Node
    current: bool = False
    unfolded: bool = False
    folded: bool = False
    children: Level | None = None


@dataclass(slots=True)
class Level:
    """Siblings; of very many those around the way to the page shown, with numbers of those left out."""

    branches: list[Branch] = field(default_factory=list)
    before: int = 0
    after: int = 0


def outline(tree: Tree, current: Node | None, heading: str) -> Level:
    """What of the tree to show beside a page.

    The only root of a space is not one more level: what is below it comes first. The root itself is left out where
    `heading`, which stands above the outline, says the same.

    Args:
        current: the page shown; None beside no page in particular.
    """
    way = current.lineage() if current is not None else []
    root = _only_root(tree)
    start: Sequence[Node] = tree.roots
    if len(way) > DEPTH:
        start, way = way[-DEPTH - 1].children, way[-DEPTH:]
    elif root is not None:
        start = root.children if _says_the_same(root, heading) else [root, *root.children]
        way = way[1:] or way
    return _level(start, way, whole=len(tree) <= WHOLE, depth=0, root=root)


def crumbs(tree: Tree, node: Node, heading: str) -> list[Node]:
    """The nodes above a node, for a trail that begins with `heading`."""
    above = node.lineage()[:-1]
    root = _only_root(tree)
    return above[1:] if above and above[0] is root and _says_the_same(root, heading) else above


def _only_root(tree: Tree) -> Node | None:
    return tree.roots[0] if len(tree.roots) == 1 and tree.roots[0].document_id else None


def _says_the_same(root: Node, heading: str) -> bool:
    return root.title.casefold() == heading.casefold()


def _level(nodes: Sequence[Node], way: Sequence[Node], *, whole: bool, depth: int, root: Node | None = None) -> Level:
    on_the_way = next((place for place, node in enumerate(nodes) if node in way[:1]), None)
    first = max(0, (on_the_way or 0) - SIBLINGS // 2) if len(nodes) > SIBLINGS else 0
    shown = nodes[first : first + SIBLINGS]
    branches = []
    for node in shown:
        unfolded = bool(way) and node is way[0]
        branch = Branch(node, current=unfolded and len(way) == 1, unfolded=unfolded)
        below = () if node is root else node.children
        if below and (whole or unfolded) and depth < DEPTH:
            branch.children = _level(below, way[1:] if unfolded else (), whole=whole, depth=depth + 1)
        branch.folded = bool(below) and branch.children is None
        branches.append(branch)
    return Level(branches, first, len(nodes) - first - len(shown))
