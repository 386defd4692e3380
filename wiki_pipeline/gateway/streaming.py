"""Numbered events of what is made while people watch, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

import anyio.to_thread
from fastapi import Header, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from wiki_pipeline.answers.durable import Durable
from wiki_pipeline.catalog import StreamEvent
from wiki_pipeline.gateway.services import Services

MEDIA_TYPE = "text/event-stream"
_PING_SECONDS = 15.0  # proxies cut streams that are idle for a minute
_AGAIN_MILLISECONDS = 1_000
_LOOK_SECONDS = 1.0  # for events that another process wrote
_HEADERS = {"cache-control": "no-cache, no-store", "x-accel-buffering": "no"}

LastEventId = Annotated[
    str | None, Header(alias="last-event-id", max_length=20, description="Number of the last event that was seen.")
]
After = Annotated[int, Query(ge=0, description="The same, for clients that can't send headers.")]


def last_seen(header: str | None, after: int) -> int:
    """The number of the last event that a client has seen."""
    return int(header) if header and header.isascii() and header.isdecimal() else after


def streamed(serving: Services, maker: Durable[Any], stream_id: str, after: int = 0) -> StreamingResponse:
    """The events of a stream after a number, to its end. One that has finished is replayed."""
    return StreamingResponse(_encoded(serving, maker, stream_id, after), media_type=MEDIA_TYPE, headers=_HEADERS)


async def follow(
    serving: Services, maker: Durable[Any], stream_id: str, after: int = 0, *, elsewhere: bool = False
) -> AsyncIterator[StreamEvent | None]:
    """The events of a stream, as they come; None now and then, while nothing comes.

    Args:
        elsewhere: whoever follows can go on at another gateway, and is let go when this one is about to stop.
    """
    loop, woken = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(woken.set)

    maker.listen(stream_id, wake)
    serving.draining.listen(wake)
    try:
        quiet = 0.0
        while True:
            woken.clear()
            stream = await anyio.to_thread.run_sync(maker.streams.get, stream_id)
            events = await anyio.to_thread.run_sync(maker.streams.read, stream_id, after)
            for event in events:
                yield event
                after = event.number
            if events:
                quiet = 0.0
                continue
            if stream is None or stream.finished_at is not None or (elsewhere and serving.draining.begun):
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), _LOOK_SECONDS)
            quiet += _LOOK_SECONDS
            if quiet >= _PING_SECONDS:
                quiet = 0.0
                yield None
    finally:
        serving.draining.leave(wake)
        maker.leave(stream_id, wake)


async def _encoded(serving: Services, maker: Durable[Any], stream_id: str, after: int) -> AsyncIterator[bytes]:
    yield KEEPALIVE_COMMENT  # headers and a first byte at once, so that clients know that the request arrived
    async for event in follow(serving, maker, stream_id, after, elsewhere=True):
        if event is None:
            yield KEEPALIVE_COMMENT
            continue
        data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":"))
        yield format_sse_event(id=str(event.number), event=event.event, data_str=data)
    if serving.draining.begun:
        # What is made goes on in another process' sight: the client comes again, there, with the last number it saw.
        yield f"retry: {_AGAIN_MILLISECONDS}\n\n".encode()
