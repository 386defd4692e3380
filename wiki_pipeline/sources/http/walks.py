"""Walks over lists, each to an end that is proven. Every paged call goes one (`paging` says which).

A list is complete when the server says so, and servers say it badly. They lower the limit silently, leave `next` out,
send it for ever, lead it back to where it came from, and filter what the account may not see after they have cut the
list in pages, so that a page is short or empty in the middle. Neither a short nor an empty page is an end therefore:

- A page without `next` that brings nothing new is one.
- After a page that brings nothing new and has `next`, the server is asked far behind any end. If there is no `next`
  there, its `next` means something, and is followed through any stretch of hidden items.
- If there is one even there, or where cursors leave no such question, the end needs another proof: the same list read
  from its other end until both ways meet, or as many items as the server counts.
- Without proof the list is an `IncompleteListingError`, and nothing may be deleted on its account.

A list by offset shifts while items come and go. Each request begins with the last items of the one before; where those
are hidden, the list is read again until two readings agree.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from wiki_pipeline.errors import IncompleteListingError, SourceError
from wiki_pipeline.sources.http.answers import Json
from wiki_pipeline.sources.http.concurrency import in_order, together

_FAR = (1_000_000, 10_000)  # rows behind the last one seen; Cloud's v1 takes no `start` over 15,000
_LEAST_CAP = 25  # the lowest that Confluence is known to lower a limit to
_BARREN = 400  # requests in a row without anything new that are made on the word of a `next` that is not proven
_TRUSTED = 2  # places that `next` skipped and that turned out to hold nothing
_NOTHING = 50  # pages from either end of a list of labels or files that show nothing at all
_SAME = 5  # pages in a row with nothing but known items

Count = Callable[[], Awaitable[int | None]]


@dataclass(frozen=True, slots=True)
class Portion:
    """One page of a list.

    Attributes:
        items: what the server gave; in what a walk yields, without what it has yielded before.
        next_link: the address of the next page; empty if the server names none.
        base: the address that `webui` links are relative to.
        start: offset of its first item, in a list by offset; where items are hidden, about.
        total: how many items the server counts in the list; None if it doesn't.
    """

    items: list[Json]
    next_link: str = ""
    base: str = ""
    start: int = 0
    total: int | None = None

    @property
    def ids(self) -> list[str]:
        """The items' ids."""
        return [str(item.get("id")) for item in self.items]

    @property
    def cursor(self) -> str:
        """The cursor of its link; empty if that holds none."""
        return str(link_query(self.next_link).get("cursor", ""))

    @property
    def next_start(self) -> int | None:
        """The offset that its link leads to; None if that names none."""
        start = link_query(self.next_link).get("start", "")
        return int(start) if start.isdecimal() else None


def link_query(link: str) -> dict[str, str]:
    """The parameters of a link, whatever else is wrong with it."""
    try:
        return dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))
    except ValueError:  # an address that can't be read, with its parameters all the same
        return dict(parse_qsl(link.partition("?")[2], keep_blank_values=True))


class Walk(Protocol):
    """One reading of a list.

    Attributes:
        seen: ids of the items that were yielded.
        is_sure: whether it can't have missed an item because the list shifted; known at its end.
    """

    seen: set[str]
    is_sure: bool

    def portions(self) -> AsyncGenerator[Portion, None]:
        """The list's items, each once, some portions of them empty. Close it to leave it before its end.

        Raises:
            IncompleteListingError: the end is not proven, or the server does not go on.
            SourceError: as `SiteClient.get`.
        """


# --- by offset -------------------------------------------------------------------------------------------------------


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
        if self._barren >= _BARREN:
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
                    "The site gives the same part of the list wherever it is told to start.",
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


# --- by cursor -------------------------------------------------------------------------------------------------------


class CursorWalk:
    """A reading of a list that pages by cursor: v2, Cloud's search.

    Args:
        get: asks for the page that a link leads to; for the first one with an empty link.
        backwards: the same of the list in the opposite order, asked where the end is in doubt.
        count: see `Lists.walk`.
        first: the first page, if it is there already.
        is_search: what it counts is believed without reading on: both come from the same index.
    """

    def __init__(
        self,
        get: Callable[[str], Awaitable[Portion]],
        max_requests: int,
        backwards: Callable[[str], Awaitable[Portion]] | None = None,
        count: Count | None = None,
        first: Portion | None = None,
        *,
        is_search: bool = False,
    ) -> None:
        self.seen: set[str] = set()
        self.is_sure = True  # a cursor leads behind an item, not behind a number of them
        self._forwards = _Way(get, max_requests, first)
        self._backwards = _Way(backwards, max_requests) if backwards else None
        self._count = count
        self._is_search = is_search

    async def portions(self) -> AsyncGenerator[Portion, None]:
        """See `Walk.portions`."""
        way = self._forwards
        while not way.ended:
            yield self._take(await way.step())
            if way.barren and not way.ended and self._backwards:
                async for portion in self._from_the_other_end(self._backwards):
                    yield portion
                return
            if way.is_stuck or (way.barren == 1 and not way.ended and self._is_search):
                counted = await self._count() if self._count else None
                if counted is not None and len(self.seen) >= counted:
                    return
                if way.is_stuck:
                    raise unproven(len(self.seen))

    async def _from_the_other_end(self, back: _Way) -> AsyncGenerator[Portion, None]:
        """Read both ways in turn, until they meet or one of them is at an end that the server names."""
        way = self._forwards
        while True:
            if not back.is_stuck:
                yield self._take(await back.step())
            if way.ended or back.ended or not way.seen.isdisjoint(back.seen):
                return
            if way.is_stuck and back.is_stuck and self.seen:
                raise unproven(len(self.seen))
            if not self.seen and (min(way.barren, back.barren) >= _NOTHING or (way.is_stuck and back.is_stuck)):
                return  # neither end shows anything
            if not way.is_stuck:
                yield self._take(await way.step())

    def _take(self, portion: Portion) -> Portion:
        found = {id_: item for id_, item in zip(portion.ids, portion.items, strict=True) if id_ not in self.seen}
        self.seen.update(found)
        return replace(portion, items=list(found.values()))


