"""Secrets that are made here: 256 random bits, of which a hash is kept. From 112 bits on a plain hash is enough."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_BYTES = 32
_TOKEN = re.compile(r"wp_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_NONCE = 12


def made() -> str:
    """A secret for cookies and addresses."""
    return secrets.token_urlsafe(_BYTES)


def hashed(secret: str) -> str:
    """What is kept of it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def derived(secret: str, purpose: str) -> str:
    """Another secret, which is as hard to guess and tells nothing of the first."""
    value = hmac.digest(secret.encode("utf-8", "surrogatepass"), purpose.encode(), "sha256")
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def equal(one: str, other: str) -> bool:
    """Whether two are the same, in a time that does not tell how far."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


def new_token() -> tuple[str, str]:
    """An API token, `wp_ID_SECRET`, and its id."""
    token_id = "".join(secrets.choice(_LETTERS) for _ in range(12))
    return f"wp_{token_id}_{made()}", token_id


def token_id(token: str) -> str:
    """The id in an API token; empty if it is none."""
    found = _TOKEN.fullmatch(token)
    return found[1] if found else ""


def sealed(secret: str, text: str) -> str:
    """A text that only the one who has a secret can read."""
    nonce = secrets.token_bytes(_NONCE)
    return base64.urlsafe_b64encode(nonce + AESGCM(_key(secret)).encrypt(nonce, text.encode(), b"")).decode()


def opened(secret: str, box: str) -> str:
    """What was sealed; empty if it was not, or with another secret."""
    try:
        raw = base64.urlsafe_b64decode(box)
        return AESGCM(_key(secret)).decrypt(raw[:_NONCE], raw[_NONCE:], b"").decode()
    except (InvalidTag, ValueError):
        return ""


def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"seal", "sha256")
