"""Walks over lists reach their end, once, whatever the server does to limits, links and rows that may not be seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.errors import IncompleteListingError
from wiki_pipeline.sources.confluence.concurrency import in_order
from wiki_pipeline.sources.confluence.paging import next_query, settled
from wiki_pipeline.sources.http.cursor_walk import CursorWalk, from_both_ends
from wiki_pipeline.sources.http.offset_walk import OffsetWalk
from wiki_pipeline.sources.http.walks import Portion, Walk

T = TypeVar("T")


async def collect(results: AsyncIterator[T]) -> list[T]:
    return [result async for result in results]


# --- servers ---------------------------------------------------------------------------------------------------------


@dataclass
class Server:
    """A list as a server pages it.

    Attributes:
        rows: ids in the server's order, each with whether the account may see it.
        cap: the most rows that it cuts at a time, without a word.
        filters_first: it leaves hidden rows out before it cuts its pages, not afterwards.
        links: its `next` is honest, there for ever, missing, creeping row by row, or leading to the page itself.
        going: rows that are deleted before a request, by the request's number.
    """

    rows: list[tuple[int, bool]]
    cap: int = 1_000
    filters_first: bool = False
    links: str = "honest"
    going: dict[int, int] = field(default_factory=dict)
    requests: int = 0

    @property
    def visible(self) -> list[str]:
        return [str(row) for row, seen in self.rows if seen]

    def _begin(self) -> list[tuple[int, bool]]:
        victim = self.going.get(self.requests)
        self.rows[:] = [row for row in self.rows if row[0] != victim]
        self.requests += 1
        return [row for row in self.rows if row[1]] if self.filters_first else self.rows

    def _cut(self, rows: list[tuple[int, bool]], start: int, limit: int) -> tuple[list[dict[str, str]], int, bool]:
        end = start + min(limit, self.cap)
        more = {"honest": end < len(rows), "always": True, "missing": False}.get(self.links, end < len(rows))
        return [{"id": str(row)} for row, seen in rows[start:end] if seen], end, more

    async def by_offset(self, start: int, limit: int) -> Portion:
        items, end, more = self._cut(self._begin(), start, limit)
        leads = {"creeping": start + 1, "repeating": start}.get(self.links, end)
        return Portion(items, f"/list?start={leads}&limit={limit}" if more else "", start=start)

    async def by_cursor(self, link: str, limit: int = 10, *, backwards: bool = False) -> Portion:
        """Cursors hold the last row of the page, as v2's do; `always` ends in cursors that lead to themselves, and
        `wandering` in ever new ones."""
        rows = self._begin()
        rows = rows[::-1] if backwards else rows
        last, turns = [int(part) for part in (link.partition("cursor=")[2] or "-1.0").split(".")]
        start = sum((row >= last if backwards else row <= last) for row, _ in rows) if last >= 0 else 0
        end = start + min(limit, self.cap)
        more = end < len(rows) or self.links in {"always", "wandering"}
        reached = rows[min(end, len(rows)) - 1][0] if rows else 0
        turns += self.links == "wandering" and end >= len(rows)
        items = [{"id": str(row)} for row, seen in rows[start:end] if seen]
        return Portion(items, f"/list?cursor={reached}.{turns}" if more else "")

    async def count(self) -> int:
        return len(self.visible)


def rows_of(*stretches: tuple[int, bool]) -> list[tuple[int, bool]]:
    """Rows numbered from 1 in stretches of visible and hidden ones."""
    seen = [visible for length, visible in stretches for _ in range(length)]
    return list(enumerate(seen, start=1))


STRETCHES = st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=8).map(lambda parts: rows_of(*parts))


def by_offset(server: Server, limit: int = 10, ahead: int = 3, *, counts: bool = False) -> list[str]:
    async def read() -> tuple[list[str], Walk]:
        walk = OffsetWalk(server.by_offset, limit, ahead, 5_000, server.count if counts else None)
        return [id_ for portion in await collect(walk.portions()) for id_ in portion.ids], walk

    return asyncio.run(settled(read))


def by_cursor(server: Server) -> list[str]:
    """A list by which no document is deleted: many pages that show nothing from either end are its end."""
    server.cap = max(server.cap, 7)
    walk = CursorWalk(server.by_cursor, 5_000, partial(server.by_cursor, backwards=True))
    return [id_ for portion in asyncio.run(collect(walk.portions())) for id_ in portion.ids]


def both_ends(server: Server, limit: int = 10) -> list[str]:
    ways = partial(server.by_cursor, limit=limit), partial(server.by_cursor, limit=limit, backwards=True)
    return [id_ for portion in asyncio.run(collect(from_both_ends(*ways, 5_000))) for id_ in portion.ids]


# --- by offset -------------------------------------------------------------------------------------------------------


@given(
    count=st.integers(0, 60),
    limit=st.integers(2, 20),
    ahead=st.integers(1, 6),
    cap=st.integers(1, 20),
    links=st.sampled_from(["honest", "missing"]),
)
def test_every_item_is_met_once_whatever_the_limits(count: int, limit: int, ahead: int, cap: int, links: str) -> None:
    server = Server(rows_of((count, True)) if count else [], cap, links=links)
    assert by_offset(server, limit, ahead) == server.visible
    size = min(limit, cap)
    assert server.requests <= count / max(1, size - 1) + 2 * ahead + 3


@given(
    rows=STRETCHES,
    limit=st.integers(2, 30),
    ahead=st.integers(1, 4),
    cap=st.integers(1, 30),
    filters_first=st.booleans(),
    links=st.sampled_from(["honest", "creeping", "repeating"]),
)
def test_rows_that_may_not_be_seen_hide_no_others(
    rows: list[tuple[int, bool]],
    limit: int,
    ahead: int,
    cap: int,
    filters_first: bool,
    links: str,
) -> None:
    server = Server(rows, cap, filters_first, links)
    if links == "repeating" and not filters_first and cap < min(limit, 25):
        server.cap = limit  # nothing at all shows how far such a server has come
    assert sorted(by_offset(server, limit, ahead), key=int) == server.visible


@pytest.mark.parametrize(
    ("total", "first", "last"), [(700, 300, 559), (700, 0, 259), (700, 0, 699), (5_000, 10, 4_989)]
)
def test_a_stretch_of_hidden_pages_is_no_end(total: int, first: int, last: int) -> None:
    server = Server(rows_of((first, True), (last + 1 - first, False), (total - last - 1, True)))
    assert by_offset(server, 250) == server.visible
    assert by_offset(Server(server.rows, cap=25), 250) == server.visible
    assert sorted(both_ends(Server(server.rows), 250), key=int) == server.visible


def test_one_visible_page_in_fifty_is_found_each_time() -> None:
    server = Server([(number, number % 50 == 0) for number in range(1, 701)])
    assert by_offset(server, 250) == server.visible
    assert server.requests < 20


@given(rows=STRETCHES, cap=st.integers(2, 30), filters_first=st.booleans())
def test_links_that_never_end_do_not_go_on_for_ever(
    rows: list[tuple[int, bool]], cap: int, filters_first: bool
) -> None:
    server = Server(rows, cap, filters_first, "always")
    assert sorted(by_offset(server, counts=True), key=int) == server.visible
    assert server.requests < 2 * (len(rows) + 25)


def test_without_a_proof_of_the_end_there_is_no_complete_list() -> None:
    server = Server(rows_of((30, True)), links="always")

    async def read() -> None:
        async def unknown() -> int | None:
            return None

        await collect(OffsetWalk(server.by_offset, 10, 3, 5_000, unknown).portions())

    with pytest.raises(IncompleteListingError, match="nothing proves"):
        asyncio.run(read())
    assert server.requests < 1_000


@given(
    rows=STRETCHES,
    going=st.dictionaries(st.integers(1, 12), st.integers(1, 100), max_size=4),
    ahead=st.integers(1, 4),
    filters_first=st.booleans(),
    cap=st.integers(3, 12),
)
def test_no_item_that_stays_is_missed_while_others_go(
    rows: list[tuple[int, bool]], going: dict[int, int], ahead: int, filters_first: bool, cap: int
) -> None:
    server = Server(rows, cap, filters_first, going=going)
    try:
        found = by_offset(server, ahead=ahead)
    except IncompleteListingError:
        return  # noticed
    assert len(set(found)) == len(found)
    assert set(server.visible) <= set(found)


def test_links_that_skip_rows_are_not_followed() -> None:
    """A server that caps its pages at 7 rows, but computes its links from the limit that was asked for."""
    server = Server(rows_of((50, True)), cap=7)

    async def get(start: int, limit: int) -> Portion:
        portion = await server.by_offset(start, limit)
        return Portion(portion.items, f"/list?start={start + limit}" if start + limit < 50 else "", start=start)

    async def read() -> list[str]:
        portions = await collect(OffsetWalk(get, 20, 1, 1_000).portions())
        return [id_ for portion in portions for id_ in portion.ids]

    assert sorted(asyncio.run(read()), key=int) == server.visible


def test_a_server_that_ignores_where_to_start_is_noticed() -> None:
    async def get(_: int, limit: int) -> Portion:
        return Portion([{"id": str(number)} for number in range(limit)], "/next")

    async def read() -> None:
        await collect(OffsetWalk(get, 10, 3, 1000).portions())

    with pytest.raises(IncompleteListingError, match="wherever it is asked to start"):
        asyncio.run(read())


def test_a_list_without_an_end_is_given_up() -> None:
    async def get(start: int, limit: int) -> Portion:
        return Portion([{"id": str(number)} for number in range(start, start + limit)], "/next")

    async def read() -> None:
        await collect(OffsetWalk(get, 10, 3, 25).portions())

    with pytest.raises(IncompleteListingError, match="25 requests"):
        asyncio.run(read())


# --- by cursor -------------------------------------------------------------------------------------------------------


@given(
    rows=STRETCHES, cap=st.integers(1, 12), filters_first=st.booleans(), read=st.sampled_from([by_cursor, both_ends])
)
def test_by_cursor_hidden_rows_hide_no_others(
    rows: list[tuple[int, bool]], cap: int, filters_first: bool, read: Callable[[Server], list[str]]
) -> None:
    server = Server(rows, cap, filters_first)
    assert sorted(read(server), key=int) == server.visible


@given(
    rows=STRETCHES,
    cap=st.integers(1, 12),
    links=st.sampled_from(["always", "wandering"]),
    read=st.sampled_from([by_cursor, both_ends]),
)
def test_cursors_that_never_end_are_left_where_both_ways_meet(
    rows: list[tuple[int, bool]],
    cap: int,
    links: str,
    read: Callable[[Server], list[str]],
) -> None:
    server = Server(rows, cap, links=links)
    if not server.visible:
        return  # nothing can meet
    assert sorted(read(server), key=int) == server.visible
    assert server.requests < 4 * len(rows) / min(server.cap, 10) + 20


def test_where_nothing_shows_from_either_end_a_listing_is_not_complete_but_a_list_of_labels_is_empty() -> None:
    with pytest.raises(IncompleteListingError):
        both_ends(Server(rows_of((30, False)), links="always"))
    assert by_cursor(Server([], links="always")) == []


@given(
    rows=STRETCHES,
    going=st.dictionaries(st.integers(1, 12), st.integers(1, 100), max_size=4),
    read=st.sampled_from([by_cursor, both_ends]),
)
def test_by_cursor_no_item_that_stays_is_missed(
    rows: list[tuple[int, bool]], going: dict[int, int], read: Callable[[Server], list[str]]
) -> None:
    server = Server(rows, going=going)
    assert set(server.visible) <= set(read(server)) | {str(row) for row in going.values()}


# --- links -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    [
        "/wiki/api/v2/spaces/1/pages?limit=5&cursor=a%2Bb%3D%3D",
        "/wiki/wiki/api/v2/spaces/1/pages?cursor=a%2Bb%3D%3D&limit=5",
        "https://elsewhere.example/api/v2/spaces/1/pages?cursor=a%2Bb%3D%3D&status=archived",
        "?cursor=a%2Bb%3D%3D",
    ],
)
def test_of_a_link_only_what_it_alone_knows_is_taken(link: str) -> None:
    query = next_query({"limit": 250, "status": "current"}, link)
    assert query == {"limit": 250, "status": "current", "cursor": "a+b=="}


# --- several at once ---------------------------------------------------------------------------------------------


class Calls:
    """Calls that count how many of them are under way."""

    def __init__(self) -> None:
        self.started = 0
        self.running = 0
        self.most = 0

    async def call(self, number: int, turns: int) -> int:
        self.started += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            for _ in range(turns):
                await asyncio.sleep(0)
        finally:
            self.running -= 1
        return number


@given(turns=st.lists(st.integers(0, 5), max_size=30), ahead=st.integers(1, 6))
def test_results_come_in_order_and_no_more_calls_run_than_allowed(turns: list[int], ahead: int) -> None:
    calls = Calls()
    jobs: list[Callable[[], Awaitable[int]]] = [partial(calls.call, *pair) for pair in enumerate(turns)]
    assert asyncio.run(collect(in_order(jobs, ahead))) == list(range(len(turns)))
    assert calls.most <= ahead


def test_results_that_nobody_takes_hold_further_calls_back() -> None:
    calls = Calls()

    async def read() -> int:
        async with aclosing(in_order((partial(calls.call, number, 0) for number in range(100)), 3)) as results:
            await anext(results)
            for _ in range(50):
                await asyncio.sleep(0)
            return calls.started

    assert asyncio.run(read()) <= 3


def test_leaving_early_ends_what_is_under_way() -> None:
    calls = Calls()

    async def read() -> int:
        async with aclosing(in_order([partial(calls.call, 0, 0), partial(calls.call, 1, 1_000_000)], 2)) as results:
            await anext(results)
        return calls.running

    assert asyncio.run(read()) == 0


def test_an_error_ends_the_other_calls() -> None:
    calls = Calls()

    async def fail() -> int:
        raise ValueError("broken")

    async def read() -> None:
        jobs: list[Callable[[], Awaitable[int]]] = [fail, partial(calls.call, 1, 1_000_000)]
        await collect(in_order(jobs, 2))

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(read())
    assert calls.running == 0
