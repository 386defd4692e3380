"""How often may be asked, by address and by account; and how long those wait whose credentials are wrong.

Counted in this process, in bounded memory: those that ask least recently are forgotten first. Nothing is counted of
whoever uses this machine. A credential that was good lately is let in whatever others at the same address do, so that
thousands of guesses slow nobody else down; nor does a guess cost a look into the catalog while its address waits.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from wiki_pipeline.serving.asgi import Scope, header_values

MOST_KEPT = 20_000
_LONGEST_DELAY = 60.0
_FORGOTTEN_AFTER = 900.0  # seconds without a failure

Clock = Callable[[], float]


class Buckets:
    """So many requests a minute for each key, as many at once. Safe between threads.

    Args:
        per_minute: 0: any number.
    """

    def __init__(self, per_minute: int, clock: Clock = time.monotonic, most_kept: int = MOST_KEPT) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._most_kept = most_kept
        self._lock = threading.Lock()
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # when seen, and what was left then

    def take(self, key: Hashable) -> float:
        """Count a request. Returns 0 if it may be answered, else the seconds after which one may."""
        if not self._per_minute:
            return 0.0
        a_second = self._per_minute / 60
        with self._lock:
            now = self._clock()
            seen, left = self._left.pop(key, (now, float(self._per_minute)))
            left = min(float(self._per_minute), left + (now - seen) * a_second)
            wait = 0.0 if left >= 1 else (1 - left) / a_second
            self._left[key] = (now, left if wait else left - 1)
            while len(self._left) > self._most_kept:
                self._left.popitem(last=False)
        return wait


@dataclass(slots=True)
class _Failed:
    count: int
    last: float
    until: float


class Failures:
    """Who failed lately, and until when they wait: longer after each failure beyond the first few. Safe between
    threads.

    Args:
        free: failures after which nobody waits yet.
    """

    def __init__(self, free: int = 10, clock: Clock = time.monotonic, most_kept: int = MOST_KEPT) -> None:
        self._free = free
        self._clock = clock
        self._most_kept = most_kept
        self._lock = threading.Lock()
        self._failed: OrderedDict[Hashable, _Failed] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._failed)

    def wait(self, key: Hashable) -> float:
        """Seconds that they have to wait yet."""
        with self._lock:
            found = self._failed.get(key)
            return 0.0 if found is None else max(0.0, found.until - self._clock())

    def failed(self, key: Hashable) -> None:
        """Count a failure."""
        with self._lock:
            now = self._clock()
            found = self._failed.pop(key, None)
            if found is None or now - found.last > _FORGOTTEN_AFTER:
                found = _Failed(0, now, now)
            found.count, found.last = found.count + 1, now
            beyond = found.count - self._free
            # 1 s, 2 s, 4 s ... a minute.
            found.until = now + min(_LONGEST_DELAY, 2.0 ** min(beyond - 1, 10)) if beyond > 0 else now
            self._failed[key] = found
            while len(self._failed) > self._most_kept:
                self._failed.popitem(last=False)


class Good:
    """Credentials that were good lately, by their hashes. Safe between threads."""

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._most_kept = most_kept
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, credential: bytes) -> bool:
        with self._lock:
            return credential in self._known

    def add(self, credential: bytes) -> None:
        """Remember one."""
        with self._lock:
            self._known.pop(credential, None)
            self._known[credential] = None
            while len(self._known) > self._most_kept:
                self._known.popitem(last=False)

    def forget(self, credential: bytes) -> None:
        """It is good no more."""
        with self._lock:
            self._known.pop(credential, None)


def credential_of(scope: Scope) -> bytes:
    """A hash of the token that a request brings to show who sends it; empty if it brings none. Cookies are none: nobody
    guesses the id of a session, and who has just logged in waits for nobody's mistakes."""
    brought = header_values(scope).get("authorization", "")
    return hashlib.sha256(brought.encode("latin-1", "replace")).digest() if brought else b""
