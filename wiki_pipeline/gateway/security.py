"""What holds for every request and every answer: who may ask, how much, and what browsers may do with the answer."""

from __future__ import annotations

import math
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wiki_pipeline.access import How, Principal
from wiki_pipeline.gateway.access import Decides
from wiki_pipeline.gateway.errors import Problem, answer
from wiki_pipeline.gateway.rates import Buckets, Failures, Good, client_of, credential_of, proxies_of
from wiki_pipeline.gateway.settings import GatewaySettings

MAX_HEADER_BYTES = 16_384
MAX_HEADERS = 100
PRINCIPAL = "principal"
"""Name in the state of a request under which its `Principal` is; None for health checks and webhooks."""

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


_ADDED = [(name.encode(), value.encode()) for name, value in {**_SECURITY, "cache-control": "no-store"}.items()]
_CLOSE = {"connection": "close"}
_HEADERS_TOO_LARGE = Problem(
    431, "headers_too_large", f"The headers are larger than {MAX_HEADER_BYTES} bytes.", headers=_CLOSE
)
_TOO_MANY_HEADERS = Problem(431, "too_many_headers", f"There are more than {MAX_HEADERS} headers.", headers=_CLOSE)


class _BodyTooLargeError(Exception):
    """More was sent than is taken."""


class SecurityMiddleware:
    """ASGI middleware around the whole application.

    Args:
        max_body_bytes: larger bodies are refused.
        rates: how often may be asked; None: any number of times.
    """

    def __init__(self, app: ASGIApp, access: Decides, max_body_bytes: int, rates: Rates | None = None) -> None:
        self._app = app
        self._access = access
        self._rates = rates
        self._max_body_bytes = max_body_bytes
        said = f"The body is larger than {max_body_bytes} bytes."
        self._too_large = Problem(413, "body_too_large", said, headers=_CLOSE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def secured(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in _ADDED if pair[0] not in given)]
            await send(message)

        decision = self._refusal(scope) or self._decided(scope)
        refusal = decision if isinstance(decision, Problem) else None
        if refusal is not None:
            await answer(refusal, scope["path"])(scope, receive, secured)
            return
        scope = {**scope, "state": {**scope.get("state", {}), PRINCIPAL: decision}}
        if scope["method"] == "HEAD":  # answered as GET; the server leaves the body out
            scope = {**scope, "method": "GET"}
        try:
            await self._app(scope, _bounded(receive, self._max_body_bytes), secured)
        except _BodyTooLargeError:
            if started:
                raise
            await answer(self._too_large, scope["path"])(scope, receive, secured)

    def _decided(self, scope: Scope) -> Principal | Problem | None:
        """Who asks, or why they are not answered, or not yet."""
        if self._rates is None:
            return self._access.decide(scope)
        if (early := self._rates.early(scope)) is not None:
            return early
        decision = self._access.decide(scope)
        return self._rates.counted(scope, decision) or decision

    def _refusal(self, scope: Scope) -> Problem | None:
        """Why the request is not to be looked at, whoever asks; None if it is."""
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
            return _HEADERS_TOO_LARGE
        if len(scope["headers"]) > MAX_HEADERS:
            return _TOO_MANY_HEADERS
        length = Headers(scope=scope).get("content-length", "0")
        is_number = length.isascii() and length.isdecimal()
        return self._too_large if is_number and int(length) > self._max_body_bytes else None


class Rates:
    """How often is asked. What is here before anybody is known costs a look into a dictionary that is empty unless
    somebody failed lately."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._proxies = proxies_of(settings.proxies)
        self._accounts = Buckets(settings.account_rate)
        self._addresses = Buckets(settings.address_rate)
        self._failures = Failures()
        self._good = Good()

    def early(self, scope: Scope) -> Problem | None:
        """Why a request has to wait before its credentials are looked at: others from its address were wrong."""
        if not self._failures:
            return None
        wait = self._failures.wait(client_of(scope, self._proxies))
        credential = credential_of(scope) if wait else b""
        return _wait(wait) if credential and credential not in self._good else None

    def counted(self, scope: Scope, decision: Principal | Problem | None) -> Problem | None:
        """Count a request, now that it is known who sent it. Why it has to wait; None if it need not."""
        if decision is None or (isinstance(decision, Principal) and decision.how is How.LOCAL):
            return None
        address = client_of(scope, self._proxies)
        if isinstance(decision, Problem):
            if decision.status == HTTPStatus.UNAUTHORIZED and (credential := credential_of(scope)):
                self._good.forget(credential)
                self._failures.failed(address)
            return None
        if credential := credential_of(scope):
            self._good.add(credential)
        wait = self._accounts.take((decision.tenant, decision.account or decision.name))
        wait = max(wait, self._addresses.take(address))
        return _wait(wait) if wait else None


def _wait(seconds: float) -> Problem:
    return Problem(
        429,
        "too_many_requests",
        "That is too much at once: ask again later.",
        headers={"retry-after": str(max(1, math.ceil(seconds)))},
    )


def _bounded(receive: Receive, most: int) -> Receive:
    taken = 0

    async def bounded() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise _BodyTooLargeError
        return message

    return bounded
