"""Delays that grow with wrong passwords: for one account, and for one address. Nobody is locked out for good.

For an account the delay stays below a minute, and addresses that it has logged in from before do not wait for others'
mistakes: who guesses can slow its owner down elsewhere, and no more. For an address it grows to a quarter of an hour.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from wiki_pipeline.access import secrets
from wiki_pipeline.catalog import Catalog
from wiki_pipeline.errors import ThrottledError

FREE_OF_ACCOUNT, LONGEST_OF_ACCOUNT = 5, 60.0
FREE_OF_ADDRESS, LONGEST_OF_ADDRESS = 20, 900.0
_MOST = 10_000
_AT_ONCE = 4
_MINUTE = 60.0


class PerMinute:
    """How often addresses did something within a minute. Bounded: those longest ago are forgotten first.

    Args:
        most: that is not too many.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, address: str) -> None:
        """Note one more."""
        key = network_of(address)
        with self._lock:
            began, number = self._seen.pop(key, (self._clock(), 0))
            if self._clock() - began > _MINUTE:
                began, number = self._clock(), 0
            self._seen[key] = began, number + 1
            while len(self._seen) > _MOST:
                self._seen.popitem(last=False)

    def too_many(self, address: str) -> bool:
        """Whether it was as often as it may be."""
        with self._lock:
            began, number = self._seen.get(network_of(address), (0.0, 0))
            return number >= self._most and self._clock() - began <= _MINUTE

    def refuse(self, address: str) -> None:
        """Refuse what would be too many.

        Raises:
            ThrottledError: it would.
        """
        if self.too_many(address):
            raise ThrottledError("That was too often within a minute.", "Try again in a minute.", seconds=_MINUTE)


class Throttle:
    """Counts in the catalog, so that all processes know; what an address waits for is remembered here too, so that
    thousands of tries ask nobody."""

    def __init__(self, catalog: Catalog, clock: Callable[[], float] = time.monotonic) -> None:
        self._failures = catalog.login_failures
        self._came_from = catalog.sessions.came_from
        self._clock = clock
        self._lock = threading.Lock()
        self._waits: dict[str, float] = {}
        self._trying: Counter[str] = Counter()

    def refuse_soon(self, address: str) -> None:
        """Refuse an address that is known to have to wait, without asking anybody.

        Raises:
            ThrottledError: it has to; says how long.
        """
        with self._lock:
            until = self._waits.get(network_of(address), 0.0)
        if until > self._clock():
            raise _wait(until - self._clock())

    @contextmanager
    def one_of_few(self, address: str) -> Iterator[None]:
        """Around a try: an address has few at once, so that it does not take the places of all others.

        Raises:
            ThrottledError: it has as many.
        """
        network = network_of(address)
        with self._lock:
            if self._trying[network] >= _AT_ONCE:
                raise _wait(1.0)
            self._trying[network] += 1
        try:
            yield
        finally:
            with self._lock:
                self._trying[network] -= 1
                if not self._trying[network]:
                    del self._trying[network]

    def refuse(self, name: str, address: str, account_id: str) -> None:
        """Refuse a try that comes too soon after wrong ones.

        Args:
            name: as it was typed.
            account_id: whose name it is; empty: nobody's.

        Raises:
            ThrottledError: it does; says how long to wait.
        """
        account, network = keys(name, address)
        counted = self._failures.counts([account, network])
        seconds = _left(counted, network, FREE_OF_ADDRESS, LONGEST_OF_ADDRESS)
        if seconds > 0:
            with self._lock:
                if len(self._waits) >= _MOST:
                    now = self._clock()
                    self._waits = {key: until for key, until in self._waits.items() if until > now}
                if len(self._waits) < _MOST:
                    self._waits[network_of(address)] = self._clock() + seconds
            raise _wait(seconds)
        seconds = _left(counted, account, FREE_OF_ACCOUNT, LONGEST_OF_ACCOUNT)
        if seconds > 0 and not (account_id and self._came_from(account_id, address)):
            raise _wait(seconds)

    def failed(self, name: str, address: str) -> None:
        """Count a wrong try."""
        self._failures.add(keys(name, address))

    def succeeded(self, name: str, address: str) -> None:
        """Begin anew for the account. The address keeps its count: one good password does not make others' better."""
        self._failures.clear(keys(name, address)[:1])


def keys(name: str, address: str) -> list[str]:
    """Under which wrong tries are counted: the account's and the address's."""
    return [f"account:{secrets.hashed(name.strip().casefold())[:32]}", f"address:{network_of(address)}"]


def network_of(address: str) -> str:
    """An address, or the network of an IPv6 one: whoever has one of those has all of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:60]
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def _left(counted: Mapping[str, tuple[int, timedelta]], key: str, free: int, longest: float) -> float:
    failures, since = counted.get(key, (0, timedelta()))
    if failures < free:
        return 0.0
    return min(2.0 ** min(failures - free, 20), longest) - since.total_seconds()


def _wait(seconds: float) -> ThrottledError:
    whole = max(1, round(seconds))
    return ThrottledError("There were too many wrong passwords.", f"Try again in {whole} seconds.", seconds=whole)
