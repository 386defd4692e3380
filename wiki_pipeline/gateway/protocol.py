"""HTTP/1.1 by httptools, with a bound on headers that never end, which neither it nor uvicorn has."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# A little more than the envelope takes, so that it answers.
_MOST_BYTES = 32_768


class BoundedProtocol(HttpToolsProtocol):
    """One connection. What is read of headers before their end is bounded; what comes after is the envelope's."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._in_headers = True
        self._header_bytes = 0

    def data_received(self, data: bytes) -> None:
        if self._in_headers:
            self._header_bytes += len(data)
        super().data_received(data)
        if self._in_headers and self._header_bytes > _MOST_BYTES and not self.transport.is_closing():
            self.send_400_response("The headers do not end.")

    def on_headers_complete(self) -> None:
        self._in_headers = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_headers = True
        self._header_bytes = 0
