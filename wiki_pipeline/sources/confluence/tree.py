"""What is above a page, from v2's parent ids. Folders, whiteboards and databases stand between pages there."""

from __future__ import annotations

from dataclasses import dataclass

from wiki_pipeline.sources.confluence.page import Above


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


class Tree:
    """The nodes met so far, and which of their parents were not met yet."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._chains: dict[str, tuple[Above, ...]] = {}
        # Parents that nodes name, with their kind, and that are not here yet.
        self.unknown: dict[str, str] = {}

    def __contains__(self, node_id: str) -> bool:
        return node_id in self._nodes

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

    def above(self, node_id: str) -> tuple[Above, ...]:
        """What is above a node, from the root downwards, as far as it is known; a circle is cut."""
        node = self._nodes.get(node_id)
        return self._down_to(node.parent_id) if node and node.parent_id else ()

    def _down_to(self, node_id: str) -> tuple[Above, ...]:
        climbed: list[Node] = []
        met: set[str] = set()
        known: tuple[Above, ...] = ()
        at: str | None = node_id
        while at and at not in met:
            if at in self._chains:
                known = self._chains[at]
                break
            node = self._nodes.get(at)
            if node is None or node.is_hidden:
                break
            climbed.append(node)
            met.add(at)
            at = node.parent_id
        chain = known
        for node in reversed(climbed):
            chain = (*chain, Above(node.id, node.title, node.is_document))
            if node.id not in self._chains and at not in met:
                self._chains[node.id] = chain
        return chain
