"""Who is connected at the moment, and who has to leave so that others get in.

Connections are cheap for those who open them and say nothing. So a full house does not turn newcomers away: of those
that keep us waiting (for headers, for a body, for room to write into) the one that does so longest makes way, of the
address that holds the most connections. Only where all are being worked for is a newcomer refused, and health checks
are not even then: a few places are theirs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one gateway takes on. Times are in seconds.

    Attributes:
        connections: at once, of all clients.
        per_address: at once, of one client address.
        reserve: further connections, on which only health checks are answered.
        header_seconds: from the opening of a connection, or the first byte of a further request, to the end of headers.
        body_seconds: from there to the end of the body.
        answer_seconds: without any of the answer being taken.
        body_bytes: of a body; more is not even read and thrown away.
    """

    connections: int
    per_address: int
    header_seconds: float
    body_seconds: float
    answer_seconds: float
    body_bytes: int
    reserve: int = 32


class Visitor(Protocol):
    """A connection."""

    address: str

    def make_way(self) -> None:
        """Close, for another."""


class Visitors:
    """The connections of one gateway. For one thread, that of its event loop."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._present: dict[Visitor, None] = {}
        self._of: Counter[str] = Counter()
        self._waiting: dict[str, dict[Visitor, None]] = {}

    def __len__(self) -> int:
        return len(self._present)

    def enter(self, visitor: Visitor) -> bool:
        """Let a connection in, if need be in the place of another. False: there is no place."""
        bounds = self.bounds
        if self._of[visitor.address] >= bounds.per_address:
            self._displace(visitor.address)
        elif len(self._present) >= bounds.connections:
            # Those with the most first. Where all of theirs are worked for, those with fewer keep theirs.
            crowded = max(self._waiting, key=self._of.__getitem__, default="")
            self._displace(crowded)
        if len(self._present) >= bounds.connections + bounds.reserve:
            return False
        self._present[visitor] = None
        self._of[visitor.address] += 1
        return True

    def leave(self, visitor: Visitor) -> None:
        """Forget a connection. May be called twice."""
        self.works(visitor)
        if visitor in self._present:
            del self._present[visitor]
            self._of[visitor.address] -= 1
            if not self._of[visitor.address]:
                del self._of[visitor.address]

    def waits(self, visitor: Visitor) -> None:
        """Note that a connection keeps us waiting, from now on unless it does already."""
        if visitor in self._present:
            self._waiting.setdefault(visitor.address, {}).setdefault(visitor, None)

    def works(self, visitor: Visitor) -> None:
        """Note that it is our turn."""
        waiting = self._waiting.get(visitor.address, {})
        waiting.pop(visitor, None)
        if not waiting:
            self._waiting.pop(visitor.address, None)

    def too_many(self, visitor: Visitor) -> bool:
        """Whether a connection is one of those beyond the bounds, let in for health checks."""
        bounds = self.bounds
        return len(self._present) > bounds.connections or self._of[visitor.address] > bounds.per_address

    def _displace(self, address: str) -> None:
        for visitor in self._waiting.get(address, {}):
            self.leave(visitor)
            visitor.make_way()
            return
