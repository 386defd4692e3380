"""Waiting for work. Dagster asks a sensor every few seconds; one that waits answers when there is something to say."""

from __future__ import annotations

import time
from collections.abc import Callable

_LOOK_SECONDS = 0.1


def wait_until(there_is: Callable[[], bool], seconds: float) -> bool:
    """Look until there is something, for so many seconds at most. Looks at least once."""
    deadline = time.monotonic() + seconds
    while not there_is():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(_LOOK_SECONDS, left))
    return True
