"""Principals and scopes, as plain values, and the tokens that some of them bring."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wiki_pipeline.access.settings import AccessSettings
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import HomeSettings


class Action(StrEnum):
    """What may be done: read what is kept, or change something (ask for work, stop it, retry)."""

    READ = "read"
    WRITE = "write"


class How(StrEnum):
    """How a principal is known: it is on this machine, or it brought a token."""

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


_SHORTEST = 16


class Tokens:
    """The tokens of the settings; only their hashes are kept. There are no roles yet: a token may do everything.

    Raises:
        ConfigurationError: one can be guessed.
    """

    def __init__(self, settings: AccessSettings) -> None:
        tokens = [token.get_secret_value() for token in settings.api_tokens]
        if any(len(token) < _SHORTEST for token in tokens):
            raise ConfigurationError(
                f"A token in WIKI_PIPELINE_API_TOKENS is shorter than {_SHORTEST} characters and could be guessed.",
                "Make one with `openssl rand -hex 24`.",
            )
        self._hashes = [_hashed(token) for token in tokens]
        self._tenant = settings.tenant

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def from_token(self, token: str) -> Principal | None:
        """Whom a token stands for; None if it is not known."""
        # All are compared, each in constant time: how long it takes tells neither which nor how far.
        given = _hashed(token)
        equal = [hmac.compare_digest(given, known) for known in self._hashes]
        if not any(equal):
            return None
        name = f"token {equal.index(True) + 1} of WIKI_PIPELINE_API_TOKENS"
        return Principal(name, self._tenant, How.TOKEN, Scope(self._tenant))


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
