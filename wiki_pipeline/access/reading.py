"""What somebody may read, from the audiences of sources: decided here and nowhere else.

`Reading.applied` gives a principal the sources that it may read. All that is asked of the store and the catalog goes by
`Scope.sources`, so what is not there is not found, listed, counted, suggested or cited.

A change of an audience holds from the next request on: each asks the catalog for the tenant's mark, which is another
after each change; what follows from the audiences is kept by it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import replace

from wiki_pipeline.access.principal import How, Membership, Principal, Role, Scope
from wiki_pipeline.catalog import Catalog
from wiki_pipeline.model import SourceKey

MOST_KEPT = 1_000  # sets of sources, of tenants by groups


class Reading:
    """Applies the audiences of a catalog's sources. Safe between threads.

    Args:
        most_kept: how many sets of sources are remembered.
    """

    def __init__(self, catalog: Catalog, most_kept: int = MOST_KEPT) -> None:
        self._catalog = catalog
        self._most_kept = most_kept
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, frozenset[str]], tuple[str, frozenset[SourceKey] | None]] = OrderedDict()

    def applied(self, principal: Principal) -> Principal:
        """The principal with the sources that it may read, of those that its credential is for."""
        return replace(principal, scope=self.narrowed(replace(principal.scope, membership=membership_of(principal))))

    def narrowed(self, scope: Scope) -> Scope:
        """A scope with the sources that those whose it is may read now; never more than it has. One that outlives a
        request, as that of research, is narrowed again whenever it is used.

        Raises:
            CatalogError: the catalog is out of reach: then nothing is known to be readable.
        """
        if scope.membership.everything:
            return scope
        allowed = self._allowed(scope.tenant, scope.membership.groups)
        if allowed is None:
            return scope
        return replace(scope, sources=allowed if scope.sources is None else allowed & scope.sources)

    def _allowed(self, tenant: str, groups: frozenset[str]) -> frozenset[SourceKey] | None:
        """The sources of a tenant that its members in these groups may read; None: all of them."""
        key, mark = (tenant, groups), self._catalog.audiences.mark(tenant)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept[0] == mark:
                self._kept.move_to_end(key)
                return kept[1]
        mark, audiences = self._catalog.audiences.all(tenant)
        admitted = frozenset(source for source, audience in audiences.items() if audience.admits(groups))
        allowed = None if len(admitted) == len(audiences) else admitted
        with self._lock:
            self._kept[key] = (mark, allowed)
            self._kept.move_to_end(key)
            while len(self._kept) > self._most_kept:
                self._kept.popitem(last=False)
        return allowed


def membership_of(principal: Principal) -> Membership:
    """As whom a principal reads: those who look after the tenant, and whoever uses this machine, read every source."""
    everything = principal.how is How.LOCAL or principal.role >= Role.ADMIN
    return Membership(everything, principal.groups, principal.scope.sources is not None, principal.account)
