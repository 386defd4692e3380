"""What holds for every request and every answer: who may ask, how much, and what browsers may do with the answer."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wiki_pipeline.gateway.access import arrived_on_loopback, host_name
from wiki_pipeline.gateway.errors import Problem, answer

MAX_HEADER_BYTES = 16_384
MAX_BODY_BYTES = 1_000_000

_SECURITY = {
    "content-security-policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


_CLOSE = {"connection": "close"}
_NOT_OPEN = Problem(403, "not_open", "This gateway serves its own machine only.", headers=_CLOSE)
_UNKNOWN_HOST = Problem(
    421, "unknown_host", "This gateway does not answer for that host name. Ask for it as localhost.", headers=_CLOSE
)
_HEADERS_TOO_LARGE = Problem(
    431, "headers_too_large", f"The headers are larger than {MAX_HEADER_BYTES} bytes.", headers=_CLOSE
)
_TOO_LARGE = Problem(413, "body_too_large", f"The body is larger than {MAX_BODY_BYTES} bytes.", headers=_CLOSE)


class _BodyTooLargeError(Exception):
    """More was sent than is taken."""


class Envelope:
    """ASGI middleware around the whole application.

    Args:
        hosts: names that requests may ask for (`access.allowed_hosts`).
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def secured(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await answer(refusal, scope["path"])(scope, receive, secured)
            return
        if scope["method"] == "HEAD":  # answered as GET; the server leaves the body out
            scope = {**scope, "method": "GET"}
        try:
            await self._app(scope, _bounded(receive), secured)
        except _BodyTooLargeError:
            if started:
                raise
            await answer(_TOO_LARGE, scope["path"])(scope, receive, secured)

    def _refusal(self, scope: Scope) -> Problem | None:
        """Why the request is not to be looked at; None if it is."""
        headers = Headers(scope=scope)
        if not arrived_on_loopback(scope):
            return _NOT_OPEN
        if host_name(headers.get("host", "")) not in self._hosts:
            return _UNKNOWN_HOST
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            return _HEADERS_TOO_LARGE
        length = headers.get("content-length", "0")
        return _TOO_LARGE if length.isdecimal() and int(length) > MAX_BODY_BYTES else None


def _bounded(receive: Receive) -> Receive:
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MAX_BODY_BYTES:
            raise _BodyTooLargeError
        return message

    return bounded
