"""Credentials for https hosts, and how to keep them out of everything that is shown.

A token reaches Git through a credential helper that is a line of shell in the configuration; the secret itself is in
the environment of that one process tree. Git asks the helper only for the scheme, host and port it is registered for,
also after a redirect, which `http.extraHeader` would not guarantee.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

from wiki_pipeline.links.forges import Forge
from wiki_pipeline.links.repository import Address
from wiki_pipeline.sources.git.settings import GitSettings

_USER_VARIABLE, _SECRET_VARIABLE = "WIKI_PIPELINE_HELPER_USER", "WIKI_PIPELINE_HELPER_SECRET"
# printf is part of the shell: the secret is in no process's arguments.
_HELPER = (
    f"!f() {{ test \"$1\" = get && printf 'username=%s\\npassword=%s\\n' "
    f'"${_USER_VARIABLE}" "${_SECRET_VARIABLE}"; }}; f'
)
_USERINFO = re.compile(r"(?<=://)[^/\s@'\"]+@")
_HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Credential:
    """A user name and a secret for one scheme, host and port."""

    origin: str
    user: str
    secret: str = field(repr=False)

    def configuration(self) -> list[tuple[str, str]]:
        """Git configuration that brings the credential to its host; without the secret."""
        return [(f"credential.{self.origin}.helper", _HELPER)]

    def environment(self) -> dict[str, str]:
        """The variables that the helper reads."""
        return {_USER_VARIABLE: self.user, _SECRET_VARIABLE: self.secret}


def credential_for(address: Address, forge: Forge, settings: GitSettings) -> Credential | None:
    """The credential that the settings have for an address; None if they have none. ssh has its keys and agent."""
    if address.scheme not in {"https", "http"}:
        return None
    token = settings.token_of(address)
    if not token:
        return None
    user, colon, secret = token.partition(":")
    origin = f"{address.scheme}://{address.host}"
    return Credential(origin, user, secret) if colon else Credential(origin, forge.token_user, token)


def redact(text: str, credential: Credential | None) -> str:
    """The text without the credential, in any form in which Git or a server may repeat it, and without userinfo."""
    if credential is not None and credential.secret:
        pair = f"{credential.user}:{credential.secret}".encode()
        for form in (credential.secret, base64.b64encode(pair).decode()):
            text = text.replace(form, _HIDDEN)
    return _USERINFO.sub(f"{_HIDDEN}@", text)
