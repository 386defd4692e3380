"""The ASGI application: finds the API behind an address, checks who calls, sends the answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from wiki_pipeline.demo.confluence import downloads, pages, v1, v1_answers, v2
from wiki_pipeline.demo.confluence.world import Unauthorized, World
from wiki_pipeline.demo.serving import CLOUD_ID, HttpApp, Receive, Recorded, Scope, Send
from wiki_pipeline.demo.web import Answer, ApiError, ContractError, Request, json_answer

__all__ = ["CLOUD_ID", "App", "Receive", "Recorded", "Scope", "Send", "rate_limit_headers"]

_GATEWAY = f"/ex/confluence/{CLOUD_ID}"


@dataclass(frozen=True, slots=True)
class _Api:
    prefix: str
    answer: Callable[[Request], Answer]
    error: Callable[[ApiError], Answer]


class App(HttpApp):
    """One site over HTTP. `latency` is in seconds and added to every answer."""

    def __init__(self, world: World, latency: float = 0.0) -> None:
        super().__init__(world.site.lock, latency)
        self.world = world
        world.report = self.violations.append
        self._apis = [_Api("/rest/api", v1.V1(world).answer, v1_answers.error)]
        if world.cloud:
            self._apis.append(_Api("/api/v2", v2.V2(world).answer, v2.error))
        self._apis.append(_Api("", self._page, v1_answers.error))

    def headers(self) -> dict[str, str]:
        """What Data Center sends with every answer."""
        return {} if self.world.cloud else rate_limit_headers()

    def dispatch(self, request: Request) -> Answer:
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


def rate_limit_headers() -> dict[str, str]:
    """What Data Center sends with every answer; `retry-after: 0` means: go on."""
    return {
        "X-RateLimit-Limit": "500",
        "X-RateLimit-Remaining": "499",
        "X-RateLimit-FillRate": "50",
        "X-RateLimit-Interval-Seconds": "60",
        "retry-after": "0",
        "X-RateLimit-Reset": str(int(time.time()) + 60),
    }
