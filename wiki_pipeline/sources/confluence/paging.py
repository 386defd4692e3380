"""The lists of a site: every paged call of v1, v2 and the search goes through `Lists`, which reads it by a walk."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from wiki_pipeline.errors import IncompleteListingError, SourceError, SourceUnreachableError
from wiki_pipeline.sources.confluence.answers import Json
from wiki_pipeline.sources.confluence.client import ConfluenceClient, Params
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings
from wiki_pipeline.sources.http.cursor_walk import CursorWalk, from_both_ends
from wiki_pipeline.sources.http.offset_walk import OffsetWalk
from wiki_pipeline.sources.http.walks import Count, Portion, Walk, link_query

T = TypeVar("T")

_READINGS = 4

Query = dict[str, str | int]


async def get_portion(client: ConfluenceClient, path: str, params: Params) -> Portion:
    """One page of a list.

    Raises:
        SourceUnreachableError: the answer has no list in it; else as `ConfluenceClient.get`.
    """
    answer = await client.get(path, params)
    items, links, total = answer.get("results"), answer.get("_links") or {}, answer.get("totalSize")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise SourceUnreachableError(
            f"The answer for {path} has no list of results in it.", "Check that CONFLUENCE_URL is a Confluence site."
        )
    start = params.get("start", 0)
    return Portion(
        items,
        str(links.get("next") or ""),
        str(links.get("base") or ""),
        int(start),
        total if isinstance(total, int) and not isinstance(total, bool) else None,
    )


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of one site."""

    client: ConfluenceClient
    settings: ConfluenceSettings

    async def walk(
        self,
        path: str,
        params: Params,
        *,
        ends: tuple[str, str] | None = None,
        count: Count | None = None,
        is_search: bool = False,
    ) -> Walk:
        """A reading of the list at `path`, by cursor or by offset as the server pages it.

        Args:
            params: with `limit`.
            ends: values of `sort` that order the list forwards and backwards.
            count: asks the server in another way how many items there are.
            is_search: no link on the first page is the end: Cloud's search gives its beginning again for any offset.
        """
        settings = self.settings

        async def get(extra: Mapping[str, str | int]) -> Portion:
            return await get_portion(self.client, path, {**params, **extra})

        async def get_rows(start: int, limit: int) -> Portion:
            return await get({"start": start, "limit": limit})

        first = await get({"sort": ends[0]} if ends else {})
        if first.cursor or path.startswith("/api/v2/") or (is_search and not first.next_link):
            forwards = partial(_by_link, get, {**params, **({"sort": ends[0]} if ends else {})})
            backwards = partial(_by_link, get, {**params, "sort": ends[1]}) if ends else None
            most = settings.max_list_requests
            return CursorWalk(forwards, most, backwards, count, first, is_search=is_search)
        limit = int(params["limit"])
        ahead = settings.max_concurrency
        return OffsetWalk(get_rows, limit, ahead, settings.max_list_requests, count, first)

    async def items(self, path: str, params: Params, *, ends: tuple[str, str] | None = None) -> Portion:
        """All items of a list that fits into memory, as one portion.

        Raises:
            IncompleteListingError: not all could be read; says why.
        """

        async def read() -> tuple[Portion, Walk]:
            walk, items, base = await self.walk(path, params, ends=ends), list[Json](), ""
            async with aclosing(walk.portions()) as portions:
                async for portion in portions:
                    items += portion.items
                    base = base or portion.base
            return Portion(items, base=base), walk

        return await settled(read)

    def both_ends(self, path: str, params: Params) -> AsyncGenerator[Portion, None]:
        """A list of v2's that can be sorted by id, see `from_both_ends`."""

        async def get(query: Query) -> Portion:
            return await get_portion(self.client, path, query)

        up, down = (partial(_by_link, get, {**params, "sort": sort}) for sort in ("id", "-id"))
        return from_both_ends(up, down, self.settings.max_list_requests)

    async def search(self, cql: str, expand: str, limit: int) -> AsyncGenerator[Portion, None]:
        """What a search in CQL finds. Its index lags behind, and hits that are gone since make short pages."""
        params: Query = {"cql": cql, "expand": expand, "limit": limit}
        walk = await self.walk("/rest/api/content/search", params, count=partial(self.count, cql), is_search=True)
        async with aclosing(walk.portions()) as portions:
            async for portion in portions:
                if portion.items:
                    yield portion

    async def count(self, cql: str) -> int | None:
        """How many contents a search finds, as far as the server counts them; None if it doesn't say."""
        try:
            return (await get_portion(self.client, "/rest/api/search", {"cql": cql, "limit": 1})).total
        except SourceError:
            return None


async def settled(read: Callable[[], Awaitable[tuple[T, Walk]]]) -> T:
    """The result of a reading that missed nothing, or of one that agrees with the reading before it.

    Raises:
        IncompleteListingError: no two readings agree: the list keeps changing.
    """
    before: set[str] | None = None
    for _ in range(_READINGS):
        result, walk = await read()
        if walk.is_sure or walk.seen == before:
            return result
        before = walk.seen
    raise IncompleteListingError("The list changed while it was being read, again and again.", "Sync again later.")


async def _by_link(get: Callable[[Query], Awaitable[Portion]], params: Params, link: str) -> Portion:
    return await get(next_query(params, link) if link else dict(params))


def next_query(params: Params, link: str) -> Query:
    """The parameters of the next request: our own, and from the link what only it knows (the cursor).

    Only the link's parameters are used: links come with a wrong host, with the context path twice, or without the
    gateway's prefix, and sometimes drop parameters.
    """
    theirs = link_query(link)
    return {**theirs, **params, **{name: theirs[name] for name in ("cursor", "start") if name in theirs}}
