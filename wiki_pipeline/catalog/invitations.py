"""Invitations: links by which somebody becomes a member of a tenant, once."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from wiki_pipeline.catalog.access_tables import invitations
from wiki_pipeline.catalog.database import Database, now
from wiki_pipeline.catalog.tenant_states import refuse_dropped


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation.

    Attributes:
        email: whose it is, in lower case; empty: whoever has the link.
    """

    invitation_id: str
    tenant: str
    role: str
    email: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class Invitations:
    """The catalog's invitations. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, secret_hash: str, tenant: str, role: str, email: str, created_by: str, lasts: timedelta
    ) -> Invitation:
        """Keep an invitation.

        Raises:
            NotAllowedError: the tenant is being dropped, or was.
        """
        with self._database.write() as connection:
            refuse_dropped(connection, tenant)
            moment = now(connection)
            row = {"tenant": tenant, "role": role, "email": email.casefold(), "created_by": created_by}
            made = insert(invitations).values(
                invitation_id=uuid.uuid4().hex[:12],
                secret_hash=secret_hash,
                created_at=moment,
                expires_at=moment + lasts,
                **row,
            )
            return _invitation(connection.execute(made.returning(invitations)).one())

    def list(self, tenant: str) -> Sequence[Invitation]:
        """Those of a tenant that are still good."""
        with self._database.read() as connection:
            good = invitations.c.used_at.is_(None) & (invitations.c.expires_at > now(connection))
            chosen = select(invitations).where(invitations.c.tenant == tenant, good)
            return [_invitation(row) for row in connection.execute(chosen.order_by(invitations.c.created_at))]

    def get(self, secret_hash: str) -> Invitation | None:
        """The one that a link brings; None if it is not good (any more)."""
        with self._database.read() as connection:
            row = connection.execute(select(invitations).where(_good(connection, secret_hash))).one_or_none()
        return None if row is None else _invitation(row)

    def use(self, secret_hash: str) -> Invitation | None:
        """Use one up; None if it is not good."""
        with self._database.write() as connection:
            used = update(invitations).where(_good(connection, secret_hash)).values(used_at=now(connection))
            row = connection.execute(used.returning(invitations)).one_or_none()
        return None if row is None else _invitation(row)

    def withdraw(self, tenant: str, invitation_id: str) -> bool:
        """Take one back. False: there is none."""
        with self._database.write() as connection:
            mine = (invitations.c.tenant == tenant) & (invitations.c.invitation_id == invitation_id)
            return connection.execute(delete(invitations).where(mine)).rowcount > 0


def _good(connection: Connection, secret_hash: str) -> Any:
    good = invitations.c.used_at.is_(None) & (invitations.c.expires_at > now(connection))
    return (invitations.c.secret_hash == secret_hash) & good


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(**{name: getattr(row, name) for name in Invitation.__slots__})
