"""REST API v1: Data Center, and Cloud where v2 is switched off. Lists by offset, brings details by `expand`."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from sys import intern
from urllib.parse import quote

from wiki_pipeline.errors import IncompleteListingError, SourceNotFoundError
from wiki_pipeline.links.confluence import join_link
from wiki_pipeline.model import DocumentFailure, DocumentGone, DocumentRef
from wiki_pipeline.sources.confluence.answers import Json, RefusedError, SpaceNotFoundError
from wiki_pipeline.sources.confluence.client import ConfluenceClient
from wiki_pipeline.sources.confluence.concurrency import in_order
from wiki_pipeline.sources.confluence.config import SourceConfig
from wiki_pipeline.sources.confluence.fetching import Degraded, fetch_batch, fetch_one
from wiki_pipeline.sources.confluence.lookups_v1 import Lookups
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
)
from wiki_pipeline.sources.confluence.paging import Lists, get_portion, settled
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings
from wiki_pipeline.sources.http.walks import Portion, Walk
from wiki_pipeline.sources.protocol import Fetched, UnprovenListingError

_STATE = "version,ancestors,metadata.labels"
_DETAILS = f"{_STATE},history"
# A request costs about as much as so many bodies more in one that is made anyway.
_WORTH_SKIPPING = 10


class ApiV1:
    """One source through v1."""

    name = "v1"

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
        self._reader = Lookups(self._lists, degraded)
        self._space: Space | None = None
        # Of each page of the last listing: its place in the space's listing, and its version.
        self._listed: dict[str, tuple[int, int]] = {}
        self.above: dict[str, tuple[str, ...]] = {}  # ids above each page of the last listing
        self._found: list[DocumentRef] = []  # by the reading of a listing that is under way
        self._body_limit = settings.body_limit
        self._space_confirmed = False
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
        try:
            answer = await self._client.get(f"/rest/api/space/{quote(key, safe='~')}")
        except SourceNotFoundError:
            raise SpaceNotFoundError(
                f"{self._settings.url} has no space {key}, or the credentials may not see it.",
                "Check the key in CONFLUENCE_SPACES (it is in the space's address) and the account's rights.",
            ) from None
        links = answer.get("_links") or {}
        url = join_link(links.get("base") or self._settings.public_url, links.get("webui") or "")
        return Space(str(answer.get("id", "")), answer.get("key", ""), answer.get("name", ""), url)

    # --- listing -------------------------------------------------------------------------------------------------

    async def list_documents(self) -> list[DocumentRef]:
        """All documents of the source; see `Source.list_documents`.

        Of a source with `get_child_pages` the whole space is listed and cut to its scope: the index that
        `content/search` asks lags behind, and Data Center has no other way to name all descendants at once.
        """
        named = self._specification.pages
        if named and not any(page.get_child_pages for page in named):
            return await self._list_single_pages()
        try:
            return await settled(self._list_space)
        except IncompleteListingError as error:
            raise UnprovenListingError(error, self._found) from None

    async def _list_space(self) -> tuple[list[DocumentRef], Walk]:
        self.skipped.clear()
        self.above.clear()
        scope = self._scope(await self.space())
        refs: list[DocumentRef] = []
        listed: dict[str, tuple[int, int]] = {}
        self._found = refs
        params = {**self._space_params(_STATE), "limit": self._settings.list_limit}
        walk = await self._lists.walk("/rest/api/content", params, count=self._count)
        async with aclosing(walk.portions()) as portions:
            async for portion in portions:
                for place, item in enumerate(portion.items, start=portion.start):
                    if self._is_current(item) and scope.holds(page := await self._reader.page(item, portion.base)):
                        refs.append(scope.ref(page))
                        self.above[page.id] = tuple(intern(each.document_id) for each in page.ancestors)
                        listed[page.id] = (place, page.version)
        self._listed = listed
        return self._counted(scope, refs), walk

    async def _count(self) -> int | None:
        """How many pages of the space the search counts."""
        key = (await self.space()).key
        return await self._lists.count(f'space="{key}" and type=page')

    def _is_current(self, item: Json) -> bool:
        """Whether an item is a page that belongs in a listing, in case the server lists more than it was asked for."""
        if not item.get("id"):
            raise IncompleteListingError("Confluence listed a page without an id.", "Nothing was deleted; sync again.")
        status = item.get("status", "current")
        if status != "current":
            self.skipped[str(status)] += 1
        return bool(status == "current" and item.get("type", "page") == "page")

    async def _list_single_pages(self) -> list[DocumentRef]:
        self.skipped.clear()
        self.above.clear()
        scope = self._scope(await self.space())
        calls = (partial(self._find, page.page_id) for page in self._specification.pages)
        found = [page async for page in in_order(calls, self._settings.max_concurrency) if page]
        self.above |= {page.id: tuple(each.document_id for each in page.ancestors) for page in found}
        return self._counted(scope, [scope.ref(page) for page in found])

    def _counted(self, scope: Scope, refs: list[DocumentRef]) -> list[DocumentRef]:
        self.skipped.update(scope.missing({ref.document_id for ref in refs}))
        return refs

    async def _find(self, page_id: str) -> Page | None:
        """A page of the space, if it is there and current."""
        try:
            item = await self._client.get(f"/rest/api/content/{page_id}", {"expand": f"{_STATE},space"})
        except SourceNotFoundError:
            return None
        return None if await self._why_gone(item) else await self._reader.page(item)

    # --- fetching ------------------------------------------------------------------------------------------------

    async def fetch(self, ids: Sequence[str]) -> AsyncGenerator[list[Fetched], None]:
        """See `Source.fetch`. Pages that lie close together in the listing come in stretches of it, others singly."""
        await self.space()
        self._space_confirmed = False
        desired = set(ids)
        ahead = self._settings.max_concurrency
        async with aclosing(in_order(self._stretches(desired), ahead)) as stretches:
            async for found in stretches:
                # Where pages are hidden, places are not exact, and a page may come twice.
                answers = list({a.document_id: a for a in found if a.document_id in desired}.values())
                desired.difference_update(answer.document_id for answer in answers)
                if answers:
                    yield answers
        calls = (partial(fetch_one, self, page_id) for page_id in sorted(desired))
        async with aclosing(in_order(calls, ahead)) as singles:
            async for answer in singles:
                yield [answer]

    async def names(self, person_ids: Sequence[str]) -> dict[str, str]:
        """See `Source.names`; one request a person."""
        return await self._reader.names(person_ids)

    def _stretches(self, desired: set[str]) -> Iterator[Callable[[], Awaitable[list[Fetched]]]]:
        """Calls that each bring a stretch of the listing with at least two desired pages."""
        places = sorted(self._listed[page_id][0] for page_id in desired if page_id in self._listed)
        while places:
            end = 1
            while (
                end < len(places)
                and places[end] - places[end - 1] <= _WORTH_SKIPPING
                and places[end] - places[0] < self._body_limit
            ):
                end += 1
            stretch, places = range(places[0], places[end - 1] + 1), places[end:]
            if end > 1:
                yield partial(fetch_batch, self, partial(self._read_stretch, desired), stretch)

    async def _read_stretch(self, desired: Collection[str], stretch: Sequence[int]) -> list[Fetched]:
        """The desired pages among places `stretch` of the listing that are as new as they were listed."""
        start, end, given = stretch[0], stretch[-1] + 1, 0
        found: list[Fetched] = []
        while start < end:
            portion = await self._get_pages(start, end - start, expand=f"{_DETAILS},body.storage")
            for item in portion.items:
                if item.get("id") in desired and item.get("status", "current") == "current":
                    found.extend(await self._read_listed(item, portion.base))
            if not portion.items:
                break
            if given:  # there was more than the server gave at a time
                self._body_limit = min(self._body_limit, given)
            given = len(portion.items)
            start += given
        return found

    async def _read_listed(self, item: Json, base: str) -> list[Fetched]:
        page = await self._reader.page(item, base)
        if page.version < self._listed[page.id][1]:
            return []  # an old copy; asked for singly
        scope = self._scope(await self.space())
        answer = scope.answer(page, item, "storage")
        return [answer] if answer else []

    async def read_one(self, page_id: str, representation: Representation) -> Fetched | None:
        """See `PageReader`."""
        expand = f"{_DETAILS},space,body.{representation}"
        item = await self._client.get(f"/rest/api/content/{page_id}", {"expand": expand})
        if str(item.get("id")) != page_id:
            return None
        if reason := await self._why_gone(item):
            return reason
        scope = self._scope(await self.space())
        return scope.answer(await self._reader.page(item), item, representation)

    async def _why_gone(self, item: Json) -> DocumentGone | None:
        page_id, status = str(item.get("id")), item.get("status", "current")
        if status != "current":
            return gone(page_id, status)
        key = (item.get("space") or {}).get("key")
        return DocumentGone(page_id, MOVED) if key and key != (await self.space()).key else None

    async def why_missing(self, page_id: str) -> DocumentGone | DocumentFailure:
        """See `PageReader`."""
        if not self._space_confirmed:
            await self.confirm_space()
        try:
            item = await self._client.get(f"/rest/api/content/{page_id}", {"status": "any"})
        except (SourceNotFoundError, RefusedError):
            return DocumentGone(page_id, DELETED)
        status = str(item.get("status"))
        return gone(page_id, status) if status != "current" else failure(page_id, page_id, COMING_BACK)

    def _scope(self, space: Space) -> Scope:
        return Scope(space, self._specification, self._max_document_bytes)

    def _space_params(self, expand: str) -> dict[str, str | int]:
        space = self._space.key if self._space else self._specification.space
        return {"spaceKey": space, "type": "page", "status": "current", "expand": expand}

    async def _get_pages(self, start: int, limit: int, *, expand: str) -> Portion:
        params = self._space_params(expand) | {"start": start, "limit": limit}
        return await get_portion(self._client, "/rest/api/content", params)
