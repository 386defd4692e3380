"""Sealed secrets and the wrapped keys that open them, as rows. Nothing here can open one: `access.sealing` does."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from wiki_pipeline.catalog.database import Database, now, upsert
from wiki_pipeline.catalog.tables import data_keys, secrets


@dataclass(frozen=True, slots=True)
class DataKey:
    """A tenant's data key, wrapped.

    Attributes:
        master_id: which master key wraps it.
        nonce, wrapped: AES-GCM's.
    """

    key_id: str
    tenant: str
    master_id: str
    nonce: bytes
    wrapped: bytes


@dataclass(frozen=True, slots=True)
class Box:
    """What sealing made of a secret."""

    key_id: str
    nonce: bytes
    ciphertext: bytes
    last4: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret that is sealed.

    Attributes:
        secret_id: stays when the secret is changed; `row:SECRET_ID` refers to it.
        kind, name: what it is for, as `connection` and `handbook`.
        version: grows by one with each change.
        last4: its last characters, for people; empty where they would tell too much.
    """

    secret_id: str
    tenant: str
    kind: str
    name: str
    version: int
    key_id: str
    nonce: bytes
    ciphertext: bytes
    last4: str
    changed_at: datetime

    @property
    def ref(self) -> str:
        """By what others refer to it."""
        return f"row:{self.secret_id}"


class Secrets:
    """The sealed secrets of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- data keys ---

    def data_key(self, tenant: str) -> DataKey | None:
        """The tenant's data key; None if it has none."""
        with self._database.read() as connection:
            row = connection.execute(select(data_keys).where(data_keys.c.tenant == tenant)).one_or_none()
        return None if row is None else _key(row)

    def data_keys(self) -> Sequence[DataKey]:
        """The data keys of all tenants: for who turns the master key."""
        with self._database.read() as connection:
            return [_key(row) for row in connection.execute(select(data_keys).order_by(data_keys.c.tenant))]

    def has_keys(self) -> bool:
        """Whether anything was ever sealed here that a master key opens."""
        with self._database.read() as connection:
            return bool(connection.execute(select(func.count()).select_from(data_keys)).scalar_one())

    def add_data_key(self, key: DataKey) -> DataKey:
        """Keep a tenant's first data key. Returns the one that counts: of two made at once the first."""
        with self._database.write() as connection:
            values = {
                "key_id": key.key_id,
                "tenant": key.tenant,
                "master_id": key.master_id,
                "nonce": key.nonce,
                "wrapped": key.wrapped,
                "created_at": now(connection),
            }
            new = upsert(connection, data_keys).values(**values).on_conflict_do_nothing(index_elements=["tenant"])
            connection.execute(new)
            return _key(connection.execute(select(data_keys).where(data_keys.c.tenant == key.tenant)).one())

    def rewrap(self, key: DataKey, replaced: DataKey) -> bool:
        """Put a data key wrapped anew in place of the old one. False if another process was first, or it is gone."""
        same = (data_keys.c.key_id == replaced.key_id) & (data_keys.c.master_id == replaced.master_id)
        with self._database.write() as connection:
            values = {"master_id": key.master_id, "nonce": key.nonce, "wrapped": key.wrapped}
            return connection.execute(update(data_keys).where(same).values(**values)).rowcount > 0

    def destroy(self, tenant: str) -> bool:
        """Destroy a tenant's data key and its sealed secrets: they can't be opened again. False if there were none."""
        with self._database.erasing() as connection:
            connection.execute(delete(secrets).where(secrets.c.tenant == tenant))
            return connection.execute(delete(data_keys).where(data_keys.c.tenant == tenant)).rowcount > 0

    # --- secrets ---

    def put(self, tenant: str, kind: str, name: str, seal: Callable[[int], Box]) -> Sealed:
        """Keep a secret, in place of the one of that kind and name.

        Args:
            seal: seals it as the version that it is given.
        """
        which = (secrets.c.tenant == tenant) & (secrets.c.kind == kind) & (secrets.c.name == name)
        with self._database.write() as connection:
            known = connection.execute(select(secrets).where(which)).one_or_none()
            version = known.version + 1 if known else 1
            box = seal(version)
            values = {
                "version": version,
                "key_id": box.key_id,
                "nonce": box.nonce,
                "ciphertext": box.ciphertext,
                "last4": box.last4,
                "changed_at": now(connection),
            }
            if known:
                connection.execute(update(secrets).where(which).values(**values))
            else:
                about = {"secret_id": uuid.uuid4().hex, "tenant": tenant, "kind": kind, "name": name}
                connection.execute(insert(secrets).values(**about, **values))
            return _sealed(connection.execute(select(secrets).where(which)).one())

    def get(self, tenant: str, secret_id: str) -> Sealed | None:
        """A tenant's sealed secret; None if it has none of that id."""
        which = (secrets.c.tenant == tenant) & (secrets.c.secret_id == secret_id)
        with self._database.read() as connection:
            row = connection.execute(select(secrets).where(which)).one_or_none()
        return None if row is None else _sealed(row)

    def list(self, tenant: str, kind: str = "") -> Sequence[Sealed]:
        """A tenant's sealed secrets, by kind and name."""
        chosen = select(secrets).where(secrets.c.tenant == tenant).order_by(secrets.c.kind, secrets.c.name)
        if kind:
            chosen = chosen.where(secrets.c.kind == kind)
        with self._database.read() as connection:
            return [_sealed(row) for row in connection.execute(chosen)]

    def remove(self, tenant: str, kind: str, name: str) -> bool:
        """Forget a secret. False if it was not there."""
        which = (secrets.c.tenant == tenant) & (secrets.c.kind == kind) & (secrets.c.name == name)
        with self._database.write() as connection:
            return connection.execute(delete(secrets).where(which)).rowcount > 0


def _key(row: Row[Any]) -> DataKey:
    return DataKey(row.key_id, row.tenant, row.master_id, bytes(row.nonce), bytes(row.wrapped))


def _sealed(row: Row[Any]) -> Sealed:
    values = row._asdict()
    return Sealed(**{**values, "nonce": bytes(row.nonce), "ciphertext": bytes(row.ciphertext)})
