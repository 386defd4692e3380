"""REST API v2 of Cloud: lists by cursor; tree, labels and people are looked up apart (`lookups_v2`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from wiki_pipeline.errors import IncompleteListingError
from wiki_pipeline.links.confluence import join_link
from wiki_pipeline.model import DocumentFailure, DocumentGone, DocumentRef
from wiki_pipeline.sources.confluence.answers import Json, SpaceNotFoundError
from wiki_pipeline.sources.confluence.client import ConfluenceClient, Params
from wiki_pipeline.sources.confluence.concurrency import in_order, together
from wiki_pipeline.sources.confluence.config import SourceConfig
from wiki_pipeline.sources.confluence.fetching import Degraded, fetch_batch, fetch_one
from wiki_pipeline.sources.confluence.lookups_v2 import MAX_LIMIT, Lookups, chunks, read_node
from wiki_pipeline.sources.confluence.page import (
    COMING_BACK,
    DELETED,
    MOVED,
    Page,
    Representation,
    Scope,
    Space,
    failure,
    gone,
    read_position,
    read_time,
)
from wiki_pipeline.sources.confluence.paging import Lists, get_portion
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings
from wiki_pipeline.sources.confluence.tree import Tree
from wiki_pipeline.sources.protocol import Fetched, UnprovenListingError

_ANY_STATUS = "current,archived,trashed"


@dataclass(frozen=True, slots=True)
class _Head:
    """What of a listed page is kept besides its place in the tree: memory grows with the pages here."""

    version: int
    changed_at: datetime | None
    position: int


class ApiV2:
    """One source through v2."""

    name = "v2"

    def __init__(
        self,
        client: ConfluenceClient,
        settings: ConfluenceSettings,
        config: SourceConfig,
        max_document_bytes: int,
        degraded: Degraded,
    ) -> None:
        self._client = client
        self._settings = settings
        self._specification = config
        self._max_document_bytes = max_document_bytes
        self._lists = Lists(client, settings)
        self._lookups = Lookups(self._lists, degraded)
        self._space: Space | None = None
        self._space_confirmed = False
        # What the last listing found; labels of pages that it did not meet are looked up when they are fetched.
        self._tree = Tree()
        self._heads: dict[str, _Head] = {}
        self._labels: dict[str, tuple[str, ...]] = {}
        self.skipped: Counter[str] = Counter()

    async def space(self) -> Space:
        """The space; asked for once."""
        if self._space is None:
            self._space = await self._read_space()
        return self._space

    async def confirm_space(self) -> None:
        """See `PageReader`."""
        self._space = await self._read_space()
        self._space_confirmed = True

    async def _read_space(self) -> Space:
        key = self._specification.space
        portion = await get_portion(self._client, "/api/v2/spaces", {"keys": key, "limit": 1})
        if not portion.items:
            raise SpaceNotFoundError(
                f"{self._settings.url} has no space {key}, or the credentials may not see it.",
                "Check the key in CONFLUENCE_SPACES (it is in the space's address) and the account's rights.",
            )
        item = portion.items[0]
        url = join_link(self._base(portion.base), str((item.get("_links") or {}).get("webui") or ""))
        return Space(str(item.get("id")), str(item.get("key")), str(item.get("name")), url)

    def _scope(self, space: Space) -> Scope:
        return Scope(space, self._specification, self._max_document_bytes)

    def _base(self, base: str) -> str:
        return base or self._settings.public_url

    # --- listing -------------------------------------------------------------------------------------------------

    async def list_documents(self) -> list[DocumentRef]:
        """All documents of the source; see `Source.list_documents`."""
        space = await self.space()
        self.skipped.clear()
        tree, heads = Tree(), dict[str, _Head]()
        doubt: IncompleteListingError | None = None
        try:
            if self._specification.pages:
                await self._list_scope(space, heads, tree)
                labels = await self._lookups.labels(heads, space.id)
            else:
                listing, looking = self._list_space(space, heads, tree), self._lookups.labels_of_space(space.id)
                doubt, labels = await together(listing, looking)
        except IncompleteListingError as error:
            doubt, labels = error, await self._lookups.labels(heads, space.id)
        await self._lookups.complete(tree)
        self._tree, self._labels, self._heads = tree, labels, heads
        scope, pages = self._scope(space), (self._listed_page(page_id, head) for page_id, head in heads.items())
        refs = [scope.ref(page) for page in pages if scope.holds(page)]
        if doubt is not None:
            raise UnprovenListingError(doubt, refs)
        return refs

    @property
    def above(self) -> Mapping[str, Sequence[str]]:
        """Ids of what is above each page of the last listing."""
        return {id_: [each.document_id for each in self._tree.above(id_).ancestors] for id_ in self._heads}

    async def _list_space(self, space: Space, heads: dict[str, _Head], tree: Tree) -> IncompleteListingError | None:
        """Take in the space's pages. Returns why they may not be all."""
        params: Params = {"status": "current", "limit": min(self._settings.list_limit, MAX_LIMIT)}
        try:
            async with aclosing(self._lists.both_ends(f"/api/v2/spaces/{space.id}/pages", params)) as portions:
                async for portion in portions:
                    self._take(portion.items, heads, tree)
        except IncompleteListingError as error:
            return error
        return None

    def _take(self, items: Iterable[Json], heads: dict[str, _Head], tree: Tree) -> None:
        for item in items:
            if not item.get("id"):
                raise IncompleteListingError("Confluence listed a page without an id.", "Nothing was deleted.")
            status = str(item.get("status", "current"))
            if status != "current":
                self.skipped[status] += 1
                continue
            node = read_node(item, "page")
            tree.put(node)
            heads[node.id] = _read_head(item)

    async def _list_scope(self, space: Space, heads: dict[str, _Head], tree: Tree) -> None:
        scope = self._specification.pages
        await self._take_by_id([page.page_id for page in scope], space, heads, tree)
        self.skipped.update(self._scope(space).missing(heads))
        roots = [page.page_id for page in scope if page.get_child_pages and page.page_id in heads]
        calls = [partial(self._lookups.below, root) for root in roots]
        async for nodes in in_order(calls, self._settings.max_concurrency):
            for node in nodes:
                tree.put(node)
            await self._take_by_id([node.id for node in nodes if node.is_document], space, heads, tree)

    async def _take_by_id(self, ids: Sequence[str], space: Space, heads: dict[str, _Head], tree: Tree) -> None:
        for some in chunks([page_id for page_id in ids if page_id not in heads], MAX_LIMIT):
            found = await self._pages_by_id(some, status="current")
            self._take((item for item in found if str(item.get("spaceId")) == space.id), heads, tree)

    def _listed_page(self, page_id: str, head: _Head) -> Page:
        """As much of a page as its version key needs."""
        chain, labels = self._tree.above(page_id), self._labels.get(page_id, ())
        return Page(
            id=page_id,
            title=self._tree.title(page_id),
            url="",
            version=head.version,
            changed_at=head.changed_at,
            position=head.position,
            ancestors=chain.ancestors,
            containers=chain.containers,
            labels=labels,
        )

    # --- fetching ------------------------------------------------------------------------------------------------

    async def fetch(self, ids: Sequence[str]) -> AsyncGenerator[list[Fetched], None]:
        """See `Source.fetch`. Pages come in batches, and singly where a batch did not bring them."""
        await self.space()
        self._space_confirmed = False
        if not self._heads:
            self._tree = Tree()  # what earlier events found above their pages may have changed
        desired = dict.fromkeys(ids)
        ahead = self._settings.max_concurrency
        batches = chunks(list(desired), min(self._settings.body_limit, MAX_LIMIT))
        calls = (partial(fetch_batch, self, self._read_batch, batch) for batch in batches)
        async with aclosing(in_order(calls, ahead)) as found:
            async for answers in found:
                for answer in answers:
                    del desired[answer.document_id]
                if answers:
                    yield answers
        async with aclosing(in_order((partial(fetch_one, self, page_id) for page_id in desired), ahead)) as singles:
            async for answer in singles:
                yield [answer]

    async def names(self, person_ids: Sequence[str]) -> dict[str, str]:
        """See `Source.names`."""
        return await self._lookups.names(person_ids)

    async def _read_batch(self, ids: Sequence[str]) -> list[Fetched]:
        """Those of the pages that Confluence gives with their bodies, as new as they were listed."""
        items = await self._pages_by_id(ids, **{"status": _ANY_STATUS, "body-format": "storage"})
        answers = await self._answer(items, "storage")
        return [answer for item, answer in zip(items, answers, strict=True) if answer and not self._is_old(item)]

    async def _pages_by_id(self, ids: Sequence[str], **params: str | int) -> list[Json]:
        """Those of at most 250 pages that are there; asked for again as long as the server gives fewer at a time."""
        missing, found = dict.fromkeys(ids), list[Json]()
        while missing:
            query = {"id": ",".join(missing), "limit": MAX_LIMIT, **params}
            portion = await get_portion(self._client, "/api/v2/pages", query)
            new = [item for item in portion.items if str(item.get("id")) in missing]
            for item in new:
                del missing[str(item.get("id"))]
                links = item.setdefault("_links", {})
                links.setdefault("base", portion.base)
            found += new
            if not new:
                break
        return found

    async def read_one(self, page_id: str, representation: Representation) -> Fetched | None:
        """See `PageReader`."""
        item = await self._client.get(f"/api/v2/pages/{page_id}", {"body-format": representation})
        return (await self._answer([item], representation))[0] if str(item.get("id")) == page_id else None

    async def why_missing(self, page_id: str) -> DocumentGone | DocumentFailure:
        """See `PageReader`."""
        if not self._space_confirmed:
            await self.confirm_space()
        found = await self._pages_by_id([page_id], status=_ANY_STATUS)
        if not found:
            return DocumentGone(page_id, DELETED)
        status = str(found[0].get("status"))
        return gone(page_id, status) if status != "current" else failure(page_id, page_id, COMING_BACK)

    async def _answer(self, items: Sequence[Json], representation: Representation) -> list[Fetched | None]:
        """An answer for each item; None for a page without a body."""
        space = await self.space()
        here = [item for item in items if self._is_here(item, space)]
        for item in here:
            self._tree.put(read_node(item, "page"))
        await self._lookups.complete(self._tree)
        is_partial = not await self._lookups.learn_names([_author(item) for item in here])
        if unlisted := [page_id for item in here if (page_id := str(item.get("id"))) not in self._heads]:
            self._labels |= dict.fromkeys(unlisted, ()) | await self._lookups.labels(unlisted, space.id)
        return [self._answer_item(item, representation, space, is_partial=is_partial) for item in items]

    def _answer_item(
        self, item: Json, representation: Representation, space: Space, *, is_partial: bool
    ) -> Fetched | None:
        page_id, status = str(item.get("id")), str(item.get("status", "current"))
        if status != "current":
            return gone(page_id, status)
        if not self._is_here(item, space):
            return DocumentGone(page_id, MOVED)
        return self._scope(space).answer(self._read_page(item, is_partial=is_partial), item, representation)

    # --- reading -------------------------------------------------------------------------------------------------

    @staticmethod
    def _is_here(item: Json, space: Space) -> bool:
        return item.get("status", "current") == "current" and str(item.get("spaceId")) == space.id

    def _is_old(self, item: Json) -> bool:
        """Whether a page came in an older version than it was listed in."""
        listed = self._heads.get(str(item.get("id")))
        return listed is not None and _read_head(item).version < listed.version

    def _read_page(self, item: Json, *, is_partial: bool) -> Page:
        page_id, head, links = str(item["id"]), _read_head(item), item.get("_links") or {}
        chain = self._tree.above(page_id)
        return Page(
            id=page_id,
            title=str(item.get("title") or ""),
            url=join_link(self._base(str(links.get("base") or "")), str(links.get("webui") or "")),
            version=head.version,
            changed_at=head.changed_at,
            position=head.position,
            ancestors=chain.ancestors,
            containers=chain.containers,
            labels=self._labels.get(page_id, ()),
            author=self._lookups.name_of(_author(item)),
            created_at=read_time(item.get("createdAt")),
            is_partial=is_partial,
        )


def _read_head(item: Json) -> _Head:
    version = item.get("version") or {}
    changed_at, position = read_time(version.get("createdAt")), read_position(item.get("position"))
    return _Head(int(version.get("number") or 0), changed_at, position)


def _author(item: Json) -> str:
    """Account id of who made the page's version."""
    return str((item.get("version") or {}).get("authorId") or "")
