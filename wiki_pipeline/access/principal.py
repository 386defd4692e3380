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
    """What may be done: read what is kept (and ask); change something (sources, work, retries); look after a tenant
    (members, tokens, connections); look after the installation (all tenants)."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    OPERATE = "operate"


class Role(StrEnum):
    """What somebody is in a tenant, or in the installation. Ordered: each may do what those before it may."""

    READER = "reader"
    EDITOR = "editor"
    ADMIN = "admin"
    OPERATOR = "operator"

    @property
    def rank(self) -> int:
        """Its place in the order; a reader's is 0."""
        return list(Role).index(self)

    @property
    def actions(self) -> frozenset[Action]:
        """What it may do: one action more a rank."""
        return frozenset(list(Action)[: self.rank + 1])

    def __lt__(self, other: str) -> bool:
        return self.rank < Role(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Role(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Role(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Role(other).rank


class How(StrEnum):
    """How a principal is known: it is on this machine, it brought a token or an access token (JWT), or its browser
    has a session."""

    LOCAL = "local"
    TOKEN = "token"  # noqa: S105 - a word
    JWT = "jwt"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Membership:
    """As whom somebody reads, where sources have audiences.

    Attributes:
        everything: every source of the tenant, whatever its audience is.
        groups: of the tenant, that they are in.
        account: whose quotas count; empty: the tenant's alone.
        limited: whether the credential is for some sources alone, whatever the audiences are.
    """

    everything: bool = False
    groups: frozenset[str] = frozenset()
    limited: bool = False
    account: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be read and done.

    Attributes:
        sources: these alone; None: all of the tenant's.
        actions: what may be done; looking after a tenant or the installation has to be given by a role.
        membership: as whom, for `Reading`, which narrows `sources` by the audiences of sources.
    """

    tenant: str
    sources: frozenset[SourceKey] | None = None
    actions: frozenset[Action] = frozenset({Action.READ, Action.WRITE})
    membership: Membership = Membership()

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
        name: for records and messages; never a secret. Two accounts may have the same.
        role: in the tenant; what a token of theirs may do is often less and stands in `scope.actions`.
        account: id of the account; empty for this machine, and for the tokens of the settings, which several share.
        groups: names of the tenant's groups that the account is in.
    """

    name: str
    tenant: str
    how: How
    scope: Scope
    role: Role = Role.READER
    account: str = ""
    groups: frozenset[str] = frozenset()

    @property
    def owner(self) -> str:
        """Under whom what is theirs alone (conversations, research) is kept: the account, which is one person's."""
        return self.account or self.name

    def may(self, action: Action) -> bool:
        """Whether an action is theirs to do."""
        return action in self.scope.actions


def local(settings: HomeSettings) -> Principal:
    """Whoever uses this machine: the command line, and the gateway as long as it serves its own machine only."""
    return _all(settings.tenant, "local", How.LOCAL)


def _all(tenant: str, name: str, how: How) -> Principal:
    scope = Scope(tenant, actions=Role.OPERATOR.actions, membership=Membership(everything=True))
    return Principal(name, tenant, how, scope, Role.OPERATOR)


_SHORTEST = 16


class Tokens:
    """The tokens of the settings; only their hashes are kept. Who has one holds the installation: it may do everything.

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
        return _all(self._tenant, name, How.TOKEN)


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
