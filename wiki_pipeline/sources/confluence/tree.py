"""What is above a page, from v2's parent ids. Folders, whiteboards and databases stand between pages there."""

from __future__ import annotations

from dataclasses import dataclass

from wiki_pipeline.model import Ancestor


@dataclass(frozen=True, slots=True)
class Node:
    """Something in a space's tree; `kind` and `parent_kind` as in `parentType`: page, folder, whiteboard, ...

    `is_hidden`: named as a parent, but deleted or not ours to see. What is above it can't be known.
    """

    id: str
    title: str
    kind: str
    parent_id: str | None = None
    parent_kind: str = "page"
    is_document: bool = False
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """What is above a node: from the root downwards, and which of it are no documents."""

    ancestors: tuple[Ancestor, ...] = ()
    containers: frozenset[str] = frozenset()

    def down_to(self, node: Node) -> Chain:
        """The chain with a node below it."""
        containers = self.containers if node.is_document else self.containers | {node.id}
        return Chain((*self.ancestors, Ancestor(node.id, node.title)), containers)


class Tree:
    """The nodes met so far, and which of their parents were not met yet."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        # Siblings share what is above them.
        self._chains: dict[str, Chain] = {}
        # Parents that nodes name, with their kind, and that are not here yet.
        self.unknown: dict[str, str] = {}

    def put(self, node: Node) -> None:
        """Add a node, or what is known of it now."""
        if self._nodes.get(node.id) == node:
            return
        if node.id in self._nodes:
            self._chains.clear()
        self._nodes[node.id] = node
        self.unknown.pop(node.id, None)
        if node.parent_id and node.parent_id not in self._nodes:
            self.unknown[node.parent_id] = node.parent_kind

    def title(self, node_id: str) -> str:
        """The title of a node that was put in."""
        return self._nodes[node_id].title

    def above(self, node_id: str) -> Chain:
        """What is above a node, as far as it is known; a circle is cut."""
        node = self._nodes.get(node_id)
        return self._down_to(node.parent_id) if node and node.parent_id else Chain()

    def _down_to(self, node_id: str) -> Chain:
        climbed: list[Node] = []
        met: set[str] = set()
        chain = Chain()
        at: str | None = node_id
        while at and at not in met:
            if at in self._chains:
                chain = self._chains[at]
                break
            node = self._nodes.get(at)
            if node is None or node.is_hidden:
                break
            climbed.append(node)
            met.add(at)
            at = node.parent_id
        in_circle = at in met
        for node in reversed(climbed):
            chain = chain.down_to(node)
            if not in_circle:
                self._chains[node.id] = chain
        return chain
