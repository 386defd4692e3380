"""The ASGI application: finds the API behind an address, checks who calls, lets faults strike, sends the answer."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from wiki_pipeline.demo.confluence import downloads, pages, v1, v1_answers, v2
from wiki_pipeline.demo.confluence.faults import Effect, Fault
from wiki_pipeline.demo.confluence.web import Answer, ApiError, ContractError, Request, json_answer
from wiki_pipeline.demo.confluence.world import Unauthorized, World

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CLOUD_ID = "11223344-a1b2-3b33-c444-def123456789"
_GATEWAY = f"/ex/confluence/{CLOUD_ID}"
# Kept for tests to look at; a benchmark's requests must not fill the memory.
_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request that the server took. `query` holds repeated parameters as they came."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    status: int
    authorization: str = field(default="", repr=False)

    def get(self, name: str) -> str | None:
        """The last value of a query parameter."""
        return dict(self.query).get(name)


@dataclass(frozen=True, slots=True)
class _Api:
    prefix: str
    answer: Callable[[Request], Answer]
    error: Callable[[ApiError], Answer]


@dataclass(slots=True, eq=False)
class App:
    """One site over HTTP. `latency` is in seconds and added to every answer."""

    world: World
    latency: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    requests: deque[Recorded] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    in_flight: int = 0
    max_in_flight: int = 0
    control: Callable[[Request], Answer] | None = None
    _apis: list[_Api] = field(init=False)

    def __post_init__(self) -> None:
        self.world.report = self.violations.append
        self._apis = [_Api("/rest/api", v1.V1(self.world).answer, v1_answers.error)]
        if self.world.cloud:
            self._apis.append(_Api("/api/v2", v2.V2(self.world).answer, v2.error))
        self._apis.append(_Api("", self._page, v1_answers.error))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        host = next((value.decode() for name, value in scope["headers"] if name == b"host"), "localhost")
        request = Request.from_scope(scope, f"{scope['scheme']}://{host}", await _body(receive))
        if self.control is not None and request.path.startswith("/_control/"):
            with self.world.site.lock:
                await _send(self.control(request), scope, send)
            return
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            path, query = request.path, tuple(request.query)
            answer = await self._answer(request, scope["query_string"].decode("latin-1"))
            self.requests.append(
                Recorded(request.method, path, query, answer.status, request.headers.get("authorization", ""))
            )
            await _send(answer, scope, send)
        finally:
            self.in_flight -= 1

    async def _answer(self, request: Request, query_string: str) -> Answer:
        address = f"{request.path}?{query_string}" if query_string else request.path
        effects = [fault.effect for fault in list(self.faults) if fault.strikes(address)]
        delay = self.latency + sum(effect.delay for effect in effects)
        if delay:
            await asyncio.sleep(delay)
        for effect in effects:
            if effect.instead:
                return effect.instead()
        return self._served(request, effects)

    def _served(self, request: Request, effects: list[Effect]) -> Answer:
        for effect in effects:
            if effect.bend:
                effect.bend(request)
        with self.world.site.lock:
            answer = self._dispatch(request)
        if not self.world.cloud:
            answer.headers |= _rate_limit_headers()
        for effect in effects:
            if effect.spoil:
                effect.spoil(answer)
        return answer

    def _dispatch(self, request: Request) -> Answer:
        """Find what serves an address: an API, a page for people, or nothing."""
        world, path = self.world, request.path
        if world.cloud and path.startswith(downloads.MEDIA):
            return downloads.media(world, request)
        if world.cloud and path == "/_edge/tenant_info":
            return json_answer({"cloudId": CLOUD_ID, "cloudName": "example"})
        if world.cloud and path.startswith(_GATEWAY + "/"):
            request.via_gateway = True
            path = path.removeprefix(_GATEWAY)
        if world.context:
            if not path.startswith(world.context + "/"):
                return self._lost(request, "the context path is missing")
            path = path.removeprefix(world.context)
            if path.startswith(world.context + "/"):
                return self._lost(request, "the context path is doubled")
        return self._serve(request, path)

    def _serve(self, request: Request, path: str) -> Answer:
        full_path, world = request.path, self.world
        api = next(api for api in self._apis if path.startswith(f"{api.prefix}/"))
        request.path = path.removeprefix(api.prefix)
        try:
            request.user = world.identify(request.headers.get("authorization", ""), via_gateway=request.via_gateway)
            return api.answer(request)
        except Unauthorized as problem:
            if str(problem):
                self.violations.append(f"{request.method} {full_path}: {problem}")
            request.path = full_path
            return pages.unauthorized(request, cloud=world.cloud)
        except ApiError as problem:
            if isinstance(problem, ContractError):
                self.violations.append(f"{request.method} {full_path}: {problem.message}")
            return api.error(problem)

    def _page(self, request: Request) -> Answer:
        return pages.answer(self.world, request) or self._lost(request, "nothing lives at this address")

    def _lost(self, request: Request, reason: str) -> Answer:
        # A client may probe once for what only the other flavour has.
        if not request.path.endswith(("/api/v2/spaces", "/_edge/tenant_info")):
            self.violations.append(f"{request.method} {request.path}: {reason}")
        return pages.not_found()


def _rate_limit_headers() -> dict[str, str]:
    """What Data Center sends with every answer; `retry-after: 0` means: go on."""
    return {
        "X-RateLimit-Limit": "500",
        "X-RateLimit-Remaining": "499",
        "X-RateLimit-FillRate": "50",
        "X-RateLimit-Interval-Seconds": "60",
        "retry-after": "0",
        "X-RateLimit-Reset": str(int(time.time()) + 60),
    }


async def _body(receive: Receive) -> bytes:
    pieces: list[bytes] = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


async def _send(answer: Answer, scope: Scope, send: Send) -> None:
    if answer.cut is not None and not answer.status:
        scope["abort"]()
        return
    headers = {"content-type": answer.media_type, "content-length": str(len(answer.body))} | answer.headers
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    if answer.cut is not None:
        await send({"type": "http.response.body", "body": answer.body[: answer.cut], "more_body": True})
        scope["abort"]()
        return
    if answer.pause:
        step = len(answer.body) // 10 + 1
        for position in range(0, len(answer.body), step):
            await asyncio.sleep(answer.pause)
            await send(
                {"type": "http.response.body", "body": answer.body[position : position + step], "more_body": True}
            )
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.body", "body": answer.body})
