"""Asynchronous work that a signal ends in order: it is cancelled first, then the signal has its effect."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_interruptibly(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine as `asyncio.run` does, and let SIGINT and SIGTERM cancel it.

    Once it has ended, the handler that was set before is called.

    Left alone, a handler raises wherever the event loop happens to be, and the loop swallows all but KeyboardInterrupt
    there: Dagster's interruption, for one, would have no effect.
    """
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(work)
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handlers = {number: handler for number, handler in found.items() if callable(handler)}
    received: list[signal.Signals] = []

    async def cancellable() -> T:
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)

        def cancel(number: signal.Signals) -> None:
            received.append(number)
            task.cancel()

        for number in handlers:
            loop.add_signal_handler(number, cancel, number)
        return await task

    try:
        return asyncio.run(cancellable())
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in received:
            handlers[number](number, None)
