"""What v2 gives apart from the pages themselves: labels, names of people, and what stands above pages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from sys import intern
from typing import TypeVar

from wiki_pipeline.errors import AccessDeniedError, SourceError, SourceNotFoundError
from wiki_pipeline.sources.confluence.answers import Json, RefusedError
from wiki_pipeline.sources.confluence.concurrency import in_order
from wiki_pipeline.sources.confluence.fetching import LABELS, NAMES, Degraded, may_pass
from wiki_pipeline.sources.confluence.page import sorted_labels
from wiki_pipeline.sources.confluence.paging import Lists
from wiki_pipeline.sources.confluence.tree import Node, Tree

T = TypeVar("T")

MAX_LIMIT = 250  # of v2's lists, of ids in one request, and of people in one request
_PATHS = {"folder": "folders", "whiteboard": "whiteboards", "database": "databases", "embed": "embeds"}
_MAX_DEPTH = 100
_FEW_PAGES = 25
# User keys and names in pages that came from Data Center would make the whole request fail.
_ACCOUNT = re.compile(r"[0-9A-Za-z:_-]{1,128}")
_BY_ID = ("id", "-id")


class Lookups:
    """Look-ups for one source; people's names are remembered."""

    def __init__(self, lists: Lists, degraded: Degraded) -> None:
        self._lists = lists
        self._degraded = degraded
        self._names: dict[str, str] = {}
        self._sees_people = True
        self._one_at_a_time = asyncio.Lock()  # several batches ask for the same people and parents

    async def _list(self, path: str, ends: tuple[str, str] | None = None, **params: str | int) -> list[Json]:
        """All items of a list."""
        return (await self._lists.items(path, {"limit": MAX_LIMIT, **params}, ends=ends)).items

    # --- labels --------------------------------------------------------------------------------------------------

    async def labels(self, page_ids: Collection[str], space_id: str) -> dict[str, tuple[str, ...]]:
        """Labels of some pages of a space; pages without any are left out. Where they can't be read, those that are
        known."""
        if len(page_ids) > _FEW_PAGES:
            return await self.labels_of_space(space_id)
        calls = (partial(self._labels_of_page, page_id) for page_id in page_ids)
        return {page_id: labels async for page_id, labels in in_order(calls, self._ahead) if labels}

    async def labels_of_space(self, space_id: str) -> dict[str, tuple[str, ...]]:
        """Labels of all pages of a space; the number of requests grows with the labels, not with the pages. Where they
        can't be read, those that are known."""
        try:
            return await self._labels_by_label(space_id)
        except SourceError as error:
            known = dict(self._degraded.known_labels())
            self._degraded.add(LABELS, error, max(1, len(known)))
            return known

    async def _labels_by_label(self, space_id: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[Json]] = {}
        labels = await self._list(f"/api/v2/spaces/{space_id}/content/labels", _BY_ID)
        calls = (partial(self._pages_with, label, space_id) for label in labels)
        async with aclosing(in_order(calls, self._ahead)) as answers:
            async for label, page_ids in answers:
                for page_id in page_ids:
                    found.setdefault(page_id, []).append(label)
        return {page_id: names for page_id, found_labels in found.items() if (names := sorted_labels(found_labels))}

    async def _pages_with(self, label: Json, space_id: str) -> tuple[Json, list[str]]:
        path = f"/api/v2/labels/{label.get('id')}/pages"
        try:
            pages = await self._list(path, _BY_ID, **{"space-id": space_id})
        except SourceNotFoundError:
            return label, []  # its last use was removed meanwhile
        return label, [str(page.get("id")) for page in pages]

    async def _labels_of_page(self, page_id: str) -> tuple[str, tuple[str, ...]]:
        try:
            return page_id, sorted_labels(await self._list(f"/api/v2/pages/{page_id}/labels", _BY_ID))
        except SourceNotFoundError:
            return page_id, ()  # the page went between two requests; the next listing shows that
        except SourceError as error:
            self._degraded.add(LABELS, error)
            return page_id, self._degraded.known_labels().get(page_id, ())

    # --- people --------------------------------------------------------------------------------------------------

    def name_of(self, account_id: str) -> str:
        """A person's display name, if `learn_names` could find it."""
        return self._names.get(account_id, "")

    async def learn_names(self, account_ids: Collection[str]) -> bool:
        """Find display names; where they can't be read, pages simply have no author. False if asking again may help."""
        async with self._one_at_a_time:
            unknown = sorted(set(account_ids) - self._names.keys() - {""})
            for some in chunks(unknown, MAX_LIMIT) if self._sees_people else ():
                try:
                    answer = await self._lists.client.post("/api/v2/users-bulk", {"accountIds": some})
                except SourceError as error:
                    self._degraded.add(NAMES, error, len(some))
                    self._sees_people = may_pass(error)
                    return not may_pass(error)
                self._names |= dict.fromkeys(some, "")
                for person in answer.get("results") or ():
                    name = person.get("displayName") or person.get("publicName")
                    self._names[str(person.get("accountId"))] = str(name or "")
            return True

    async def names(self, person_ids: Sequence[str]) -> dict[str, str]:
        """Display names, empty for those whom Confluence does not know; people of whom it says nothing are left out."""
        await self.learn_names([person_id for person_id in person_ids if _ACCOUNT.fullmatch(person_id)])
        strange = {person_id: "" for person_id in person_ids if not _ACCOUNT.fullmatch(person_id)}
        return {**strange, **{id_: self._names[id_] for id_ in person_ids if id_ in self._names}}

    # --- what is above -------------------------------------------------------------------------------------------

    async def complete(self, tree: Tree) -> None:
        """Find all parents that nodes of the tree name, up to the root."""
        async with self._one_at_a_time:
            for _ in range(_MAX_DEPTH):
                if not tree.unknown:
                    return
                unknown = dict(tree.unknown)
                for node in await self._find_nodes(unknown):
                    tree.put(node)
                for node_id in unknown.keys() & tree.unknown.keys():
                    tree.put(Node(node_id, "", unknown[node_id], is_hidden=True))

    async def _find_nodes(self, unknown: dict[str, str]) -> list[Node]:
        nodes: list[Node] = []
        page_ids = [node_id for node_id, kind in unknown.items() if kind == "page"]
        for some in chunks(page_ids, MAX_LIMIT):
            pages = await self._list("/api/v2/pages", _BY_ID, id=",".join(some), status="current,archived")
            nodes += [read_node(page, "page") for page in pages]
        calls = (partial(self._container, node_id, kind) for node_id, kind in unknown.items() if kind in _PATHS)
        nodes += [node async for node in in_order(calls, self._ahead) if node]
        return nodes

    async def _container(self, node_id: str, kind: str) -> Node | None:
        try:
            return read_node(await self._lists.client.get(f"/api/v2/{_PATHS[kind]}/{node_id}"), kind)
        except (SourceNotFoundError, AccessDeniedError, RefusedError):
            return None

    async def below(self, page_id: str) -> list[Node]:
        """Everything below a page, however deep; documents are the current pages."""
        depth = 10  # the most that Confluence gives at once
        found: dict[str, Node] = {}
        starts = [(page_id, "page")]
        while starts:
            calls = [partial(self._descendants, start, kind, depth) for start, kind in starts]
            starts = []
            async for items in in_order(calls, self._ahead):
                for item in items:
                    node = read_node(item, str(item.get("type") or "page"))
                    if node.id not in found and item.get("depth") == depth and node.kind in {"page", *_PATHS}:
                        starts.append((node.id, node.kind))  # what is below it was cut off
                    found[node.id] = node
        return list(found.values())

    async def _descendants(self, node_id: str, kind: str, depth: int) -> list[Json]:
        return await self._list(f"/api/v2/{_PATHS.get(kind, 'pages')}/{node_id}/descendants", depth=depth)

    @property
    def _ahead(self) -> int:
        return self._lists.settings.max_concurrency


def read_node(item: Json, kind: str) -> Node:
    """A page, folder, ... as v2 gives it, as a node of the tree."""
    parent = item.get("parentId")
    return Node(
        id=str(item.get("id")),
        title=str(item.get("title") or ""),
        kind=kind,
        parent_id=intern(str(parent)) if parent else None,  # siblings share it
        parent_kind=str(item.get("parentType") or "page"),
        is_document=kind == "page" and item.get("status", "current") == "current",
    )


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items in runs of `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))
