"""Secrets at rest: sealed with a data key a tenant, which the installation's master key wraps.

AES-256-GCM with a random nonce of 96 bits each time. What a box is for (tenant, kind, name, version) is authenticated
with it, so that a row that is moved, renamed or put back in an older version does not open. A master key that is wrong
or missing is an error, always: nothing is ever kept or read as plain text. Without its data key a tenant's secrets are
noise, so that destroying that one row destroys them all, in place and, once the master key was changed, in backups too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import tempfile
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from wiki_pipeline.access.settings import SealingSettings
from wiki_pipeline.catalog import Catalog, DataKey, Sealed
from wiki_pipeline.catalog.secrets import Box
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.secret_refs import Rows
from wiki_pipeline.settings import Mode

_BYTES = 32
_NONCE_BYTES = 12
_MOST_KEYS = 4
_LONGEST_FILE = 4_096
_LONGEST_SECRET = 65_536
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:/-]{0,199}")
_SHOWN_FROM = 12  # of shorter secrets the last four characters would be too much
_FILE = "master.key"
_BACK = "Bring back the key that the secrets were sealed with, or enter the secrets anew."


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A key of the installation. Its id tells which it is, and nothing else of it."""

    id: str
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, text: str) -> MasterKey:
        """The key as people write it: 32 bytes in base64 or hex.

        Raises:
            ConfigurationError: it is none; never repeats it.
        """
        key = b""
        with suppress(ValueError, binascii.Error):
            key = bytes.fromhex(text) if len(text) == 2 * _BYTES else b""
        if not key:
            with suppress(ValueError, binascii.Error):
                key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
        if len(key) != _BYTES:
            raise ConfigurationError(
                "A master key is not 32 bytes in base64 or hex.", "Make one with `openssl rand -base64 32`."
            )
        return cls(hashlib.sha256(b"wiki-pipeline master key " + key).hexdigest()[:16], key)


