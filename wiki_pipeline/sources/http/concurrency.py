"""Several requests at once: some calls ahead, or two beside each other."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


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
