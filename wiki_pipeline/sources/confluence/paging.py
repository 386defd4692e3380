"""Reading lists to their end, however the server pages them, and knowing when that did not work.

A short page is not the last page: servers lower the limit silently, leave `next` out, or send `next` with nothing
behind it. So a list ends where a page is empty (offsets) or no link leads on (cursors), never at a short page.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from wiki_pipeline.errors import IncompleteListingError, SourceUnreachableError
from wiki_pipeline.sources.confluence.answers import Json
from wiki_pipeline.sources.confluence.client import ConfluenceClient, Params

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
T = TypeVar("T")


class ShiftedError(IncompleteListingError):
    """The list changed while it was being read; read it again."""


@dataclass(frozen=True, slots=True)
class Portion:
    """One page of a list: its items, the link to the next, and the address that `webui` links are relative to."""

    items: list[Json]
    next_link: str
    base: str


async def get_portion(client: ConfluenceClient, path: str, params: Params) -> Portion:
    """One page of a list.

    Raises:
        SourceUnreachableError: the answer has no list in it; else as `ConfluenceClient.get`.
    """
    answer = await client.get(path, params)
    items, links = answer.get("results"), answer.get("_links") or {}
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise SourceUnreachableError(
            f"The answer for {path} has no list of results in it.", "Check that CONFLUENCE_URL is a Confluence site."
        )
    return Portion(items, str(links.get("next") or ""), str(links.get("base") or ""))


async def in_order(calls: Iterable[Callable[[], Awaitable[T]]], ahead: int) -> AsyncGenerator[T, None]:
    """The results of the calls in their order; at most `ahead` are under way or waiting to be taken at a time.

    Close it (`contextlib.aclosing`) where it may be left before its end: that ends what is under way.
    """
    waiting: deque[asyncio.Future[T]] = deque()
    source = iter(calls)
    try:
        while True:
            for call in itertools.islice(source, ahead - len(waiting)):
                waiting.append(asyncio.ensure_future(call()))
            if not waiting:
                return
            result = await waiting[0]
            waiting.popleft()
            yield result
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def together(first: Awaitable[A], second: Awaitable[B], third: Awaitable[C]) -> tuple[A, B, C]:
    """The results of all three, run at the same time; the first error ends the others."""
    one, two, three = asyncio.ensure_future(first), asyncio.ensure_future(second), asyncio.ensure_future(third)
    try:
        return await asyncio.gather(one, two, three)
    finally:
        for task in (one, two, three):
            task.cancel()


async def follow(
    client: ConfluenceClient, path: str, params: Params, max_requests: int, start: Portion | None = None
) -> AsyncIterator[Portion]:
    """The portions of a list that pages by cursor, without empty ones. `start`: its first portion, if already there.

    An empty page with a link to more is asked for again: it may be a hiccup. If it stays empty it may be a stretch of
    pages that the credentials may not see; two such in a row are the end.

    Raises:
        IncompleteListingError: the links lead round in a circle, or the list does not end.
    """
    seen: set[str] = set()
    empty = 0
    query = dict(params)
    for _ in range(max_requests):
        portion = start or await get_portion(client, path, query)
        start = None
        if not portion.items and portion.next_link:
            portion = await get_portion(client, path, query)
        new = {str(item.get("id")) for item in portion.items} - seen
        if portion.items:
            if not new:
                raise IncompleteListingError(
                    f"The listing at {path} brings the same items again and again.", "Sync again; nothing was deleted."
                )
            yield portion
        seen |= new
        empty = 0 if portion.items else empty + 1
        if not portion.next_link or empty == 2:
            return
        query = next_query(params, portion.next_link)
    raise _endless(max_requests)


def next_query(params: Params, link: str) -> dict[str, str | int]:
    """The parameters of the next request: our own, and from the link what only it knows (the cursor).

    Only the link's parameters are used: links come with a wrong host, with the context path twice, or without the
    gateway's prefix, and sometimes drop parameters.
    """
    theirs = dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))
    return {**theirs, **params, **{name: theirs[name] for name in ("cursor", "start") if name in theirs}}


async def walk(
    get: Callable[[int, int], Awaitable[Portion]], first: Portion, limit: int, ahead: int, max_requests: int
) -> AsyncGenerator[list[Json], None]:
    """The items of a list that pages by offset, each once, in portions; several requests under way at once.

    Each request begins with the last item of the one before. If that item isn't there, the list has shifted while it
    was read (a page was deleted), and another may have slipped through between the two.

    Args:
        get: asks for a portion by start and limit.
        first: the answer for start 0.

    Raises:
        ShiftedError: the list shifted; read it again.
        IncompleteListingError: the server ignores `start`, or the list does not end.
    """
    state = _Walked(first)
    yield first.items
    size = len(first.items)
    if size > 1 and (size >= limit or first.next_link):
        # As long as the portions are whole and join up, their offsets are known beforehand.
        windows = (_window(get, k * (size - 1), size) for k in range(1, max_requests))
        async with aclosing(in_order(windows, ahead)) as portions:
            async for start, portion in portions:
                if not state.joins(portion):
                    break
                if new := state.take(start, size, portion):
                    yield new
                if len(portion.items) < size:
                    break
    while state.goes_on and state.requests < max_requests:
        start = state.next_start
        portion = await get(start, limit)
        if not state.joins(portion):
            raise ShiftedError("The space changed while it was being listed.", "Sync again; nothing was deleted.")
        if new := state.take(start, limit, portion):
            yield new
    if state.goes_on:
        raise _endless(max_requests)


def _window(
    get: Callable[[int, int], Awaitable[Portion]], start: int, count: int
) -> Callable[[], Awaitable[tuple[int, Portion]]]:
    async def call() -> tuple[int, Portion]:
        return start, await get(start, count)

    return call


class _Walked:
    """What a walk by offset has seen, and whether and where it goes on."""

    def __init__(self, first: Portion) -> None:
        self.first_id = _ids(first)[0] if first.items else None
        self.seen = set(_ids(first))
        self.requests = 1
        self.goes_on = bool(first.items)
        self.next_start = max(1, len(first.items) - 1)
        self._overlaps = len(first.items) > 1
        self._barren = 0

    def joins(self, portion: Portion) -> bool:
        """Whether a portion leaves no gap to what was seen: it must hold at least the last item of the one before."""
        return not self._overlaps or not self.seen.isdisjoint(_ids(portion))

    def take(self, start: int, asked: int, portion: Portion) -> list[Json]:
        """The new items of the portion at `start`, of which `asked` items were asked for."""
        ids = _ids(portion)
        new = [item for item, id_ in zip(portion.items, ids, strict=True) if id_ not in self.seen]
        if not new and ids[:1] == [self.first_id] and (portion.next_link or len(ids) >= asked):
            raise IncompleteListingError(
                "Confluence gives the beginning of the listing again and again.", "Sync again; nothing was deleted."
            )
        self.seen.update(ids)
        self.requests += 1
        self._barren = 0 if new else self._barren + 1
        # A link to more after nothing new is believed once: pages that the credentials may not see can fill a portion.
        self.goes_on = bool(new) or (bool(portion.next_link) and self._barren < 2)
        self._overlaps = len(ids) > 1
        self.next_start = start + max(1, len(ids) - 1)
        return new


def _ids(portion: Portion) -> list[str]:
    return [str(item.get("id")) for item in portion.items]


def _endless(max_requests: int) -> IncompleteListingError:
    return IncompleteListingError(
        f"The listing is not at its end after {max_requests} requests.",
        "If it is really that long, raise WIKI_PIPELINE_CONFLUENCE_MAX_LIST_REQUESTS. Nothing was deleted.",
    )
