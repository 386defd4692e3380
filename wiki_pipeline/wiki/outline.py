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


def outline(tree: Tree, current: Node | None) -> Level:
    """What of the tree to show beside `current` (None: beside no page in particular)."""
    lineage = current.lineage() if current is not None else []
    start = lineage[-DEPTH - 1].children if len(lineage) > DEPTH else tree.roots
    return _level(start, lineage[-DEPTH:], whole=len(tree) <= WHOLE, depth=0)


def _level(nodes: Sequence[Node], way: Sequence[Node], *, whole: bool, depth: int) -> Level:
    on_the_way = next((place for place, node in enumerate(nodes) if node in way[:1]), None)
    first = max(0, (on_the_way or 0) - SIBLINGS // 2) if len(nodes) > SIBLINGS else 0
    shown = nodes[first : first + SIBLINGS]
    branches = []
    for node in shown:
        unfolded = bool(way) and node is way[0]
        below = way[1:] if unfolded else ()
        branch = Branch(node, current=unfolded and len(way) == 1, unfolded=unfolded)
        if node.children and (whole or unfolded) and depth < DEPTH:
            branch.children = _level(node.children, below, whole=whole, depth=depth + 1)
        branch.folded = bool(node.children) and branch.children is None
        branches.append(branch)
    return Level(branches, first, len(nodes) - first - len(shown))
