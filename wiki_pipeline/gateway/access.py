"""Who may reach the gateway. The one place where that is decided.

Without tokens it serves this machine alone: it binds to loopback, answers only connections that arrive there,
and only requests that name this machine as their host (a page on the web that points a host name of its own at
127.0.0.1 does not). With tokens every request has to bring one, wherever it comes from; then, and only then, it may
serve on other addresses. Two kinds of requests need none: the health checks, and webhooks, which are signed.

Who asks then, and what they may read and do, is a `wiki_pipeline.access.Principal`.
"""

from __future__ import annotations

import base64
import binascii
from typing import Protocol

from wiki_pipeline.access import Principal, Tokens, local
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.gateway.errors import Problem
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.serving.asgi import Scope, header_values
from wiki_pipeline.serving.origins import is_loopback, local_names, refusal

WEBHOOKS = "/webhook/"
_HEALTH = {"/livez", "/readyz"}
_READING = {"GET", "HEAD"}
_ASKING = (
    "/ask",
    "/v1/ask",
    "/api/ask",
    "/v1/answers/",
    "/v1/conversations/",
    "/research",
    "/v1/research",
    "/api/deep_research",
    "/v1/model-keys/account",  # the asker's own
)

_CLOSE = {"connection": "close"}
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
    if not tokens and not is_loopback(host):
        raise ConfigurationError(
            f"The gateway does not serve on {host or 'every address'}: anyone there could read everything.",
            "Set WIKI_PIPELINE_API_TOKENS (make one with `openssl rand -hex 24`), "
            "or WIKI_PIPELINE_GATEWAY_HOST to 127.0.0.1.",
        )


def only_reads(method: str, path: str) -> bool:
    """Whether a request reads only. Questions do, though they are posted: all that they leave is the asker's own
    conversation."""
    return method in _READING or any(path == root or path.startswith(f"{root.rstrip('/')}/") for root in _ASKING)


class Decides(Protocol):
    """Says who asks."""

    def decide(self, scope: Scope) -> Principal | Problem | None:
        """Who sent a request; why it is not to be answered; None for those that need no principal."""


class Access:
    """Decides for each request."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._tokens = Tokens(settings)
        self._hosts = None if self._tokens else local_names(settings.gateway_host)
        self._local = local(settings)

    def decide(self, scope: Scope) -> Principal | Problem | None:
        """Who asks, or why the request is not to be answered; None for health checks and webhooks, which need no
        principal."""
        refused = refusal(scope, self._hosts)
        if refused is not None:
            return Problem(refused.status, refused.code, refused.message, headers=_CLOSE)
        path: str = scope["path"]
        if path in _HEALTH or path.startswith(WEBHOOKS):
            return None
        if not self._tokens:
            return self._local
        given = header_values(scope).get("authorization", "")
        return self._tokens.from_token(_token(given, reading=only_reads(scope["method"], path))) or _NO_TOKEN


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
