"""Walks over lists that page by cursor: v2, Cloud's search. What each looks out for is in `walks`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace

from wiki_pipeline.errors import IncompleteListingError
from wiki_pipeline.sources.http.concurrency import together
from wiki_pipeline.sources.http.walks import BARREN, Count, Portion, endless, unproven

_NOTHING = 50  # pages from either end of a list of labels or files that show nothing at all
_SAME = 5  # pages in a row with nothing but known items


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
        self.is_stuck = not self.ended and not new and (cursor in self._cursors or self.barren >= BARREN)
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
