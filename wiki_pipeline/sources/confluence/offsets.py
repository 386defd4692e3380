"""Lists that page by offset: v1."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from wiki_pipeline.errors import IncompleteListingError
from wiki_pipeline.sources.confluence.answers import Json
from wiki_pipeline.sources.confluence.paging import Portion, endless, in_order


class ShiftedError(IncompleteListingError):
    """The list changed while it was being read; read it again."""


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
        raise endless(max_requests)


def _window(
    get: Callable[[int, int], Awaitable[Portion]], start: int, count: int
) -> Callable[[], Awaitable[tuple[int, Portion]]]:
    async def call() -> tuple[int, Portion]:
        return start, await get(start, count)

    return call


class _Walked:
    """What a walk by offset has seen, and whether and where it goes on."""

    def __init__(self, first: Portion) -> None:
        self.first_id = first.ids[0] if first.items else None
        self.seen = set(first.ids)
        self.requests = 1
        self.goes_on = bool(first.items)
        self.next_start = max(1, len(first.items) - 1)
        self._overlaps = len(first.items) > 1
        self._barren = 0

    def joins(self, portion: Portion) -> bool:
        """Whether a portion leaves no gap to what was seen: it must hold at least the last item of the one before."""
        return not self._overlaps or not self.seen.isdisjoint(portion.ids)

    def take(self, start: int, asked: int, portion: Portion) -> list[Json]:
        """The new items of the portion at `start`, of which `asked` items were asked for."""
        ids = portion.ids
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
