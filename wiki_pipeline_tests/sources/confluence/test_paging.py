"""Walks over lists reach their end, once, whatever the server does to limits and links."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.errors import IncompleteListingError
from wiki_pipeline.sources.confluence.answers import Json
from wiki_pipeline.sources.confluence.cursors import next_query
from wiki_pipeline.sources.confluence.offsets import ShiftedError, walk
from wiki_pipeline.sources.confluence.paging import Portion, in_order

T = TypeVar("T")


async def collect(results: AsyncIterator[T]) -> list[T]:
    return [result async for result in results]


# --- by offset ---------------------------------------------------------------------------------------------------


def walk_over(rows: list[Json], limit: int, ahead: int, cap: int, *, links: bool = True) -> tuple[list[str], int]:
    """The ids that a walk finds in a list whose hidden rows count in offsets but are not given, and its requests."""
    asked: list[int] = []

    async def get(start: int, desired: int) -> Portion:
        asked.append(start)
        end = start + min(desired, cap)
        more = links and end < len(rows)
        return Portion([row for row in rows[start:end] if not row.get("hidden")], "/next" if more else "", "")

    async def read() -> list[Json]:
        first = await get(0, limit)
        return [item for portion in await collect(walk(get, first, limit, ahead, 1000)) for item in portion]

    found = [str(item["id"]) for item in asyncio.run(read())]
    return found, len(asked)


@given(
    count=st.integers(0, 60),
    limit=st.integers(2, 20),
    ahead=st.integers(1, 6),
    cap=st.integers(1, 20),
    links=st.booleans(),
)
def test_every_item_is_met_once_whatever_the_limits(count: int, limit: int, ahead: int, cap: int, links: bool) -> None:
    rows = [{"id": str(number)} for number in range(count)]
    found, requests = walk_over(rows, limit, ahead, cap, links=links)
    assert found == [row["id"] for row in rows]
    size = min(limit, cap)
    assert requests <= count / max(1, size - 1) + 2 * ahead + 3


@given(count=st.integers(0, 80), hidden=st.sets(st.integers(0, 79), max_size=8), ahead=st.integers(1, 4))
def test_rows_that_may_not_be_seen_hide_no_others(count: int, hidden: set[int], ahead: int) -> None:
    rows: list[Json] = [{"id": str(number), "hidden": number in hidden} for number in range(count)]
    found, _ = walk_over(rows, 20, ahead, 20)
    assert found == [row["id"] for row in rows if not row["hidden"]]


@given(
    count=st.integers(0, 60),
    deletions=st.dictionaries(st.integers(1, 6), st.integers(0, 59), max_size=3),
    ahead=st.integers(1, 4),
)
def test_no_item_that_stays_is_missed_while_others_go(count: int, deletions: dict[int, int], ahead: int) -> None:
    rows = [{"id": str(number)} for number in range(count)]
    requests = 0

    async def get(start: int, desired: int) -> Portion:
        nonlocal requests
        victim = str(deletions.get(requests))
        rows[:] = [row for row in rows if row["id"] != victim]
        requests += 1
        return Portion(rows[start : start + desired], "/next" if start + desired < len(rows) else "", "")

    async def read() -> list[Json]:
        first = await get(0, 10)
        return [item for portion in await collect(walk(get, first, 10, ahead, 1000)) for item in portion]

    try:
        found = [item["id"] for item in asyncio.run(read())]
    except ShiftedError:
        return  # noticed: the caller reads again
    assert len(set(found)) == len(found)
    assert {row["id"] for row in rows} <= set(found)


def test_a_server_that_ignores_where_to_start_is_noticed() -> None:
    async def get(_: int, desired: int) -> Portion:
        return Portion([{"id": str(number)} for number in range(desired)], "/next", "")

    async def read() -> None:
        await collect(walk(get, await get(0, 10), 10, 3, 1000))

    with pytest.raises(IncompleteListingError):
        asyncio.run(read())


def test_a_list_without_an_end_is_given_up() -> None:
    async def get(start: int, desired: int) -> Portion:
        return Portion([{"id": str(number)} for number in range(start, start + desired)], "/next", "")

    async def read() -> None:
        await collect(walk(get, await get(0, 10), 10, 3, 25))

    with pytest.raises(IncompleteListingError, match="25 requests"):
        asyncio.run(read())


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
