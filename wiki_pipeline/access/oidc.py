"""OpenID Connect as its relying party: the code flow with PKCE, and every check that the answer is meant for us.

Our own over httpx and joserfc: Authlib's client needs a session to keep its state in, where a second tab drops the
first one's, does no PKCE unless told to, takes tokens that are also for others, and keeps a provider's keys for ever.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc import jwk, jwt
from joserfc.errors import JoseError

from wiki_pipeline.access import secrets
from wiki_pipeline.access.asking import answered
from wiki_pipeline.access.identity import Identity, identity
from wiki_pipeline.access.settings import ProviderSettings
from wiki_pipeline.errors import LoginError
from wiki_pipeline.secret_refs import resolve

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")
"""Of id tokens. All are signatures by a key that the provider alone has."""

_KNOWN_SECONDS = 3_600.0
_KEYS_AGAIN_SECONDS = 30.0
_SKEW = 60  # seconds that the provider's clock may be off
_LONGEST_TOKEN = 32_768


class OidcProvider:
    """One provider. Its metadata and keys are kept for an hour; an unknown key has the keys fetched again, but not
    more often than every half minute."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        self._metadata: Mapping[str, Any] = {}
        self._metadata_at = 0.0
        self._keys: list[jwk.Key] = []
        self._keys_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def address(self, redirect_uri: str, state: str, binding: str) -> str:
        """Where a browser logs in.

        Args:
            binding: the secret in the cookie of the browser that does; nonce and verifier come of it.
        """
        metadata = await self._described()
        challenge = hashlib.sha256(_verifier(binding, state).encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(["openid", *self.settings.scopes]),
            "state": state,
            "nonce": _nonce(binding, state),
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return _with(metadata["authorization_endpoint"], asked)

    async def identify(self, answer: Mapping[str, str], redirect_uri: str, binding: str) -> Identity:
        """Who logged in, by what the provider sent the browser back with.

        Raises:
            LoginError: the provider said no, or what it said does not hold.
        """
        metadata, name = await self._described(), self.settings.shown
        said = answer.get("iss")
        if said != self.settings.issuer and (
            said is not None or metadata.get("authorization_response_iss_parameter_supported")
        ):
            raise LoginError(f"The answer is not from {name}.", "Log in again.")
        if "error" in answer:
            raise refused(name, answer["error"])
        form = {
            "grant_type": "authorization_code",
            "code": answer.get("code", ""),
            "redirect_uri": redirect_uri,
            "code_verifier": _verifier(binding, answer.get("state", "")),
        }
        tokens = await answered(name, "POST", metadata["token_endpoint"], **self._authenticated(metadata, form))
        id_token = tokens.get("id_token") if isinstance(tokens, dict) else None
        if not isinstance(id_token, str) or len(id_token) > _LONGEST_TOKEN:
            raise LoginError(f"{name} sends no id token.", "Its client has to be one for OpenID Connect.")
        claims = await self._checked(id_token, _nonce(binding, answer.get("state", "")))
        claims = {**await self._more(metadata, tokens, claims), **claims}
        return identity(self.settings, claims, id_token)

    async def logout_address(self, id_token: str, back: str) -> str:
        """Where a browser logs out at the provider too; empty if it has no such place."""
        try:
            metadata = await self._described()
        except LoginError:
            return ""  # it is down: who logs out here is logged out here
        place = metadata.get("end_session_endpoint")
        if not isinstance(place, str) or not id_token:
            return ""
        asked = {"id_token_hint": id_token, "client_id": self.settings.client_id, "post_logout_redirect_uri": back}
        return _with(place, asked)

    def _authenticated(self, metadata: Mapping[str, Any], form: dict[str, str]) -> dict[str, Any]:
        secret = resolve(self.settings.secret, f"provider {self.settings.name}").get_secret_value()
        if not secret:
            return {"form": {**form, "client_id": self.settings.client_id}}
        ways = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" not in ways:
            return {"form": {**form, "client_id": self.settings.client_id, "client_secret": secret}}
        pair = "&".join([urlencode({"": self.settings.client_id})[1:], urlencode({"": secret})[1:]]).replace("&", ":")
        return {"form": form, "headers": {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}}

    async def _more(
        self, metadata: Mapping[str, Any], tokens: Mapping[str, Any], claims: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """What the provider says elsewhere than in the id token."""
        place, access = metadata.get("userinfo_endpoint"), tokens.get("access_token")
        if "email" in claims or not isinstance(place, str) or not isinstance(access, str):
            return {}
        headers = {"authorization": f"Bearer {access}"}
        said = await answered(self.settings.shown, "GET", _place(place, self.settings), headers=headers)
        if not isinstance(said, dict) or said.get("sub") != claims["sub"]:
            raise LoginError(f"{self.settings.shown} speaks of two people.", "Log in again.")
        return said

    async def _checked(self, id_token: str, nonce: str) -> Mapping[str, Any]:
        name, wrong = self.settings.shown, "does not hold"
        key, algorithm = await self._key_of(id_token)
        try:
            token = jwt.decode(id_token, key, algorithms=[algorithm])
        except (JoseError, ValueError):
            raise LoginError(f"The signature of {name}'s id token {wrong}.", "Log in again.") from None
        claims, now = token.claims, time.time()
        ends, began = claims.get("exp"), claims.get("nbf", 0)
        checks = {
            "iss": claims.get("iss") == self.settings.issuer,
            "aud": claims.get("aud") in (self.settings.client_id, [self.settings.client_id]),
            "azp": claims.get("azp", self.settings.client_id) == self.settings.client_id,
            "exp": isinstance(ends, int | float) and now < ends + _SKEW,
            "nbf": isinstance(began, int | float) and began - _SKEW <= now,
            "iat": isinstance(claims.get("iat"), int | float) and claims["iat"] - _SKEW <= now,
            "nonce": isinstance(claims.get("nonce"), str) and secrets.equal(claims["nonce"], nonce),
            "sub": isinstance(claims.get("sub"), str),
        }
        failed = [claim for claim, holds in checks.items() if not holds]
        if failed:
            raise LoginError(f"The id token of {name} {wrong}: {', '.join(failed)}.", "Log in again.")
        return claims

    async def _key_of(self, id_token: str) -> tuple[jwk.Key, str]:
        """The key that a token names, and its algorithm, which has to be one of ours and the key's own."""
        header = header_of(id_token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise LoginError(f"{self.settings.shown} signs by {str(algorithm)[:20]!r}, which is not taken.")
        metadata = await self._described()
        for again in (False, True):
            for key in await self._known_keys(metadata, again=again):
                named = key.kid == kid if kid is not None else len(self._keys) == 1
                if named and key.key_type in _TYPES[algorithm] and key.get("alg") in {None, algorithm}:
                    return key, algorithm
        raise LoginError(f"{self.settings.shown} signs with a key that it does not publish.", "Log in again.")

    async def _known_keys(self, metadata: Mapping[str, Any], *, again: bool) -> list[jwk.Key]:
        async with self._fetching:
            age = time.monotonic() - self._keys_at
            if age > _KNOWN_SECONDS or (again and age > _KEYS_AGAIN_SECONDS):
                self._keys_at = time.monotonic()  # also if it fails: a provider that is down is not asked at each login
                said = await answered(self.settings.shown, "GET", _place(metadata["jwks_uri"], self.settings))
                self._keys = _public_keys(said)
            return self._keys

    async def _described(self) -> Mapping[str, Any]:
        """The discovery document, which has to be that of the configured issuer."""
        if not self._metadata or time.monotonic() - self._metadata_at > _KNOWN_SECONDS:
            place = self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
            said = await answered(self.settings.shown, "GET", place)
            if not isinstance(said, dict) or said.get("issuer") != self.settings.issuer:
                raise LoginError(
                    f"What {self.settings.shown} publishes is of another issuer than the configured one.",
                    "Set the issuer exactly as its discovery document has it.",
                )
            for needed in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                _place(said.get(needed), self.settings)
            self._metadata, self._metadata_at = said, time.monotonic()
        return self._metadata


_TYPES = {"RS256": {"RSA"}, "PS256": {"RSA"}, "ES256": {"EC"}, "EdDSA": {"OKP"}, "Ed25519": {"OKP"}}


def refused(name: str, error: str) -> LoginError:
    """That the provider did not log somebody in."""
    if error == "access_denied":
        return LoginError(f"{name} did not let you in, or you turned back.", "Log in again.")
    word = f" ({error})" if error.isprintable() and len(error) < 60 else ""
    return LoginError(f"{name} did not log you in{word}.", "Log in again.")


def _nonce(binding: str, state: str) -> str:
    return secrets.derived(binding, f"nonce {state}")


def _verifier(binding: str, state: str) -> str:
    return secrets.derived(binding, f"verifier {state}")


def _with(place: str, asked: Mapping[str, str]) -> str:
    return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(asked)}"


def _place(place: Any, settings: ProviderSettings) -> str:
    """An address that the discovery document names: not less safe than the issuer's."""
    allowed = ("https://", f"{urlsplit(settings.issuer).scheme}://")
    if not isinstance(place, str) or not place.startswith(allowed):
        raise LoginError(f"The discovery document of {settings.shown} lacks an address, or one without https.")
    return place


def header_of(token: str) -> Mapping[str, Any]:
    """What a token says of its signature, unchecked; empty if it is none."""
    first = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except ValueError:
        header = None
    return header if isinstance(header, dict) else {}


def _public_keys(said: Any) -> list[jwk.Key]:
    keys: list[jwk.Key] = []
    for described in said.get("keys", []) if isinstance(said, dict) else []:
        # Secrets (`oct`) check nothing here, and keys of sorts that are not known are none of ours.
        if (
            isinstance(described, dict)
            and described.get("kty") in {"RSA", "EC", "OKP"}
            and described.get("use") != "enc"
        ):
            try:
                keys.append(jwk.import_key(described))
            except (JoseError, ValueError, KeyError, TypeError):
                continue
    return keys
