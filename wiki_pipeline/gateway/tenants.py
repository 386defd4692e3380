"""Which tenants are served, and what of each is open: as much as is asked for, with a bound."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from wiki_pipeline.catalog import Catalog

KNOWN_SECONDS = 1.0
"""A tenant that was added or dropped by another process is known here after so long."""
_MOST_OPEN = 32

Opened = TypeVar("Opened")


class Served:
    """The names of the tenants that are served, asked for once a second at most. Safe between threads."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._names: frozenset[str] = frozenset()
        self._asked_at = float("-inf")
        self._lock = threading.Lock()

    @property
    def is_fresh(self) -> bool:
        """Whether `names` answers without asking the catalog."""
        return time.monotonic() - self._asked_at <= KNOWN_SECONDS

    def names(self) -> frozenset[str]:
        """All of them.

        Raises:
            CatalogError: the catalog can't be read.
        """
        with self._lock:
            if not self.is_fresh:
                asked_at = time.monotonic()
                self._names = frozenset(self._catalog.tenancy.active())
                self._asked_at = asked_at
            return self._names


class EachTenant(Generic[Opened]):
    """Something that is opened for each tenant by itself; those that were used last stay open. Safe between threads.

    What is put out is not closed: a request may still use it.
    """

    def __init__(self, opened: Callable[[str], Opened]) -> None:
        self._open = opened
        self._opened: OrderedDict[str, Opened] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, tenant: str) -> Opened:
        """The tenant's. Errors as those of opening it."""
        with self._lock:
            if tenant not in self._opened:
                self._opened[tenant] = self._open(tenant)
                if len(self._opened) > _MOST_OPEN:
                    self._opened.popitem(last=False)
            self._opened.move_to_end(tenant)
            return self._opened[tenant]

    def close(self, each: Callable[[Opened], None]) -> None:
        """Close what is open, each in its way."""
        with self._lock:
            for opened in self._opened.values():
                each(opened)
            self._opened.clear()

    def forget(self, tenant: str) -> None:
        """Keep nothing of a tenant any more."""
        with self._lock:
            self._opened.pop(tenant, None)
