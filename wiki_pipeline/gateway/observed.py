"""Each request counted, timed and named: what /metrics tells, and what log lines of one request have in common."""

from __future__ import annotations

import re
import time
import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wiki_pipeline.gateway.metrics import Metrics
from wiki_pipeline.logs import context

ROUTE = "wiki_pipeline.route"
"""In the scope of a request: the pattern of what answers it, where that is none of the router's routes."""

_HEADER = b"x-request-id"
_SAFE = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_NO_ROUTE = "none"


class Observed:
    """ASGI middleware around the routes.

    A request keeps the id that a proxy gave it (`X-Request-ID`), or gets one; the answer carries it.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
        request_id = given if _SAFE.fullmatch(given) else uuid.uuid4().hex.encode()
        began, status, streams_since = time.perf_counter(), 500, 0.0

        async def noted(message: Message) -> None:
            nonlocal status, streams_since
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message["headers"])
                if any(name == b"content-type" and value.startswith(b"text/event-stream") for name, value in headers):
                    streams_since = time.perf_counter()
                message["headers"] = [*headers, (_HEADER, request_id)]
            await send(message)

        with context(request_id=request_id.decode()):
            try:
                await self._app(scope, receive, noted)
            finally:
                seconds = (streams_since or time.perf_counter()) - began
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._metrics.requested(_route_of(scope), method, status, seconds)


def _route_of(scope: Scope) -> str:
    """The pattern of the route that a request came to, of which there is a bounded number."""
    return str(scope.get(ROUTE) or getattr(scope.get("route"), "path", _NO_ROUTE))
