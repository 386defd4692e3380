"""What can wait is done by the end, once each, in order; and a failure is not lost."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from wiki_pipeline.sync.session import BackgroundTasks


def test_it_does_not_hold_up_whoever_gives_it_and_is_done_at_the_end() -> None:
    go, done = threading.Event(), []
    with BackgroundTasks() as later:
        later(lambda: done.append((go.wait(60), 1)))
        later(lambda: done.append((True, 2)))
        assert done == []  # it would never come here, if it were done at once
        go.set()
    assert done == [(True, 1), (True, 2)]


def test_what_it_raises_is_raised_at_the_end_after_the_rest_is_done() -> None:
    done: list[int] = []

    def fail() -> None:
        raise KeyError("its own")

    with pytest.raises(KeyError, match="its own"):
        _give(fail, lambda: done.append(2))
    assert done == [2]


def test_an_error_ends_it_after_what_was_begun() -> None:
    begun, done = threading.Event(), []

    def work() -> None:
        begun.set()
        done.append(failing.wait(60))

    failing = threading.Event()

    def fail() -> None:
        begun.wait(60)
        threading.Timer(0.05, failing.set).start()  # when nothing is left but to wait
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        _give(work, lambda: done.append(False), then=fail)
    assert done == [True]


def _give(*works: Callable[[], None], then: Callable[[], None] = lambda: None) -> None:
    with BackgroundTasks() as later:
        for work in works:
            later(work)
        then()
