"""Where secrets are: the one place that turns a reference, which may be stored and shown, into the secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.settings import variable

_LONGEST = 65_536
_POSSIBLE = "Possible are env:NAME (a setting: the environment, .env or the configuration file) and file:PATH."

Rows = Callable[[str, str], SecretStr]
"""Opens one tenant's sealed secrets, given an id and whom it belongs to; see `access.sealing.Vault.rows`."""


def resolve(reference: str, owner: str, rows: Rows | None = None) -> SecretStr:
    """The secret that `env:NAME`, `env:NAME#HOST`, `file:PATH` or `row:ID` refers to; empty for an empty reference.

    Args:
        owner: what the secret belongs to, for messages, as `connection handbook`.
        rows: opens the rows of the tenant for which this is asked; no other's.

    Raises:
        ConfigurationError: there is none, or this installation can't keep secrets that way. Never holds the secret.
    """
    where, _, what = reference.partition(":")
    match where:
        case "":
            return SecretStr("")
        case "env":
            return SecretStr(_of_setting(*what.partition("#")[::2], owner))
        case "file":
            return SecretStr(_of_file(Path(what).expanduser(), owner))
        case "row" if rows is not None:
            return rows(what, owner)
        case "row":
            raise ConfigurationError(
                f"The secret of {owner} is a row of a tenant's, which can't be opened here.", _POSSIBLE
            )
    raise ConfigurationError(f"It is not known where the secret of {owner} is.", _POSSIBLE)


def _of_setting(name: str, host: str, owner: str) -> str:
    value = variable(name)
    if host:
        value = _of_host(value, host)
    if not isinstance(value, str) or not value.strip():
        which = f"{name} has nothing for {host}" if host else f"{name} is not set"
        raise ConfigurationError(
            f"The secret of {owner} is missing: {which}.", "Set it in the environment, in .env or in the TOML file."
        )
    return value.strip()


def _of_host(value: Any, host: str) -> Any:
    """What a JSON object of hosts has for one of them, however it is written there."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return None
    items = value.items() if isinstance(value, dict) else ()
    return next((secret for key, secret in items if _origin(str(key)) == _origin(host)), None)


def _origin(host: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(host if "://" in host else f"https://{host}")
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", host, None


def _of_file(path: Path, owner: str) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            secret = file.read(_LONGEST).strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigurationError(f"The secret of {owner} can't be read from {path}: {reason}.") from None
    if not secret:
        raise ConfigurationError(f"The secret of {owner} is missing: {path} is empty.")
    return secret
