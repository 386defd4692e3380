"""Tokens in forms that change something: a page of another site can send such a form, but not read the token.

Beside the check of `Sec-Fetch-Site` and `Origin` that every request goes through.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping

from pydantic import SecretStr

from wiki_pipeline.access import Principal
from wiki_pipeline.access.sealing import Vault
from wiki_pipeline.errors import NotAllowedError

FIELD = "form_token"
_KIND, _NAME = "gateway", "forms"


def form_token(vault: Vault, tenant: str, who: Principal) -> str:
    """The token that a form shown to somebody carries. It is the same in every process of the installation.

    Args:
        tenant: the default one, whose secret is kept for all.

    Raises:
        ConfigurationError: the master key is missing.
    """
    key = vault.kept(tenant, _KIND, _NAME, lambda: SecretStr(os.urandom(32).hex()))
    about = f"{who.tenant}\0{who.how}\0{who.owner}".encode()
    return hmac.new(key.get_secret_value().encode(), about, hashlib.sha256).hexdigest()


def check_form(vault: Vault, tenant: str, who: Principal, fields: Mapping[str, str]) -> None:
    """See that a form is one that was shown to who sends it.

    Raises:
        NotAllowedError: it is not.
    """
    if not hmac.compare_digest(fields.get(FIELD, "").encode(), form_token(vault, tenant, who).encode()):
        raise NotAllowedError("The form is not one that was shown to you.", "Open the page again, and send it again.")
