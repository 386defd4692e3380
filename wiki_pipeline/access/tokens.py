"""API tokens: which of them are known, and whom each stands for."""

from __future__ import annotations

import hashlib
import hmac

from wiki_pipeline.access.principal import How, Principal, Scope
from wiki_pipeline.access.settings import AccessSettings
from wiki_pipeline.errors import ConfigurationError

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
