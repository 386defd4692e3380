"""What can wait, done in a thread beside the stages: maintenance of tables, which the store mostly does outside Python.

A stage's rows are there for everyone once they are committed. That its table is quick to read again, with few fragments
and its new rows indexed, is nothing that the next stage has to wait for.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self


class BackgroundTasks:
    """Does one thing after the other. Left, it has done everything; left by an exception, what it had begun."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="background")
        self._given: list[Future[None]] = []

    def __call__(self, work: Callable[[], None]) -> None:
        self._given.append(self._thread.submit(work))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait.

        Raises:
            Exception: the first that was raised by what was given, if none is on its way already.
        """
        self._thread.shutdown(cancel_futures=error is not None)
        if error is None:
            for given in self._given:
                given.result()
