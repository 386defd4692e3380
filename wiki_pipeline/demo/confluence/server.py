"""A Confluence over HTTP for tests: started in a thread, stopped by leaving the `with` block."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import TracebackType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from wiki_pipeline.demo.confluence import downloads
from wiki_pipeline.demo.confluence.app import CLOUD_ID, App, Recorded
from wiki_pipeline.demo.confluence.faults import Effect, Fault
from wiki_pipeline.demo.confluence.site import Flavour, Site, Space
from wiki_pipeline.demo.confluence.world import Account, Limits, World

_START_SECONDS = 10.0


class _Protocol(HttpToolsProtocol):
    """Lets the application end a connection without an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["abort"] = self.transport.abort  # type: ignore[typeddict-unknown-key]


class ConfluenceServer:
    """A Confluence site behind a real HTTP server on a port of this machine.

    Args:
        flavour: `cloud` (v1 and v2, context path `/wiki`) or `datacenter` (v1, no context path).
        context: another context path, as `/confluence`; empty for none.
        latency: seconds added to every answer.
        user_zone: the calling user's time zone, in which CQL dates are read.
        server_zone: the zone in which Data Center writes timestamps.
        index_lag: how long the search index stays behind edits.
        clock: tells the time of the site.
        limits: caps on `limit`.
        host: the interface to listen on.
        port: 0 takes a free one.
        certificate: certificate and key files, for HTTPS.
    """

    def __init__(
        self,
        flavour: Flavour = "cloud",
        *,
        context: str | None = None,
        latency: float = 0.0,
        user_zone: tzinfo = UTC,
        server_zone: tzinfo = UTC,
        index_lag: timedelta = timedelta(0),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        limits: Limits | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        cloud = flavour == "cloud"
        self.site = Site(flavour, clock=clock, index_lag=index_lag)
        self.world = World(
            site=self.site,
            cloud=cloud,
            context=("/wiki" if cloud else "") if context is None else context,
            limits=limits or Limits(),
            user_zone=user_zone,
            server_zone=server_zone,
        )
        self.app = App(self.world, latency)
        self._address = (host, port)
        self._certificate = certificate
        self._socket: socket.socket | None = None
        self._server: _ThreadServer | None = None
        self._thread: threading.Thread | None = None

    # --- running -------------------------------------------------------------------------------------------------

    def __enter__(self) -> ConfluenceServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen and serve in a thread; returns when connections are taken."""
        self._server = _ThreadServer(self._config())
        self._thread = threading.Thread(target=self._server.run, args=([self._listen()],), daemon=True)
        self._thread.start()
        if not self._server.listens.wait(_START_SECONDS):
            raise TimeoutError("the Confluence test server did not start")

    def stop(self) -> None:
        """End all connections and the thread."""
        if self._server and self._thread:
            self._server.end()
            self._thread.join(_START_SECONDS)
        if self._socket:
            self._socket.close()

    def serve_forever(self, announce: Callable[[], None], inherited: socket.socket | None = None) -> None:
        """Serve in this thread until the process is stopped; `announce` is called when it listens.

        `inherited` is a socket of the server's address that listens already.
        """
        listening = inherited or self._listen()
        announce()
        uvicorn.Server(self._config()).run([listening])

    def _listen(self) -> socket.socket:
        self._socket = socket.create_server(self._address, backlog=1024)
        # Kept: a server that is stopped and started again is found where it was.
        self._address = self._socket.getsockname()[:2]
        return self._socket

    def _config(self) -> uvicorn.Config:
        certificate, key = self._certificate or (None, None)
        return uvicorn.Config(
            self.app,
            http=_Protocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            interface="asgi3",
            ssl_certfile=certificate,
            ssl_keyfile=key,
            timeout_graceful_shutdown=1,
        )

    # --- addresses -----------------------------------------------------------------------------------------------

    @property
    def origin(self) -> str:
        """Scheme, host and port; known once the server has been started."""
        host, port = self._address
        return f"{'https' if self._certificate else 'http'}://{host}:{port}"

    @property
    def url(self) -> str:
        """The address that people configure: with the context path, without a slash at the end."""
        return self.origin + self.world.context

    @property
    def gateway_url(self) -> str:
        """The address for OAuth and scoped tokens, as `https://api.atlassian.com/ex/confluence/{cloudId}/wiki`."""
        return f"{self.origin}/ex/confluence/{CLOUD_ID}{self.world.context}"

    @property
    def media_origin(self) -> str:
        """Where Cloud's API sends those who ask for a file."""
        return downloads.media_origin(self.origin)

    # --- what tests do -------------------------------------------------------------------------------------------

    def space(self, key: str, name: str = "", *, description: str = "") -> Space:
        """The space of that key; made if there is none. `space(...).add(...)` makes pages."""
        return self.site.space(key, name, description=description)

    def allow(
        self, *, secret: str, name: str = "", user: str = "Wiki Reader", scoped: bool = False, permitted: bool = True
    ) -> None:
        """Take these credentials, and no anonymous calls any more.

        Args:
            name: user name or e-mail address for Basic; empty for Bearer.
            user: display name of the person they belong to.
            scoped: valid at the gateway address only.
            permitted: whether that person may use Confluence at all; 403 otherwise.
        """
        self.world.accounts.append(Account(secret, self.site.user(user), name, scoped, permitted))

    def fault(
        self,
        path: str,
        effect: Effect,
        *,
        times: int | None = 1,
        after: int = 0,
        probability: float = 1.0,
        seed: int = 0,
    ) -> Fault:
        """Order a fault; see `Fault` for what the arguments mean. Its `struck` counts."""
        fault = Fault(path, effect, times, after, probability, seed)
        self.app.faults.append(fault)
        return fault

    def heal(self) -> None:
        """Take all faults back."""
        self.app.faults.clear()

    @property
    def violations(self) -> list[str]:
        """What clients sent that no right client sends."""
        return self.app.violations

    @property
    def requests(self) -> list[Recorded]:
        """The requests taken so far (the last 100,000)."""
        return list(self.app.requests)

    @property
    def max_in_flight(self) -> int:
        """The greatest number of requests that were under way at once."""
        return self.app.max_in_flight

    def forget_requests(self) -> None:
        """Begin to record afresh: requests, violations, the maximum in flight."""
        self.app.requests.clear()
        self.app.violations.clear()
        self.app.max_in_flight = self.app.in_flight


class _ThreadServer(uvicorn.Server):
    """Lives in a thread: begins and ends at once, where uvicorn looks ten times a second whether it is to end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()
        self._over = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Cut all connections and leave `run`; called from another thread."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._over.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self.listens.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._over.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
