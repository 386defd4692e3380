"""The end of a gateway that others take over from: no new work is sent to it, and what is under way is ended in order.

Told to stop (SIGTERM), it first says on /readyz that it is not ready, and goes on answering for a while: load balancers
take seconds to notice. Streams are told to come again. Then it takes no more connections, and ends once what it has
begun is answered and webhooks that it has taken are committed.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn


class Draining:
    """Whether a gateway is about to stop. Safe between threads."""

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._wake: list[Callable[[], None]] = []
        self._turn = threading.Lock()

    @property
    def begun(self) -> bool:
        """Whether it has been told to stop."""
        return self._begun.is_set()

    def begin(self) -> None:
        """It has been told to stop. Repeatable."""
        self._begun.set()
        with self._turn:
            for wake in self._wake:
                wake()

    def listen(self, wake: Callable[[], None]) -> None:
        """Have `wake` called when it begins; from any thread, and at once if it has begun."""
        with self._turn:
            self._wake.append(wake)
        if self.begun:
            wake()

    def leave(self, wake: Callable[[], None]) -> None:
        """The end of `listen`."""
        with self._turn:
            self._wake.remove(wake)


class DrainingServer(uvicorn.Server):
    """A server that goes on for some seconds after SIGTERM, not ready any more. A second signal, and Ctrl-C, end it at
    once.

    Args:
        seconds: how long.
    """

    def __init__(self, config: uvicorn.Config, draining: Draining, seconds: float) -> None:
        super().__init__(config)
        self._draining = draining
        self._seconds = seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = False

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See `uvicorn.Server`; called in the main thread, between two steps of the loop."""
        loop, stop, again = self._loop, super().handle_exit, self._told
        self._told = True
        if loop is not None:  # in the loop: here, the thread may hold the very lock that this takes
            loop.call_soon_threadsafe(self._draining.begin)
        if loop is None or again or sig != signal.SIGTERM or not self._seconds:
            stop(sig, frame)
        else:
            loop.call_soon_threadsafe(lambda: loop.call_later(self._seconds, stop, sig, None))
