"""What a request needs, by its address alone, so that no route can forget to ask. Routes may ask for more."""

from __future__ import annotations

from wiki_pipeline.access import Action

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
_OWN = ("/mcp", "/account", "/v1/account", "/v1/access-tokens", "/logout")
_ADMIN = (
    "/settings",
    "/v1/members",
    "/v1/invitations",
    "/v1/groups",
    "/v1/audit",
    "/v1/tokens",
    "/v1/connections",
    "/metrics",
)
_OPEN = (
    "/livez",
    "/readyz",
    "/login",
    "/invitation",
    "/password",
    "/.well-known/jwks.json",
    "/v1/access-tokens/refresh",
)
_OPEN_BELOW = ("/login/", "/assets/")

NO_DOOR = "/webhook/"
"""Deliveries are signed; nobody logs in for them."""


def is_open(path: str) -> bool:
    """Whether an address is for those who have not shown yet who they are."""
    return path in _OPEN or path.startswith((NO_DOOR, *_OPEN_BELOW))


def only_reads(method: str, path: str) -> bool:
    """Whether a request reads only. Questions do, though they are posted: all that they leave is the asker's own
    conversation."""
    return method in _READING or _below(path, _ASKING)


def needed(method: str, path: str) -> Action:
    """What the one who asks has to be allowed."""
    if _below(path, _ADMIN):
        return Action.ADMIN
    if _below(path, _OWN) or only_reads(method, path):
        return Action.READ
    return Action.WRITE


def _below(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root.rstrip("/") or path.startswith(f"{root.rstrip('/')}/") for root in roots)
