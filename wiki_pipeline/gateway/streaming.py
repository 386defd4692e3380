"""Numbered events of what is made while people watch, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated

import anyio.to_thread
from fastapi import Header, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from wiki_pipeline.catalog import StreamEvent
from wiki_pipeline.gateway.services import Services

MEDIA_TYPE = "text/event-stream"
_PING_SECONDS = 15.0  # proxies cut streams that are idle for a minute
_LOOK_SECONDS = 1.0  # for events that another process wrote
_HEADERS = {"cache-control": "no-cache, no-store", "x-accel-buffering": "no"}

LastEventId = Annotated[
    str | None, Header(alias="last-event-id", max_length=20, description="Number of the last event that was seen.")
]
After = Annotated[int, Query(ge=0, description="The same, for clients that can't send headers.")]


def last_seen(header: str | None, after: int) -> int:
    """The number of the last event that a client has seen."""
    return int(header) if header and header.isascii() and header.isdecimal() else after


def streamed(serving: Services, stream_id: str, after: int = 0) -> StreamingResponse:
    """The events of a stream after a number, to its end. One that has finished is replayed."""
    return StreamingResponse(_encoded(serving, stream_id, after), media_type=MEDIA_TYPE, headers=_HEADERS)


async def follow(serving: Services, stream_id: str, after: int = 0) -> AsyncIterator[StreamEvent | None]:
    """The events of a stream, as they come; None now and then, while nothing comes."""
    loop, woken = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(woken.set)

    serving.answering.listen(stream_id, wake)
    try:
        quiet = 0.0
        while True:
            woken.clear()
            stream = await anyio.to_thread.run_sync(serving.catalog.streams.get, stream_id)
            events = await anyio.to_thread.run_sync(serving.catalog.streams.read, stream_id, after)
            for event in events:
                yield event
                after = event.number
            if events:
                quiet = 0.0
                continue
            if stream is None or stream.finished_at is not None:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), _LOOK_SECONDS)
            quiet += _LOOK_SECONDS
            if quiet >= _PING_SECONDS:
                quiet = 0.0
                yield None
    finally:
        serving.answering.leave(stream_id, wake)


async def _encoded(serving: Services, stream_id: str, after: int) -> AsyncIterator[bytes]:
    yield KEEPALIVE_COMMENT  # headers and a first byte at once, so that clients know that the request arrived
    async for event in follow(serving, stream_id, after):
        if event is None:
            yield KEEPALIVE_COMMENT
            continue
        data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":"))
        yield format_sse_event(id=str(event.number), event=event.event, data_str=data)
