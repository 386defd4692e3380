"""Principals and scopes, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import HomeSettings


class Action(StrEnum):
    """What may be done: read what is kept, or change something (ask for work, stop it, retry)."""

    READ = "read"
    WRITE = "write"


class How(StrEnum):
    """How it is known who somebody is: they are on this machine, or they brought a token."""

    LOCAL = "local"
    TOKEN = "token"  # noqa: S105 - a word


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be read and done.

    Attributes:
        sources: these alone; None: all of the tenant's.
    """

    tenant: str
    sources: frozenset[SourceKey] | None = None
    actions: frozenset[Action] = frozenset(Action)

    def allows(self, source: SourceKey) -> bool:
        """Whether a source may be read."""
        return source.tenant == self.tenant and (self.sources is None or source in self.sources)

    def narrow(self, asked: Sequence[SourceKey] = ()) -> tuple[SourceKey, ...] | None:
        """The sources to look in, given those asked for (none: all). Empty: all of the tenant's; None: nowhere."""
        if self.sources is None and not asked:
            return ()
        allowed = tuple(key for key in (asked or sorted(self.sources or ())) if self.allows(key))
        return allowed or None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who reads or acts.

    Attributes:
        name: for records and messages; never a secret.
    """

    name: str
    tenant: str
    how: How
    scope: Scope


def local(settings: HomeSettings) -> Principal:
    """Whoever uses this machine: the command line, and the gateway as long as it serves its own machine only."""
    return Principal("local", settings.tenant, How.LOCAL, Scope(settings.tenant))
