"""Walks over lists that page by offset: v1. What each looks out for is in `walks`."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from wiki_pipeline.errors import IncompleteListingError, SourceError
from wiki_pipeline.sources.http.answers import Json
from wiki_pipeline.sources.http.concurrency import in_order
from wiki_pipeline.sources.http.walks import BARREN, Count, Portion, endless, unproven

_FAR = (1_000_000, 10_000)  # rows behind the last one seen; Cloud's v1 takes no `start` over 15,000
_LEAST_CAP = 25  # the lowest that Confluence is known to lower a limit to
_TRUSTED = 2  # places that `next` skipped and that turned out to hold nothing


class OffsetWalk:
    """A reading of a list that pages by offset: v1.

    Args:
        get: asks for rows by start and limit.
        ahead: requests under way at once, as long as all pages are full and join up.
        count: see `Lists.walk`.
        first: the answer for start 0, if it is there already.
    """

    def __init__(
        self,
        get: Callable[[int, int], Awaitable[Portion]],
        limit: int,
        ahead: int,
        max_requests: int,
        count: Count | None = None,
        first: Portion | None = None,
    ) -> None:
        self.seen: set[str] = set()
        self.is_sure = True
        self._get = get
        self._limit = limit
        self._ahead = ahead
        self._max_requests = max_requests
        self._count = count
        self._is_strict = count is not None  # a list by which things are deleted
        self._first = first
        self._requests = 0
        self._place = 0  # offset of the first row that was not asked for
        self._most_given = 0  # rows in a page: the server's cap is at least that
        self._cut = 0  # rows that it cuts at a time, as far as pages and links show it
        self._barren = 0
        self._ended = False
        self._gap: tuple[int, int] | None = None
        self._empty_gaps = 0
        self._links_skip = False  # `next` leads over rows that are there
        self._next_means_more: bool | None = None
        self._counted: int | None = None

    async def portions(self) -> AsyncGenerator[Portion, None]:
        """See `Walk.portions`."""
        first = self._first or await self._ask(0, self._limit)
        self._requests = max(self._requests, 1)
        yield self._take(0, self._limit, first)
        async with aclosing(self._windows(first)) as windows:
            async for portion in windows:
                yield portion
        while not self._ended:
            if self._gap:
                yield await self._read_gap(*self._gap)
                continue
            start = self._place - self._overlap
            portion = await self._ask(start, self._limit)
            if not portion.items and portion.next_link and not self._barren:  # it may be a hiccup
                portion = await self._ask(start, self._limit)
            yield self._take(start, self._limit, portion)
            if self._barren and not self._ended and not self._gap:
                self._ended = await self._is_end()

    @property
    def _overlap(self) -> int:
        """Rows that are asked for again, so that a shift by as many loses nothing; always fewer than a page's."""
        return max(0, min(max(1, self._limit // 50), self._cut - 1))

    async def _ask(self, start: int, limit: int) -> Portion:
        if self._requests >= self._max_requests:
            raise endless(self._max_requests)
        self._requests += 1
        return replace(await self._get(start, limit), start=start)

    async def _windows(self, first: Portion) -> AsyncGenerator[Portion, None]:
        """As long as pages are full and join up, their offsets are known beforehand."""
        size = len(first.items)
        if size < 2 or self._gap or not (size >= self._limit or first.next_link):
            return
        stride = size - self._overlap
        windows = (partial(self._ask, start, size) for start in itertools.count(stride, stride))
        async with aclosing(in_order(windows, self._ahead)) as portions:
            async for portion in portions:
                if self.seen.isdisjoint(portion.ids):
                    return  # read on one by one, with care
                yield self._take(portion.start, size, portion)
                if self._barren or len(portion.items) < size:
                    return

    def _take(self, start: int, asked: int, portion: Portion) -> Portion:
        """The portion with its new items, after noting what it says of how the list goes on."""
        ids, link = portion.ids, portion.next_start
        if start < self._place and self.seen.isdisjoint(ids):
            self.is_sure = False
        new = self._new(portion)
        self._most_given = max(self._most_given, len(ids))
        # The server cuts as many rows each time as it once gave at least, however few of them the account may see.
        reached = start + max(len(ids), self._most_given if portion.next_link else 0)
        if link is not None and reached < link <= start + asked and not self._links_skip:
            # Rows were cut, and those that the account may not see filtered out of them; or the link skips rows.
            self._gap = (reached, link) if ids and self._empty_gaps < _TRUSTED else None
            reached = link
            self._cut = max(self._cut, link - start)
        elif reached == start and portion.next_link:
            reached += min(asked, _LEAST_CAP)
        self._cut = max(self._cut, self._most_given)
        if portion.next_link and start <= self._place:
            reached = max(reached, self._place + 1)  # a page holds more than what overlaps
        self._place = max(self._place, reached)
        self._barren = 0 if new else self._barren + 1
        self._ended = not new and not portion.next_link
        if portion.total is not None:
            self._counted = portion.total
        return replace(portion, items=new, start=start + len(ids) - len(new))

    def _new(self, portion: Portion) -> list[Json]:
        found = {id_: item for id_, item in zip(portion.ids, portion.items, strict=True) if id_ not in self.seen}
        self.seen.update(found)
        return list(found.values())

    async def _read_gap(self, start: int, end: int) -> Portion:
        """The rows that a link led over: if it was right, the account may see none of them."""
        self._gap = None
        portion = await self._ask(start, end - start)
        new = self._new(portion)
        if new:
            self._links_skip, self._place, self._cut = True, start + len(portion.items), self._most_given
        else:
            self._empty_gaps += 1
        return replace(portion, items=new)

    async def _is_end(self) -> bool:
        """Whether it is proven that nothing comes after a page that brought nothing new and a link to more."""
        if self._next_means_more is None:
            self._next_means_more = await self._ask_far()
        if self._next_means_more:
            return False
        counted = self._counted
        if counted is None and self._count is not None:
            self._counted = counted = await self._count()
            self._count = None
        if counted is not None and len(self.seen) >= counted:
            return True
        if counted is None and not self._is_strict and await self._is_empty_behind():
            return True
        if self._barren >= BARREN:
            raise unproven(len(self.seen))
        return False

    async def _ask_far(self) -> bool:
        """Whether `next` is missing far behind any end, so that it means something where it is there.

        Raises:
            IncompleteListingError: there are items even there: the server ignores where a page is to start.
        """
        for distance in _FAR:
            try:
                portion = await self._ask(self._place + distance, self._limit)
            except SourceError:
                continue
            if portion.items:
                raise IncompleteListingError(
                    "The site gives the same part of the list wherever it is asked to start.",
                    "Sync again; nothing was deleted.",
                )
            return not portion.next_link
        return False

    async def _is_empty_behind(self) -> bool:
        """Whether pages at growing distances are all empty: enough for lists by which no document is deleted."""
        distance = self._limit
        while distance < _FAR[0]:
            if (await self._ask(self._place + distance, self._limit)).items:
                return False
            distance *= 4
        return True
