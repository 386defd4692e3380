"""What every server of the demo is made of: a real HTTP server in a thread, and an application that records requests
and lets faults strike. What is served is the business of each (`confluence`, `jira`)."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from wiki_pipeline.demo.faults import Effect, Fault
from wiki_pipeline.demo.web import Answer, Request

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CLOUD_ID = "11223344-a1b2-3b33-c444-def123456789"
# Kept for tests to look at; a benchmark's requests must not fill the memory.
_REMEMBERED = 100_000
_START_SECONDS = 10.0


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


class HttpApp:
    """The ASGI application of a server: lets faults strike, has the answer made, records the request.

    Args:
        lock: held while an answer is made.
        latency: seconds added to every answer.
    """

    def __init__(self, lock: AbstractContextManager[Any], latency: float = 0.0) -> None:
        self.lock = lock
        self.latency = latency
        self.faults: list[Fault] = []
        self.violations: list[str] = []
        self.requests: deque[Recorded] = deque(maxlen=_REMEMBERED)
        self.in_flight = 0
        self.max_in_flight = 0
        self.control: Callable[[Request], Answer] | None = None

    def dispatch(self, request: Request) -> Answer:
        """The answer to a request, without faults."""
        raise NotImplementedError

    def headers(self) -> dict[str, str]:
        """What is sent with every answer."""
        return {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        host = next((value.decode() for name, value in scope["headers"] if name == b"host"), "localhost")
        request = Request.from_scope(scope, f"{scope['scheme']}://{host}", await _body(receive))
        if self.control is not None and request.path.startswith("/_control/"):
            with self.lock:
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
        with self.lock:
            answer = self.dispatch(request)
        answer.headers |= self.headers()
        for effect in effects:
            if effect.spoil:
                effect.spoil(answer)
        return answer


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


class _Protocol(HttpToolsProtocol):
    """Lets the application end a connection without an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["abort"] = self.transport.abort  # type: ignore[typeddict-unknown-key]


class HttpServer:
    """A site behind a real HTTP server on a port of this machine: started in a thread, stopped by leaving the `with`
    block.

    Args:
        host: the interface to listen on.
        port: 0 takes a free one.
        certificate: certificate and key files, for HTTPS.
    """

    app: HttpApp

    def __init__(self, host: str = "127.0.0.1", port: int = 0, certificate: tuple[Path, Path] | None = None) -> None:
        self._address = (host, port)
        self._certificate = certificate
        self._socket: socket.socket | None = None
        self._server: _ThreadServer | None = None
        self._thread: threading.Thread | None = None

    # --- running -------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
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
            raise TimeoutError("the test server did not start")

    def stop(self) -> None:
        """End all connections and the thread."""
        if self._server and self._thread:
            self._server.end()
            self._thread.join(_START_SECONDS)
        if self._socket:
            self._socket.close()

    def serve_forever(self, announce: Callable[[], None], inherited: socket.socket | None = None) -> None:
        """Serve in this thread until the process is told to stop; `announce` is called when it listens.

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

    @property
    def origin(self) -> str:
        """Scheme, host and port; known once the server has been started."""
        host, port = self._address
        return f"{'https' if self._certificate else 'http'}://{host}:{port}"

    # --- what tests do -------------------------------------------------------------------------------------------

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
