"""GitHub (and GitHub Enterprise): OAuth only, so who logged in is asked of its API. The number of the account counts,
never its login, which can be given to somebody else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from wiki_pipeline.access import secrets
from wiki_pipeline.access.asking import answered
from wiki_pipeline.access.identity import Identity, identity
from wiki_pipeline.access.oidc import refused
from wiki_pipeline.access.settings import ProviderSettings
from wiki_pipeline.errors import LoginError
from wiki_pipeline.secret_refs import resolve


class GitHubProvider:
    """GitHub as an identity provider."""

    def __init__(self, settings: ProviderSettings) -> None:
        self.settings = settings
        root = settings.issuer.rstrip("/")
        self._root = root
        self._api = "https://api.github.com" if urlsplit(root).hostname == "github.com" else f"{root}/api/v3"

    async def address(self, redirect_uri: str, state: str, binding: str) -> str:
        """Where a browser logs in; as `OidcProvider.address`."""
        challenge = hashlib.sha256(_verifier(binding, state).encode()).digest()
        asked = {
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": "read:user user:email",
            "state": state,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{self._root}/login/oauth/authorize?{urlencode(asked)}"

    async def identify(self, answer: Mapping[str, str], redirect_uri: str, binding: str) -> Identity:
        """Who logged in; as `OidcProvider.identify`."""
        name = self.settings.shown
        if "error" in answer:
            raise refused(name, answer["error"])
        form = {
            "client_id": self.settings.client_id,
            "client_secret": resolve(self.settings.secret, f"provider {self.settings.name}").get_secret_value(),
            "code": answer.get("code", ""),
            "redirect_uri": redirect_uri,
            "code_verifier": _verifier(binding, answer.get("state", "")),
        }
        tokens = await answered(name, "POST", f"{self._root}/login/oauth/access_token", form=form)
        access = tokens.get("access_token") if isinstance(tokens, dict) else None
        if not isinstance(access, str):
            raise LoginError(f"{name} sends no token.", "Log in again.")
        headers = {"authorization": f"Bearer {access}", "x-github-api-version": "2022-11-28"}
        user = await answered(name, "GET", f"{self._api}/user", headers=headers)
        number = user.get("id") if isinstance(user, dict) else None
        if not isinstance(number, int) or isinstance(number, bool):
            raise LoginError(f"{name} does not say who logged in.")
        claims: dict[str, Any] = {"sub": str(number), "name": user.get("name") or user.get("login")}
        listed = await answered(name, "GET", f"{self._api}/user/emails", headers=headers)
        found = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        first = next((each for each in found if each.get("primary") and each.get("verified") is True), None)
        if first is not None:
            claims |= {"email": first.get("email"), "email_verified": True}
        return identity(self.settings, claims)

    async def logout_address(self, id_token: str, back: str) -> str:
        """GitHub has no place to log out for others."""
        return ""


def _verifier(binding: str, state: str) -> str:
    return secrets.derived(binding, f"verifier {state}")