class _Way:
    """One way through a list by cursor, page by page.

    Attributes:
        seen: ids of what it has met.
        barren: pages in a row that brought nothing new.
        ended: the server named no further page.
        is_stuck: it leads back to where it came from with nothing new, or too far without anything new.
    """

    def __init__(
        self, get: Callable[[str], Awaitable[Portion]], max_requests: int, first: Portion | None = None
    ) -> None:
        self.seen: set[str] = set()
        self.barren = 0
        self.ended = False
        self.is_stuck = False
        self._get = get
        self._max_requests = max_requests
        self._first = first
        self._link = ""
        self._cursors: set[str] = set()
        self._requests = 0

    async def step(self) -> Portion:
        """The next page.

        Raises:
            IncompleteListingError: the server brings the same items again and again, or the list does not end.
        """
        portion, self._first = self._first or await self._ask(), None
        if not portion.items and portion.next_link and not self.barren:
            portion = await self._ask()  # it may be a hiccup
        new = set(portion.ids) - self.seen
        self.seen |= new
        self.barren = 0 if new else self.barren + 1
        self.ended = not portion.next_link
        cursor = portion.cursor or portion.next_link
        if portion.items and not new and (cursor in self._cursors or self.barren >= _SAME) and not self.ended:
            raise IncompleteListingError(
                "The site brings the same items of the list again and again.", "Sync again; nothing was deleted."
            )
        self.is_stuck = not self.ended and not new and (cursor in self._cursors or self.barren >= _BARREN)
        self._cursors.add(cursor)
        self._link = portion.next_link
        return portion

    async def _ask(self) -> Portion:
        if self._requests >= self._max_requests:
            raise endless(self._max_requests)
        self._requests += 1
        return await self._get(self._link)


async def from_both_ends(
    forwards: Callable[[str], Awaitable[Portion]], backwards: Callable[[str], Awaitable[Portion]], max_requests: int
) -> AsyncGenerator[Portion, None]:
    """The portions of a list by cursor that can be sorted by id, read upwards and downwards until both meet.

    That takes half the time of one way, and proves that nothing is missing: a link that got lost on one way looks
    like the list's end, but does not make the two meet. Each item comes once.

    Raises:
        IncompleteListingError: the two ways did not meet.
    """
    up, down = _SortedWay(forwards, max_requests, 1), _SortedWay(backwards, max_requests, -1)
    seen: set[str] = set()
    while True:
        # A server that does not sort as it was asked to is read one way, and the other shows what must be met.
        both = up.in_order and down.in_order
        for portion in await together(up.step(), down.step() if both or up.is_over else _nothing()):
            if portion is not None:
                new = [item for item, id_ in zip(portion.items, portion.ids, strict=True) if id_ not in seen]
                seen.update(portion.ids)
                yield replace(portion, items=new)
        if up.meets(down) or (up.ended and down.seen <= up.seen) or (down.ended and up.seen <= down.seen):
            return
        if up.is_over and down.is_over:
            raise unproven(len(seen))


class _SortedWay:
    """One of two ways through a sorted list; `is_over`: it goes no further, whether or not that is the end."""

    def __init__(self, get: Callable[[str], Awaitable[Portion]], max_requests: int, sign: int) -> None:
        self.in_order = True
        self._way = _Way(get, max_requests)
        self._sign = sign
        self._edge: int | None = None

    @property
    def seen(self) -> set[str]:
        """Ids of what it has met."""
        return self._way.seen

    @property
    def ended(self) -> bool:
        """Whether the server named no further page."""
        return self._way.ended

    @property
    def is_over(self) -> bool:
        """Whether it goes no further."""
        return self._way.ended or self._way.is_stuck

    async def step(self) -> Portion | None:
        """The next page; None if there is none."""
        if self.is_over:
            return None
        portion = await self._way.step()
        numbers = [int(id_) * self._sign for id_ in portion.ids if id_.isdecimal()]
        walked = ([] if self._edge is None else [self._edge * self._sign]) + numbers
        self.in_order = self.in_order and len(numbers) == len(portion.items) and walked == sorted(walked)
        if walked:
            self._edge = max(walked) * self._sign
        return portion

    def meets(self, down: _SortedWay) -> bool:
        """Whether this way up and the way down have met, so that nothing lies between them."""
        if self._edge is None or down._edge is None or not (self.in_order and down.in_order):
            return False
        return self._edge >= down._edge


async def _nothing() -> None:
    return None


# --- errors ----------------------------------------------------------------------------------------------------------


def endless(max_requests: int) -> IncompleteListingError:
    """The error for a list that is not at its end after so many requests."""
    return IncompleteListingError(
        f"The listing is not at its end after {max_requests} requests.",
        "If it is really that long, raise the setting MAX_LIST_REQUESTS of its kind. Nothing was deleted.",
    )


def unproven(count: int) -> IncompleteListingError:
    """The error for a list that goes no further, without a proof that it is at its end."""
    return IncompleteListingError(
        f"The site ended the listing after {count} items, and nothing proves that it is at its end.",
        "Nothing is deleted on its account.",
    )
