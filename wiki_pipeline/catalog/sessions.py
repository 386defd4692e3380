"""Sessions of browsers, and attempts at logging in that are under way. Both are known by hashes of secrets alone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, insert, select, update

from wiki_pipeline.catalog.access_tables import accounts, login_attempts, memberships, sessions
from wiki_pipeline.catalog.accounts import Holder, end_credentials, end_sessions, holder, holder_columns, membership_in
from wiki_pipeline.catalog.database import Database, database_now, now
from wiki_pipeline.catalog.tenant_states import not_dropped, refuse_dropped

_KEPT = timedelta(days=30)  # sessions that have ended, for whoever asks what there was
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Session:
    """A session, for lists."""

    session_id: str
    account_id: str
    tenant: str
    provider: str
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that a request brought, with whose it is.

    Attributes:
        unseen: it was last noted as used a minute ago or more.
    """

    session_id: str
    holder: Holder
    unseen: bool


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """An attempt at logging in that began here."""

    provider: str
    next: str
    invitation_hash: str


class Sessions:
    """The catalog's sessions. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(  # noqa: PLR0913 - each is a column
        self,
        secret_hash: str,
        account_id: str,
        tenant: str,
        *,
        provider: str,
        address: str,
        agent: str,
        logout_hint: str,
        idle: timedelta,
        lasts: timedelta,
    ) -> str:
        """Begin a session. Returns its id, which opens nothing.

        Raises:
            NotAllowedError: the tenant is being dropped, or was.
        """
        session_id = uuid.uuid4().hex[:16]
        with self._database.write() as connection:
            refuse_dropped(connection, tenant)
            moment = now(connection)
            connection.execute(
                insert(sessions).values(
                    secret_hash=secret_hash,
                    session_id=session_id,
                    account_id=account_id,
                    tenant=tenant,
                    provider=provider,
                    address=address,
                    agent=agent[:200],
                    logout_hint=logout_hint,
                    created_at=moment,
                    seen_at=moment,
                    idle_ends_at=moment + idle,
                    ends_at=moment + lasts,
                )
            )
            connection.execute(delete(sessions).where(sessions.c.ends_at < moment - _KEPT))
            account = update(accounts).where(accounts.c.account_id == account_id)
            connection.execute(account.values(last_login_at=moment))
        return session_id

    def find(self, secret_hash: str) -> OpenSession | None:
        """The session that a secret opens, by one query; None if it opens none (any more)."""
        with self._database.read() as connection:
            row = connection.execute(_find(), {"secret_hash": secret_hash}).one_or_none()
        if row is None:
            return None
        return OpenSession(row.session_id, holder(row), row.moment - row.seen_at >= SEEN_EVERY)

    def touch(self, secret_hash: str, idle: timedelta) -> None:
        """Note that a session is used."""
        with self._database.write() as connection:
            moment = now(connection)
            mine = update(sessions).where(sessions.c.secret_hash == secret_hash)
            connection.execute(mine.values(seen_at=moment, idle_ends_at=moment + idle))

    def move(self, secret_hash: str, tenant: str) -> None:
        """Have a session be in another tenant.

        Raises:
            NotAllowedError: that one is being dropped, or was.
        """
        with self._database.write() as connection:
            refuse_dropped(connection, tenant)
            mine = update(sessions).where(sessions.c.secret_hash == secret_hash)
            connection.execute(mine.values(tenant=tenant))

    def list(self, account_id: str) -> Sequence[Session]:
        """The open sessions of an account, newest first."""
        with self._database.read() as connection:
            moment = now(connection)
            chosen = select(sessions).where(sessions.c.account_id == account_id, sessions.c.revoked_at.is_(None))
            chosen = chosen.where(sessions.c.ends_at > moment, sessions.c.idle_ends_at > moment)
            return [_session(row) for row in connection.execute(chosen.order_by(sessions.c.created_at.desc()))]

    def end(self, account_id: str, session_id: str) -> bool:
        """End one session of an account. False: there is none."""
        with self._database.write() as connection:
            mine = (sessions.c.account_id == account_id) & (sessions.c.session_id == session_id)
            ended = update(sessions).where(mine, sessions.c.revoked_at.is_(None))
            return connection.execute(ended.values(revoked_at=now(connection), logout_hint="")).rowcount > 0

    def close(self, secret_hash: str) -> str:
        """End the session that a secret opens. Returns its provider and hint for logging out there, as they were kept
        (`provider hint`); empty if there is none."""
        with self._database.write() as connection:
            mine = (sessions.c.secret_hash == secret_hash) & sessions.c.revoked_at.is_(None)
            row = connection.execute(select(sessions.c.provider, sessions.c.logout_hint).where(mine)).one_or_none()
            connection.execute(update(sessions).where(mine).values(revoked_at=now(connection), logout_hint=""))
        return "" if row is None else f"{row.provider} {row.logout_hint}".strip()

    def end_all(self, account_id: str, *, but: str = "", tokens: bool = False) -> int:
        """End the sessions of an account, but one; with its API tokens if asked. Returns how many sessions."""
        with self._database.write() as connection:
            end = end_credentials if tokens else end_sessions
            return end(connection, account_id, now(connection), but)

    def came_from(self, account_id: str, address: str) -> bool:
        """Whether an account has logged in from an address before."""
        mine = select(sessions.c.session_id).where(sessions.c.account_id == account_id, sessions.c.address == address)
        with self._database.read() as connection:
            return connection.execute(mine.limit(1)).first() is not None

    # --- attempts ---

    def begin(self, state_hash: str, binding_hash: str, attempt: LoginAttempt, lasts: timedelta) -> None:
        """Keep an attempt until the provider sends the browser back."""
        with self._database.write() as connection:
            moment = now(connection)
            connection.execute(delete(login_attempts).where(login_attempts.c.expires_at < moment))
            connection.execute(
                insert(login_attempts).values(
                    state_hash=state_hash,
                    binding_hash=binding_hash,
                    provider=attempt.provider,
                    next=attempt.next,
                    invitation_hash=attempt.invitation_hash,
                    expires_at=moment + lasts,
                )
            )

    def take(self, state_hash: str, binding_hash: str) -> LoginAttempt | None:
        """Use an attempt up; None if there is none, it is too old, or another browser began it (which leaves it)."""
        mine = (login_attempts.c.state_hash == state_hash) & (login_attempts.c.binding_hash == binding_hash)
        with self._database.read() as connection:  # those that nobody began take no lock from others
            if connection.execute(select(login_attempts.c.provider).where(mine)).one_or_none() is None:
                return None
        with self._database.write() as connection:
            good = mine & (login_attempts.c.expires_at > now(connection))
            row = connection.execute(delete(login_attempts).where(good).returning(login_attempts)).one_or_none()
        return None if row is None else LoginAttempt(row.provider, row.next, row.invitation_hash)


@cache
def _find() -> Select[Any]:
    """Made once: what it takes to make is more than the database takes to answer."""
    moment = database_now()
    columns = [sessions.c.session_id, sessions.c.seen_at, moment.label("moment")]
    return (
        select(*columns, *holder_columns(sessions.c.tenant))
        .join(accounts, accounts.c.account_id == sessions.c.account_id)
        .outerjoin(memberships, membership_in(sessions.c.tenant))
        .where(sessions.c.secret_hash == bindparam("secret_hash"), sessions.c.revoked_at.is_(None))
        .where(sessions.c.ends_at > moment, sessions.c.idle_ends_at > moment, accounts.c.disabled_at.is_(None))
        .where(not_dropped(sessions.c.tenant))
    )


def _session(row: Row[Any]) -> Session:
    return Session(**{name: getattr(row, name) for name in Session.__slots__})