class Vault:
    """Seals and opens the secrets of tenants. The master key is looked for when it is first needed.

    Raises:
        ConfigurationError: (all methods that seal or open) the master key is missing, wrong, or readable by others;
            or a row was not sealed for what it is asked for.
        CatalogError: (all) the catalog can't be used.
    """

    def __init__(self, catalog: Catalog, settings: SealingSettings) -> None:
        self._catalog = catalog
        self._settings = settings
        self._masters: Sequence[MasterKey] = ()

    # --- tenants' secrets ---

    def seal(self, tenant: str, kind: str, name: str, secret: SecretStr) -> Sealed:
        """Keep a secret of a tenant, in place of the one of that kind and name. `Sealed.ref` refers to it from now on,
        also when it is changed.

        Raises:
            ConfigurationError: the secret is empty or longer than 64 KiB.
        """
        text = secret.get_secret_value()
        if not text or len(text.encode("utf-8", "surrogatepass")) > _LONGEST_SECRET:
            raise ConfigurationError(f"The secret of {name} is empty, or longer than {_LONGEST_SECRET} bytes.")
        if not _WORD.fullmatch(kind) or not _WORD.fullmatch(name):
            raise ConfigurationError("A secret can't be kept under this name.")
        key_id, key = self._data_key(tenant)

        def boxed(version: int) -> Box:
            nonce = os.urandom(_NONCE_BYTES)
            data = text.encode("utf-8", "surrogatepass")
            sealed = AESGCM(key).encrypt(nonce, data, _about(tenant, kind, name, version))
            return Box(key_id, nonce, sealed, text[-4:] if len(text) >= _SHOWN_FROM else "")

        return self._catalog.secrets.put(tenant, kind, name, boxed)

    def open(self, tenant: str, secret_id: str, owner: str) -> SecretStr:
        """A tenant's secret.

        Args:
            owner: what it belongs to, for messages.
        """
        row = self._catalog.secrets.get(tenant, secret_id)
        if row is None:
            raise ConfigurationError(f"The secret of {owner} is missing.", "Enter it anew.")
        known = self._catalog.secrets.data_key(tenant)
        if known is None or known.key_id != row.key_id:
            raise ConfigurationError(f"The key of the secret of {owner} was destroyed.", "Enter the secret anew.")
        about = _about(row.tenant, row.kind, row.name, row.version)
        try:
            data = AESGCM(self._unwrapped(known)).decrypt(row.nonce, row.ciphertext, about)
        except (InvalidTag, ValueError):
            raise ConfigurationError(
                f"The secret of {owner} does not open: its row was changed.", "Enter the secret anew."
            ) from None
        return SecretStr(data.decode("utf-8", "surrogatepass"))

    def rows(self, tenant: str) -> Rows:
        """What opens the `row:` references of one tenant, and of no other; for `secret_refs.resolve`."""
        return lambda secret_id, owner: self.open(tenant, secret_id, owner)

    def forget(self, tenant: str, kind: str, name: str) -> bool:
        """Forget a secret. False if it was not there. Needs no key."""
        return self._catalog.secrets.remove(tenant, kind, name)

    # --- keys ---

    def rotate(self) -> int:
        """Wrap every data key with the first of the master keys. Returns how many were wrapped by another one before.

        Repeatable, at any time: while both keys are loaded everywhere, nobody notices.
        """
        current, wrapped = self._keys()[0], 0
        for known in self._catalog.secrets.data_keys():
            key = self._unwrapped(known)  # those that are current as well: they have to open
            if known.master_id != current.id:
                wrapped += self._catalog.secrets.rewrap(_wrap(current, known.key_id, known.tenant, key), known)
        return wrapped

    def destroy(self, tenant: str) -> bool:
        """Destroy a tenant's data key, and with it its secrets. False if it had none. Needs no key."""
        return self._catalog.secrets.destroy(tenant)

    def check(self) -> int:
        """See that every data key opens. Returns how many there are.

        Raises:
            ConfigurationError: one does not.
        """
        keys = self._catalog.secrets.data_keys()
        for known in keys:
            self._unwrapped(known)
        return len(keys)

    def _data_key(self, tenant: str) -> tuple[str, bytes]:
        known = self._catalog.secrets.data_key(tenant)
        if known is None:
            made = _wrap(self._keys()[0], uuid.uuid4().hex, tenant, AESGCM.generate_key(8 * _BYTES))
            known = self._catalog.secrets.add_data_key(made)
        return known.key_id, self._unwrapped(known)

    def _unwrapped(self, known: DataKey) -> bytes:
        master = next((key for key in self._keys() if key.id == known.master_id), None)
        if master is None:
            loaded = ", ".join(key.id for key in self._masters)
            raise ConfigurationError(
                f"The secrets of the tenant {known.tenant} are sealed under the master key {known.master_id}, and that "
                f"is not loaded (but {loaded}).",
                _BACK,
            )
        try:
            return AESGCM(master.key).decrypt(known.nonce, known.wrapped, _wrapping(known.key_id, known.tenant, master))
        except (InvalidTag, ValueError):
            raise ConfigurationError(
                f"The data key of the tenant {known.tenant} does not open: its row was changed.", _BACK
            ) from None

    def _keys(self) -> Sequence[MasterKey]:
        if not self._masters:
            self._masters = self._loaded()
        return self._masters

    def _loaded(self) -> Sequence[MasterKey]:
        settings = self._settings
        texts = [key.get_secret_value() for key in settings.master_key]
        if texts and settings.master_key_file:
            raise ConfigurationError("WIKI_PIPELINE_MASTER_KEY and WIKI_PIPELINE_MASTER_KEY_FILE are both set.")
        if settings.master_key_file:
            texts = _read(Path(settings.master_key_file).expanduser(), private=False)
        elif not texts:
            if settings.mode is not Mode.LAPTOP:
                raise ConfigurationError(
                    "There is no master key for the secrets in the catalog.",
                    "Set WIKI_PIPELINE_MASTER_KEY_FILE, or WIKI_PIPELINE_MASTER_KEY, on every machine alike.",
                )
            texts = _read(self._own_file(), private=True)
        if len(texts) > _MOST_KEYS:
            raise ConfigurationError(f"There are more than {_MOST_KEYS} master keys.")
        return [MasterKey.of(text) for text in texts]

    def _own_file(self) -> Path:
        """The laptop's key, made where nothing was ever sealed; its owner alone can read it."""
        path = self._settings.home / _FILE
        if path.exists():
            return path
        if self._catalog.secrets.has_keys():
            raise ConfigurationError(f"The master key {path} is gone, and the catalog holds secrets.", _BACK)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=f".{_FILE}.", dir=path.parent)  # of mode 0600
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(base64.b64encode(os.urandom(_BYTES)).decode() + "\n")
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # another process was first: its key counts
                os.link(draft, path)
        finally:
            Path(draft).unlink()
        return path


def _read(path: Path, *, private: bool) -> list[str]:
    try:
        if private and path.stat().st_mode & 0o077:
            raise ConfigurationError(f"The master key {path} can be read by others.", f"Do: chmod 600 {path}")
        with path.open(encoding="utf-8") as file:
            lines = [line.strip() for line in file.read(_LONGEST_FILE).splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigurationError(f"The master key can't be read from {path}: {reason}.") from None
    if not any(lines):
        raise ConfigurationError(f"The master key's file {path} is empty.")
    return [line for line in lines if line]


def _about(tenant: str, kind: str, name: str, version: int) -> bytes:
    """What a box is for. No part can hold the bar between them."""
    return f"{tenant}|{kind}|{name}|{version}".encode()


def _wrapping(key_id: str, tenant: str, master: MasterKey) -> bytes:
    return f"{tenant}|data key|{key_id}|{master.id}".encode()


def _wrap(master: MasterKey, key_id: str, tenant: str, key: bytes) -> DataKey:
    nonce = os.urandom(_NONCE_BYTES)
    wrapped = AESGCM(master.key).encrypt(nonce, key, _wrapping(key_id, tenant, master))
    return DataKey(key_id, tenant, master.id, nonce, wrapped)
