"""HTTP/1.1 by httptools, within bounds that neither it nor uvicorn has: on headers, on what stands between the parts of
a body, and on how long a client may keep a connection without doing its part.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from wiki_pipeline.gateway.visitors import Visitors

HEALTH = (b"/livez", b"/readyz")
# A little more than the security middleware takes, so that it answers.
_MOST_HEADER_BYTES = 32_768
# Sizes, ends of lines and extensions of chunks, and trailers. A client that sends one byte a chunk needs five for it.
_MOST_FRAMING_BYTES = 65_536
_FRAMING_PER_BYTE = 8
# Requests that are sent ahead, before the answer to the one before. uvicorn would keep any number of them.
_MOST_AHEAD = 16
_CLOSING_SECONDS = 5.0


class BoundedProtocol(HttpToolsProtocol):
    """One connection.

    It waits for its client (for headers, for the rest of a body, for room to write into), each within a time limit, or
    it is our turn. Whoever keeps us waiting makes way where places are rare (`Visitors`).

    Attributes:
        address: of the client; empty for a Unix socket.
    """

    def __init__(self, *arguments: Any, visitors: Visitors, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.address = ""
        self._visitors = visitors
        self._bounds = visitors.bounds
        self._reading: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._closing: asyncio.TimerHandle | None = None
        self._in_headers = True
        self._header_bytes = 0
        self._body_bytes = 0
        self._framing_bytes = 0

    # What comes and goes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        if not self._visitors.enter(self):
            transport.abort()
            return
        self._wait(self._bounds.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        self._visitors.leave(self)
        for timer in (self._reading, self._writing, self._closing):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def make_way(self) -> None:
        """Close, for another connection (`Visitors`)."""
        self._end(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections: this one had to make way. Try again.")

    # What is read

    def data_received(self, data: bytes) -> None:
        began_in_body = not self._in_headers
        body_before = self._body_bytes
        if self._in_headers:
            self._header_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            self._close_within(_CLOSING_SECONDS)
        elif self._in_headers:
            if self._header_bytes > _MOST_HEADER_BYTES:
                self._end(HTTPStatus.BAD_REQUEST, "The headers do not end.")
            elif self._header_bytes and self._reading is None:  # a further request on this connection
                self._wait(self._bounds.header_seconds)
        else:
            if began_in_body:
                self._framing_bytes += len(data) - (self._body_bytes - body_before)
            if self._framing_bytes > _MOST_FRAMING_BYTES + _FRAMING_PER_BYTE * self._body_bytes:
                self._end(HTTPStatus.BAD_REQUEST, "There is too much between and after the parts of the body.")
            elif self._reading is None:
                self._wait(self._bounds.body_seconds)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = max(self._header_bytes, 1)  # also where it came together with the one before it

    def on_header(self, name: bytes, value: bytes) -> None:
        # After the body come trailers. They are not read here, and must not pass for headers, as signatures are.
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_headers = False
        self._body_bytes = self._framing_bytes = 0
        is_health = self.url.partition(b"?")[0] in HEALTH
        # Zero: uvicorn answers 503.
        self.limit_concurrency = 0 if self._visitors.too_many(self) and not is_health else None
        self._our_turn()
        super().on_headers_complete()
        if len(self.pipeline) > _MOST_AHEAD:
            self._abort()

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)
        if self.cycle.response_complete and self._body_bytes > self._bounds.body_bytes:
            self._abort()  # it was answered, and goes on all the same

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_headers = True
        self._header_bytes = 0
        self._our_turn()
        if self.cycle.response_complete:  # before all of the request was there
            self._wait(self._bounds.header_seconds)

    # What is written

    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        super().on_response_complete()
        if self.transport.is_closing():
            self._close_within(self._bounds.answer_seconds)
        elif is_last:
            self._visitors.waits(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writing = self.loop.call_later(self._bounds.answer_seconds, self._abort)
        self._visitors.waits(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        if self._reading is None:
            self._visitors.works(self)

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._close_within(_CLOSING_SECONDS)

    # How long

    def _wait(self, seconds: float) -> None:
        """For what the client has to send."""
        self._reading = self.loop.call_later(seconds, self._too_slow, seconds)
        self._visitors.waits(self)

    def _our_turn(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        self._visitors.works(self)

    def _too_slow(self, seconds: float) -> None:
        if self.flow.read_paused:  # it is we who don't read
            self._wait(seconds)
        else:
            self._end(HTTPStatus.REQUEST_TIMEOUT, "The request did not come in time.")

    # The end

    def _end(self, status: HTTPStatus, message: str) -> None:
        """Say why, where that can still be said, and close."""
        answering = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        silent = self._in_headers and not self._header_bytes
        if answering or silent or self.transport.is_closing():
            self._abort()
            return
        body = message.encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
        self._close_within(_CLOSING_SECONDS)

    def _close_within(self, seconds: float) -> None:
        """A transport that closes first sends what is written, however long that takes; not with us."""
        if self._closing is None:
            self._closing = self.loop.call_later(seconds, self._abort)

    def _abort(self) -> None:
        self._visitors.leave(self)
        self.transport.abort()
