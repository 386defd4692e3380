"""Access tokens for programs: JWTs of ten minutes, signed by Ed25519 with a key that its process never writes down.

They carry no rights. What one may do is looked up behind it at each request, so that what is revoked ends at once.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from joserfc import jwk, jwt
from joserfc.errors import JoseError

from wiki_pipeline.access.oidc import header_of
from wiki_pipeline.catalog import Catalog

SECONDS = 600
ALGORITHM = "Ed25519"  # RFC 9864's name; `EdDSA` left open which curve
_TYPE = "at+jwt"
_SIGNS = 86_400.0
_CHECKS = timedelta(seconds=_SIGNS + 2 * SECONDS)
_AGAIN_SECONDS = 1.0
_SKEW = 5


class AccessTokens:
    """Makes and checks access tokens. Safe for several threads.

    Args:
        issuer: this installation, as its tokens name it; their audience too.
    """

    def __init__(self, catalog: Catalog, issuer: str) -> None:
        self._catalog = catalog
        self._issuer = issuer
        self._lock = threading.Lock()
        self._own: jwk.OKPKey | None = None
        self._made_at = 0.0
        self._keys: dict[str, jwk.Key] = {}
        self._asked_at = float("-inf")

    def make(self, account_id: str, family_id: str) -> str:
        """A token of an account, in a family."""
        key, moment = self._signing(), int(time.time())
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": _TYPE}
        claims = {
            "iss": self._issuer,
            "aud": self._issuer,
            "sub": account_id,
            "sid": family_id,
            "jti": uuid.uuid4().hex,
            "iat": moment,
            "exp": moment + SECONDS,
        }
        return jwt.encode(header, claims, key, algorithms=[ALGORITHM])

    def family(self, token: str) -> tuple[str, str]:
        """The account and the family that a token names; empty if it is none of ours or over."""
        header = header_of(token)
        kid = header.get("kid")
        if header.get("alg") != ALGORITHM or header.get("typ") != _TYPE or not isinstance(kid, str):
            return "", ""
        key = self._key(kid)
        if key is None:
            return "", ""
        try:
            claims = jwt.decode(token, key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError):
            return "", ""
        ends, account_id, family_id = claims.get("exp"), claims.get("sub"), claims.get("sid")
        ours = claims.get("iss") == claims.get("aud") == self._issuer
        in_time = isinstance(ends, int) and time.time() < ends + _SKEW
        if not (ours and in_time and isinstance(account_id, str) and isinstance(family_id, str)):
            return "", ""
        return account_id, family_id

    def published(self) -> Mapping[str, Any]:
        """The keys that tokens can be checked with, as a JWK set."""
        return {"keys": [dict(key) for key in self._catalog.signing_keys.public()]}

    def _signing(self) -> jwk.OKPKey:
        with self._lock:
            if self._own is None or time.monotonic() - self._made_at > _SIGNS:
                kid = uuid.uuid4().hex
                key = jwk.OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig", "alg": ALGORITHM})
                self._catalog.signing_keys.add(kid, key.as_dict(private=False), _CHECKS)
                self._own, self._made_at = key, time.monotonic()
            return self._own

    def _key(self, kid: str) -> jwk.Key | None:
        with self._lock:
            if kid not in self._keys and time.monotonic() - self._asked_at > _AGAIN_SECONDS:
                self._asked_at = time.monotonic()
                known = self._catalog.signing_keys.public()
                self._keys = {str(key["kid"]): jwk.import_key(dict(key)) for key in known}
            return self._keys.get(kid)
