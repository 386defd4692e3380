from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from wiki_pipeline.sync.signals import run_interruptibly


class StoppedError(BaseException):
    """As Dagster's interruption: no KeyboardInterrupt, so an event loop would swallow it."""


def stop(*_: object) -> None:
    raise StoppedError


@contextmanager
def handled(number: signal.Signals) -> Iterator[None]:
    before = signal.signal(number, stop)
    try:
        yield
        assert signal.getsignal(number) is stop
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_work_and_then_has_its_effect(number: signal.Signals) -> None:
    tidied = []

    async def work() -> None:
        os.kill(os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            tidied.append(number)

    with handled(number), pytest.raises(StoppedError):
        run_interruptibly(work())
    assert tidied == [number]


def test_a_signal_has_its_effect_though_the_work_ended_well() -> None:
    async def work() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()

    with handled(signal.SIGTERM), pytest.raises(StoppedError):
        run_interruptibly(work())


def test_work_that_is_not_interrupted_gives_its_result_and_leaves_the_handlers() -> None:
    async def work() -> int:
        return 7

    with handled(signal.SIGTERM):
        assert run_interruptibly(work()) == 7


def test_work_runs_in_other_threads_too() -> None:
    results = []

    async def work() -> int:
        return 7

    thread = threading.Thread(target=lambda: results.append(run_interruptibly(work())))
    thread.start()
    thread.join(timeout=60)
    assert results == [7]
