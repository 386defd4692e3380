"""`/mcp` of the gateway. The SDK takes over a second and 25 MB to load, so it waits for the first who asks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from wiki_pipeline.gateway.services import Services

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager


class McpEndpoint:
    """An ASGI application for one address. `close` it in the event loop that it was called in."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._closing = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._manager: asyncio.Future[StreamableHTTPSessionManager] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            # The server says nothing that it was not asked, and keeps no session that could be ended.
            await Response(status_code=405, headers={"allow": "POST"})(scope, receive, send)
            return
        if self._manager is None or (self._manager.done() and self._manager.exception()):
            self._manager = asyncio.get_running_loop().create_future()
            self._serving = asyncio.create_task(self._serve(self._manager))
        manager = await asyncio.shield(self._manager)
        await manager.handle_request(scope, receive, send)

    async def close(self) -> None:
        """End what is under way."""
        self._closing.set()
        if self._serving is not None:
            await self._serving

    async def _serve(self, ready: asyncio.Future[StreamableHTTPSessionManager]) -> None:
        try:
            manager = await asyncio.to_thread(_loaded, self._services)
            async with manager.run():
                ready.set_result(manager)
                await self._closing.wait()
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)


def _loaded(services: Services) -> StreamableHTTPSessionManager:
    from wiki_pipeline.gateway.mcp.server import over_http  # noqa: PLC0415 - see above

    return over_http(services)
