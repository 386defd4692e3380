"""Who may reach the gateway. The one place where that is decided.

Without tokens it serves this machine and nobody else: it binds to loopback, answers only connections that arrive there,
and only requests that name this machine as their host (a page on the web that points a host name of its own at
127.0.0.1 does not). With tokens every request has to bring one, wherever it comes from; then, and only then, it may
serve on other addresses. Two kinds of requests need none: the health checks, and webhooks, which are signed.

Who somebody is then, and what they may read and do, is a `wiki_pipeline.access.Principal`.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Mapping

from starlette.types import Scope

from wiki_pipeline.access import Principal, Tokens, local
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.gateway.errors import Problem
from wiki_pipeline.gateway.settings import GatewaySettings

WEBHOOKS = "/webhook/"
_HEALTH = {"/livez", "/readyz"}
_NAMES = {"localhost", "127.0.0.1", "::1"}
_READING = {"GET", "HEAD"}
_ASKING = (
    "/ask",
    "/v1/ask",
    "/api/ask",
    "/v1/answers/",
    "/v1/conversations/",
    "/v1/research",
    "/api/deep_research",
)

_CLOSE = {"connection": "close"}
_NOT_OPEN = Problem(403, "not_open", "This gateway serves its own machine only.", headers=_CLOSE)
_UNKNOWN_HOST = Problem(
    421, "unknown_host", "This gateway does not answer for that host name. Ask for it as localhost.", headers=_CLOSE
)
_CROSS_SITE = Problem(403, "cross_site", "A page of another site may not change anything here.", headers=_CLOSE)
_NO_TOKEN = Problem(
    401,
    "unauthorised",
    "This needs an API token: send it as `Authorization: Bearer ...`.",
    # Browsers ask for a password on this; the token is one.
    headers={"www-authenticate": 'Bearer realm="wiki-pipeline", Basic realm="wiki-pipeline"', **_CLOSE},
)


def check_binding(settings: GatewaySettings) -> None:
    """Refuse to serve where others could read and do everything.

    Raises:
        ConfigurationError: the address is not loopback and there is no token; or a token can be guessed.
    """
    host, tokens = settings.gateway_host, Tokens(settings)
    if not tokens and not _is_loopback(host):
        raise ConfigurationError(
            f"The gateway does not serve on {host or 'every address'}: anyone there could read everything.",
            "Set WIKI_PIPELINE_API_TOKENS (make one with `openssl rand -hex 24`), "
            "or WIKI_PIPELINE_GATEWAY_HOST to 127.0.0.1.",
        )


def is_reading(method: str, path: str) -> bool:
    """Whether a request reads only. Questions do, though they are posted: all that they leave is the asker's own
    conversation."""
    return method in _READING or any(path == root or path.startswith(f"{root.rstrip('/')}/") for root in _ASKING)


class Access:
    """Decides for each request."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._hosts = allowed_hosts(settings.gateway_host)
        self._tokens = Tokens(settings)
        self._local = local(settings)

    def decide(self, scope: Scope) -> Principal | Problem | None:
        """Who asks, or why the request is not to be answered; None for requests that need nobody: health checks and
        webhooks."""
        # The first of two with one name counts, as everywhere.
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        path: str = scope["path"]
        reading = is_reading(scope["method"], path)
        if not self._tokens and not arrived_on_loopback(scope):
            return _NOT_OPEN
        if not self._tokens and host_name(headers.get("host", "")) not in self._hosts:
            return _UNKNOWN_HOST
        if scope["method"] not in _READING and _is_cross_site(headers):
            return _CROSS_SITE
        if path in _HEALTH or path.startswith(WEBHOOKS):
            return None
        if not self._tokens:
            return self._local
        return self._tokens.from_token(_token(headers.get("authorization", ""), reading=reading)) or _NO_TOKEN


def allowed_hosts(host: str) -> frozenset[str]:
    """The names under which requests may ask for the gateway, in lower case, without port and brackets."""
    return frozenset({*_NAMES, host.lower()})


def arrived_on_loopback(scope: Scope) -> bool:
    """Whether a connection came in over loopback, also where somebody else than `serve` opened the socket."""
    server = scope.get("server")
    if server is None or server[1] is None:  # a Unix socket has the file system's permissions
        return True
    return _is_loopback(server[0]) or not _is_address(server[0])


def host_name(header: str) -> str:
    """The name in a Host header: no port, no brackets, lower case."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def _is_cross_site(headers: Mapping[str, str]) -> bool:
    """Whether a browser sent it for another site's page; programs send neither header."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower()


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


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
