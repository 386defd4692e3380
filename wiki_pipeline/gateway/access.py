"""Who may reach the gateway. The one place where that is decided.

Without tokens and without people who log in it serves this machine alone: it binds to loopback, answers only
connections that arrive there, and only requests that name this machine as their host (a page on the web that points a
host name of its own at 127.0.0.1 does not). Otherwise every request has to show who it is from, wherever it comes from:
by a token of the settings, an API token, an access token, or the session of a browser. Then, and only then, it may
serve on other addresses. What needs none of that is listed in `rights`: health checks, signed webhooks, the login.

Who asks then, and what they may read and do, is a `wiki_pipeline.access.Principal`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from urllib.parse import quote

import anyio.to_thread
from anyio import CapacityLimiter

from wiki_pipeline.access import Action, Principal, Tokens, local
from wiki_pipeline.access.credentials import Credentials, Visit
from wiki_pipeline.access.throttle import PerMinute
from wiki_pipeline.errors import ConfigurationError, WikiPipelineError
from wiki_pipeline.gateway.clients import Clients
from wiki_pipeline.gateway.cookies import Cookies
from wiki_pipeline.gateway.errors import Problem, status_of
from wiki_pipeline.gateway.rights import NO_DOOR, is_open, needed, only_reads
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.serving.asgi import Scope, header_values
from wiki_pipeline.serving.origins import is_loopback, local_names, refusal

WEBHOOKS = NO_DOOR
_LONGEST_TOKEN = 4_096
_LOOKING = 4  # credentials looked up at once; those that are known wait for none of them
_WRONG_A_MINUTE = 30  # wrong ones of an address; beyond them its lookups go one by one, in a lane of their own

_CLOSE = {"connection": "close"}
_MESSAGE = "This needs an API token: send it as `Authorization: Bearer ...`."
_NO_TOKEN = Problem(
    401,
    "unauthorised",
    _MESSAGE,
    # Browsers ask for a password on this; the token is one.
    headers={"www-authenticate": 'Bearer realm="wiki-pipeline", Basic realm="wiki-pipeline"', **_CLOSE},
)
_NO_LOGIN = Problem(
    401, "unauthorised", _MESSAGE, headers={"www-authenticate": 'Bearer realm="wiki-pipeline"', **_CLOSE}
)


@dataclass(frozen=True, slots=True)
class Decision:
    """A request that is answered.

    Attributes:
        visit: who asks; None for what needs nobody.
        address: of the client.
    """

    visit: Visit | None
    address: str


@dataclass(frozen=True, slots=True)
class LoginFirst:
    """A browser without a session.

    Attributes:
        next: where it wanted to go.
    """

    next: str


class Decides(Protocol):
    """Says who asks."""

    @property
    def people(self) -> bool:
        """Whether people log in here."""

    def address(self, scope: Scope) -> str:
        """Of the client that a request comes from."""

    async def decide(self, scope: Scope) -> Decision | LoginFirst | Problem:
        """Who asks, or why the request is not to be answered."""


def check_binding(settings: GatewaySettings) -> None:
    """Refuse to serve where others could read and do everything, or read along.

    Raises:
        ConfigurationError: the address is not loopback and there is no token and no login; or a token can be guessed;
            or people would log in without HTTPS.
    """
    host, tokens = settings.gateway_host, Tokens(settings)
    if is_loopback(host):
        return
    if not tokens and not settings.people:
        raise ConfigurationError(
            f"The gateway does not serve on {host or 'every address'}: anyone there could read everything.",
            "Set WIKI_PIPELINE_API_TOKENS (make one with `openssl rand -hex 24`) or WIKI_PIPELINE_LOGIN_PROVIDERS, "
            "or WIKI_PIPELINE_GATEWAY_HOST to 127.0.0.1.",
        )
    if settings.people and not settings.public_url.startswith("https://"):
        raise ConfigurationError(
            f"People can't log in on {host or 'every address'} without HTTPS: others could read along.",
            "Set WIKI_PIPELINE_PUBLIC_URL to the https address of the proxy before the gateway.",
        )


def cookies_of(settings: GatewaySettings) -> Cookies:
    """The cookies of a gateway."""
    return Cookies(secure=settings.public_url.startswith("https://"), hours=settings.session_hours)


class Access:
    """Decides for each request. Of one event loop.

    Args:
        credentials: looks up what requests bring.
    """

    def __init__(self, settings: GatewaySettings, credentials: Credentials) -> None:
        self._tokens = Tokens(settings)
        self._people = settings.people
        self._open = not self._tokens and not self._people
        # Without a public address the only one is this machine's: what else a Host says would get into links.
        is_local = self._open or (self._people and not self._tokens and not settings.public_url)
        self._hosts = local_names(settings.gateway_host) if is_local else None
        self._local = Visit(local(settings))
        self._credentials = credentials
        self._cookies = cookies_of(settings)
        self._clients = Clients(settings.proxies)
        self._wrong = PerMinute(_WRONG_A_MINUTE)
        self._lanes = CapacityLimiter(_LOOKING)
        self._slow_lane = CapacityLimiter(1)

    @property
    def people(self) -> bool:
        """Whether people log in here."""
        return self._people

    def address(self, scope: Scope) -> str:
        """Of the client that a request comes from."""
        return self._clients.address(scope)

    async def decide(self, scope: Scope) -> Decision | LoginFirst | Problem:
        """Who asks, or why the request is not to be answered."""
        refused = refusal(scope, self._hosts)
        if refused is not None:
            return Problem(refused.status, refused.code, refused.message, headers=_CLOSE)
        address, path = self.address(scope), scope["path"]
        if is_open(path) or self._open:
            return Decision(None if is_open(path) else self._local, address)
        try:
            visit = await self._visit(scope, address)
        except WikiPipelineError as error:
            return Problem(status_of(error), error.code, str(error), headers=_CLOSE)
        if visit is None:
            return self._unknown(scope)
        return _not_allowed(visit.principal, needed(scope["method"], path)) or Decision(visit, address)

    async def _visit(self, scope: Scope, address: str) -> Visit | None:
        headers = header_values(scope)
        if given := headers.get("authorization", ""):
            token = _token(given, reading=only_reads(scope["method"], scope["path"]))
            shared = self._tokens.from_token(token)
            if shared is not None:
                return Visit(shared)
            return await self._looked_up(token, address, self._credentials.bearer)
        secret = self._cookies.session(scope) if self._people else ""
        return await self._looked_up(secret, address, self._credentials.session)

    async def _looked_up(self, credential: str, address: str, look: Callable[[str], Visit | None]) -> Visit | None:
        if not credential or len(credential) > _LONGEST_TOKEN:
            return None
        known = self._credentials.remembered(credential)
        if known is not None:
            return known
        lane = self._slow_lane if self._wrong.too_many(address) else self._lanes
        found = await anyio.to_thread.run_sync(partial(look, credential), limiter=lane)
        if found is None:
            self._wrong.count(address)
        return found

    def _unknown(self, scope: Scope) -> LoginFirst | Problem:
        headers = header_values(scope)
        if not self._people:
            return _NO_TOKEN
        if "text/html" not in headers.get("accept", "") or "authorization" in headers:
            return _NO_LOGIN
        if scope["method"] not in {"GET", "HEAD"}:
            return LoginFirst("")
        query = scope.get("query_string", b"").decode("latin-1")
        return LoginFirst(quote(scope["path"]) + (f"?{query}" if query else ""))


def _not_allowed(who: Principal, action: Action) -> Problem | None:
    if who.may(action):
        return None
    said = f"{who.name} may not {action} here. Ask with a role or a token that may."
    if action is Action.OPERATE:
        said = "This is for operators, who look after the installation."
    if action is Action.ADMIN:
        said = "This is for the tenant's admins."
    if not who.scope.actions:
        said = f"You have no role in {who.tenant}. Ask an admin for one."
    return Problem(403, "not_allowed", said)


def _token(authorization: str, *, reading: bool) -> str:
    """The token of a request. As the password of Basic, for browsers, it is good for reading only: browsers send it
    along by themselves, whoever's page made them ask."""
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic" and reading:
        try:
            return base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return ""
