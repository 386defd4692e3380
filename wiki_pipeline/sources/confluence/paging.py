"""Pages of lists, and several requests at once.

A short page is not the last page: servers lower the limit silently, leave `next` out, or send `next` with nothing
behind it. So a list ends where a page is empty (`offsets`) or no link leads on (`cursors`), never at a short page.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from wiki_pipeline.errors import IncompleteListingError, SourceUnreachableError
from wiki_pipeline.sources.confluence.answers import Json
from wiki_pipeline.sources.confluence.client import ConfluenceClient, Params

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Portion:
    """One page of a list: its items, the link to the next, and the address that `webui` links are relative to."""

    items: list[Json]
    next_link: str
    base: str

    @property
    def ids(self) -> list[str]:
        """The items' ids."""
        return [str(item.get("id")) for item in self.items]


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


async def together(first: Awaitable[A], second: Awaitable[B]) -> tuple[A, B]:
    """The results of both, run at the same time; an error of one ends the other."""
    one, two = asyncio.ensure_future(first), asyncio.ensure_future(second)
    try:
        return await asyncio.gather(one, two)
    finally:
        one.cancel()
        two.cancel()


def endless(max_requests: int) -> IncompleteListingError:
    """The error for a list that is not at its end after so many requests."""
    return IncompleteListingError(
        f"The listing is not at its end after {max_requests} requests.",
        "If it is really that long, raise WIKI_PIPELINE_CONFLUENCE_MAX_LIST_REQUESTS. Nothing was deleted.",
    )
