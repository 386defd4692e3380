"""The cookies of sessions and of logins under way. Over HTTPS their names begin with `__Host-`: no other host of the
domain and no page without HTTPS can set them. On this machine's loopback, without HTTPS, they are plain."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import cookie_parser
from starlette.responses import Response

from wiki_pipeline.access import secrets
from wiki_pipeline.access.logins import ATTEMPT
from wiki_pipeline.serving.asgi import Scope, header_values

_LONGEST = 100
_MOST_ATTEMPTS = 8  # tabs with a login page of a provider in them


class Cookies:
    """Reads and writes them.

    Args:
        secure: the gateway is reached by HTTPS.
        hours: that a browser keeps a session's.
    """

    def __init__(self, *, secure: bool, hours: float) -> None:
        self._secure = secure
        self._seconds = int(hours * 3600)
        self._prefix = "__Host-wp-" if secure else "wp-"

    def session(self, scope: Scope) -> str:
        """The secret of the session; empty for none."""
        return self._all(scope).get(f"{self._prefix}session", "")

    def set_session(self, response: Response, secret: str) -> None:
        """Have a browser keep it."""
        self._set(response, "session", secret, self._seconds)

    def drop_session(self, response: Response) -> None:
        """Have a browser forget it."""
        self._drop(response, f"{self._prefix}session")

    def binding(self, scope: Scope, state: str) -> str:
        """What binds a login to this browser; empty if it was not begun here."""
        return self._all(scope).get(self._prefix + _attempt(state), "")

    def set_binding(self, response: Response, scope: Scope, state: str, secret: str) -> None:
        """Have a browser keep it until it is back. Each login has a cookie of its own: two tabs do not meet."""
        others = [name for name in self._all(scope) if name.startswith(f"{self._prefix}login-")]
        for name in others if len(others) >= _MOST_ATTEMPTS else ():
            self._drop(response, name)
        self._set(response, _attempt(state), secret, int(ATTEMPT.total_seconds()))

    def drop_binding(self, response: Response, state: str) -> None:
        """Have a browser forget it."""
        self._drop(response, self._prefix + _attempt(state))

    def _all(self, scope: Scope) -> Mapping[str, str]:
        found = cookie_parser(header_values(scope).get("cookie", ""))
        return {name: value for name, value in found.items() if len(value) <= _LONGEST}

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            self._prefix + name, value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def _drop(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path="/", secure=self._secure, httponly=True, samesite="lax")


def _attempt(state: str) -> str:
    return f"login-{secrets.hashed(state)[:12]}"
