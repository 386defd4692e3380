"""What holds for every request and every answer: who may ask, how much, and what browsers may do with the answer."""

from __future__ import annotations

import math
from http import HTTPStatus
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wiki_pipeline.access import Action, How, secrets
from wiki_pipeline.access.credentials import Visit
from wiki_pipeline.access.throttle import network_of
from wiki_pipeline.gateway.access import Decides, Decision, LoginFirst
from wiki_pipeline.gateway.errors import Problem, answer
from wiki_pipeline.gateway.rates import Buckets, Failures, Good, credential_of
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.wiki import site

MAX_HEADER_BYTES = 16_384
MAX_HEADERS = 100
PRINCIPAL = "principal"
"""Name in the state of a request under which its `Principal` is; None for health checks and webhooks."""
VISIT = "visit"
"""The same for its `Visit`: with the session that it is of."""
CLIENT = "client_address"
"""The same for the address that it comes from."""
CSRF = "csrf"
"""Name of the field of forms that shows that they were made for this session; programs of pages send the header."""

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


_FORGED = Problem(
    403,
    "cross_site",
    "This form was not made for your session, or that has changed. Load the page again and repeat it.",
)
_MOST_FIELDS = 100


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

        decision = self._refusal(scope) or await self._decided(scope)
        if isinstance(decision, Problem):
            accept = Headers(scope=scope).get("accept", "") if self._access.people else ""
            await answer(decision, scope["path"], accept)(scope, receive, secured)
            return
        if isinstance(decision, LoginFirst):
            asked = f"?{urlencode({'next': decision.next})}" if decision.next not in {"", "/"} else ""
            await RedirectResponse(f"/login{asked}", 303)(scope, receive, secured)
            return
        bounded = _bounded(receive, self._max_body_bytes)
        visit = decision.visit
        known = {PRINCIPAL: visit and visit.principal, VISIT: visit, CLIENT: decision.address}
        scope = {**scope, "state": {**scope.get("state", {}), **known}}
        try:
            if visit is not None and visit.session_id and scope["method"] not in {"GET", "HEAD"}:
                body = await _whole(bounded)
                if not _made_for(visit, scope, body):
                    await answer(_FORGED, scope["path"], "text/html")(scope, receive, secured)
                    return
                bounded = _again(body, receive)
            if scope["method"] == "HEAD":  # answered as GET; the server leaves the body out
                scope = {**scope, "method": "GET"}
            with site.read_by(_reader(decision) if self._access.people else None):
                await self._app(scope, bounded, secured)
        except _BodyTooLargeError:
            if started:
                raise
            await answer(self._too_large, scope["path"])(scope, receive, secured)

    async def _decided(self, scope: Scope) -> Decision | LoginFirst | Problem:
        """Who asks, or why they are not answered, or not yet."""
        if self._rates is None:
            return await self._access.decide(scope)
        network = network_of(self._access.address(scope))
        if (early := self._rates.early(scope, network)) is not None:
            return early
        decision = await self._access.decide(scope)
        return self._rates.counted(scope, network, decision) or decision

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
        self._accounts = Buckets(settings.account_rate)
        self._addresses = Buckets(settings.address_rate)
        self._failures = Failures()
        self._good = Good()

    def early(self, scope: Scope, network: str) -> Problem | None:
        """Why a request has to wait before its credentials are looked at: others from its network were wrong."""
        wait = self._failures.wait(network) if self._failures else 0.0
        credential = credential_of(scope) if wait else b""
        return _wait(wait) if credential and credential not in self._good else None

    def counted(self, scope: Scope, network: str, decision: Decision | LoginFirst | Problem) -> Problem | None:
        """Count a request, now that it is known who sent it. Why it has to wait; None if it need not."""
        if isinstance(decision, Problem):
            if decision.status == HTTPStatus.UNAUTHORIZED and (credential := credential_of(scope)):
                self._good.forget(credential)
                self._failures.failed(network)
            return None
        visit = decision.visit if isinstance(decision, Decision) else None
        if visit is None or visit.principal.how is How.LOCAL:
            return None
        if credential := credential_of(scope):
            self._good.add(credential)
        wait = self._accounts.take((visit.principal.tenant, visit.principal.owner))
        wait = max(wait, self._addresses.take(network))
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


def _reader(decision: Decision) -> site.Reader | None:
    visit = decision.visit
    if visit is None:
        return None
    return site.Reader(visit.principal.name, visit.csrf, admin=visit.principal.may(Action.ADMIN))


async def _whole(receive: Receive) -> bytes:
    """The body of a request, which is bounded."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":  # the browser has gone
            return b""
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, for whoever reads it next; after it, whatever else comes."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _made_for(visit: Visit, scope: Scope, body: bytes) -> bool:
    """Whether a request that changes something comes from a page that was made for its session."""
    headers = Headers(scope=scope)
    given = headers.get("x-csrf-token", "")
    if not given and headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        try:
            given = parse_qs(body.decode("utf-8"), max_num_fields=_MOST_FIELDS).get(CSRF, [""])[0]
        except ValueError:
            return False
    return secrets.equal(given, visit.csrf)
