"""What requests bring to show who they are (sessions, API tokens, access tokens), and whose it is at this moment.

Each is one query by an indexed key. For a moment (`access_cache_seconds`) it is remembered; what this process changes
makes it forget everything, so that it counts at once here, and in other processes after that moment.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from wiki_pipeline.access import secrets
from wiki_pipeline.access.access_tokens import AccessTokens
from wiki_pipeline.access.principal import Action, How, Principal, Role, Scope
from wiki_pipeline.access.settings import AccessSettings
from wiki_pipeline.catalog import Catalog, FoundToken, Holder
from wiki_pipeline.errors import CatalogError
from wiki_pipeline.model import SourceKey

log = logging.getLogger(__name__)

_MOST = 5_000


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that showed who it is from.

    Attributes:
        session_id: of a browser; empty for programs.
        csrf: what forms of that session have to send along.
        token_id: of the API token behind it.
    """

    principal: Principal
    session_id: str = ""
    csrf: str = field(default="", repr=False)
    token_id: str = ""


class Credentials:
    """Looks up what requests bring. Safe for several threads."""

    def __init__(self, catalog: Catalog, settings: AccessSettings, access_tokens: AccessTokens) -> None:
        self._catalog = catalog
        self._access_tokens = access_tokens
        self._idle = timedelta(hours=settings.session_idle_hours)
        self._seconds = settings.access_cache_seconds
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[float, Visit]] = OrderedDict()
        self._generation = 0

    def remembered(self, credential: str) -> Visit | None:
        """Whose a credential was a moment ago, without asking anybody; None if it is not known."""
        with self._lock:
            until, visit = self._known.get(secrets.hashed(credential), (0.0, None))
        return visit if until > time.monotonic() else None

    def session(self, secret: str) -> Visit | None:
        """Whose session a cookie opens."""
        return self._found(secret, self._session)

    def bearer(self, token: str) -> Visit | None:
        """Whose an API token or an access token is."""
        return self._found(token, self._api_token if token.startswith("wp_") else self._access_token)

    def forget(self) -> None:
        """Ask again about everything: something was changed."""
        with self._lock:
            self._generation += 1
            self._known.clear()

    def _found(self, credential: str, look: Callable[[str], Visit | None]) -> Visit | None:
        with self._lock:
            generation = self._generation
        visit = look(credential)
        if visit is not None and self._seconds:
            with self._lock:
                if generation == self._generation:  # else what was found may be over already
                    self._known[secrets.hashed(credential)] = time.monotonic() + self._seconds, visit
                    while len(self._known) > _MOST:
                        self._known.popitem(last=False)
        return visit

    def _session(self, secret: str) -> Visit | None:
        hashed = secrets.hashed(secret)
        found = self._catalog.sessions.find(hashed)
        if found is None:
            return None
        if found.unseen:
            _noted(partial(self._catalog.sessions.touch, hashed, self._idle))
        principal = _principal(found.holder, found.holder.name, How.SESSION, None, None)
        return Visit(principal, found.session_id, secrets.derived(secret, "csrf"))

    def _api_token(self, token: str) -> Visit | None:
        token_id = secrets.token_id(token)
        found = self._catalog.api_tokens.find(token_id) if token_id else None
        if found is None or not secrets.equal(found.secret_hash, secrets.hashed(token)):
            return None
        return self._of_token(found, How.TOKEN)

    def _access_token(self, token: str) -> Visit | None:
        account_id, family_id = self._access_tokens.family(token)
        found = self._catalog.api_tokens.of_family(family_id) if family_id else None
        if found is None or found.holder.account_id != account_id:
            return None
        return self._of_token(found, How.JWT)

    def _of_token(self, found: FoundToken, how: How) -> Visit:
        if found.unused:
            _noted(partial(self._catalog.api_tokens.touch, found.token_id))
        return Visit(token_principal(found, how), token_id=found.token_id)


def _noted(touch: Callable[[], None]) -> None:
    """Note a use. Where the catalog can't be written at the moment, reading goes on."""
    try:
        touch()
    except CatalogError as error:
        log.warning("When a session or token was last used could not be noted: %s", error)


def token_principal(found: FoundToken, how: How = How.TOKEN) -> Principal:
    """Who acts by an API token: what its owner may do at this moment, and the token allows."""
    sources = None if found.sources is None else frozenset(map(SourceKey.parse, found.sources))
    actions = frozenset(Action(word) for word in found.actions if word in set(Action))
    return _principal(found.holder, f"{found.holder.name}, token {found.name}", how, sources, actions)


def _principal(
    holder: Holder, name: str, how: How, sources: frozenset[SourceKey] | None, actions: frozenset[Action] | None
) -> Principal:
    role = Role.OPERATOR if holder.operator else Role(holder.role) if holder.role else None
    if role is None:  # of this tenant no more: nothing may be read and done
        nothing = Scope(holder.tenant, frozenset(), frozenset())
        return Principal(name, holder.tenant, how, nothing, account=holder.account_id)
    allowed = role.actions if actions is None else role.actions & actions
    if sources is not None:  # who may look at some sources only looks after nothing
        allowed &= {Action.READ, Action.WRITE}
    scope = Scope(holder.tenant, sources, allowed)
    return Principal(name, holder.tenant, how, scope, role, holder.account_id, holder.groups)
