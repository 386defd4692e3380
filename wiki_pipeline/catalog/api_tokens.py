"""API tokens of accounts, and the families of refresh tokens that they are exchanged for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, delete, insert, select, update

from wiki_pipeline.catalog.access_tables import accounts, api_tokens, memberships, refresh_families, refresh_tokens
from wiki_pipeline.catalog.accounts import Holder, holder, holder_columns, membership_in
from wiki_pipeline.catalog.database import Database, database_now, now
from wiki_pipeline.catalog.tenant_states import not_dropped, refuse_dropped

_KEPT = timedelta(days=30)
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ApiToken:
    """An API token, for lists: not the token.

    Attributes:
        owner: name of the account.
        sources: keys of the sources that it is good for; None: all.
    """

    token_id: str
    last_four: str
    account_id: str
    owner: str
    tenant: str
    name: str
    actions: tuple[str, ...]
    sources: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class FoundToken:
    """An API token that a request brought, or that stands behind what it brought.

    Attributes:
        secret_hash: what the rest of the token has to hash to.
        unused: it was last noted as used a minute ago or more.
    """

    token_id: str
    name: str
    secret_hash: str
    holder: Holder
    actions: tuple[str, ...]
    sources: tuple[str, ...] | None
    unused: bool


class ApiTokens:
    """The catalog's API tokens. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(  # noqa: PLR0913 - each is a column
        self,
        token_id: str,
        secret_hash: str,
        last_four: str,
        account_id: str,
        *,
        tenant: str,
        name: str,
        actions: Iterable[str],
        sources: Iterable[str] | None,
        lasts: timedelta | None,
    ) -> None:
        """Keep a token.

        Raises:
            NotAllowedError: the tenant is being dropped, or was.
        """
        with self._database.write() as connection:
            refuse_dropped(connection, tenant)
            moment = now(connection)
            connection.execute(
                insert(api_tokens).values(
                    token_id=token_id,
                    secret_hash=secret_hash,
                    last_four=last_four,
                    account_id=account_id,
                    tenant=tenant,
                    name=name,
                    actions=sorted(actions),
                    sources=None if sources is None else sorted(sources),
                    created_at=moment,
                    expires_at=None if lasts is None else moment + lasts,
                )
            )

    def list(self, tenant: str, account_id: str = "") -> Sequence[ApiToken]:
        """The tokens of a tenant (and an account) that are good, newest first."""
        with self._database.read() as connection:
            chosen = select(api_tokens, accounts.c.name.label("owner"), accounts.c.email, accounts.c.subject)
            chosen = chosen.join(accounts, accounts.c.account_id == api_tokens.c.account_id)
            chosen = chosen.where(api_tokens.c.tenant == tenant, _good(now(connection)))
            if account_id:
                chosen = chosen.where(api_tokens.c.account_id == account_id)
            return [_token(row) for row in connection.execute(chosen.order_by(api_tokens.c.created_at.desc()))]

    def revoke(self, tenant: str, token_id: str, account_id: str = "") -> bool:
        """End a token and all that it was exchanged for. False: there is none (of the account)."""
        with self._database.write() as connection:
            moment = now(connection)
            mine = (api_tokens.c.tenant == tenant) & (api_tokens.c.token_id == token_id)
            if account_id:
                mine &= api_tokens.c.account_id == account_id
            ended = update(api_tokens).where(mine, api_tokens.c.revoked_at.is_(None)).values(revoked_at=moment)
            if not connection.execute(ended).rowcount:
                return False
            families = refresh_families.c.revoked_at.is_(None) & (refresh_families.c.token_id == token_id)
            connection.execute(update(refresh_families).where(families).values(revoked_at=moment))
            return True

    def find(self, token_id: str) -> FoundToken | None:
        """The token of an id, by one query; None if there is none that is good."""
        with self._database.read() as connection:
            row = connection.execute(_of_id(), {"token_id": token_id}).one_or_none()
        return None if row is None else _found_token(row)

    def of_family(self, family_id: str) -> FoundToken | None:
        """The token behind an access token, by its family; None if either is not good any more."""
        with self._database.read() as connection:
            row = connection.execute(_behind(), {"family_id": family_id}).one_or_none()
        return None if row is None else _found_token(row)

    def touch(self, token_id: str) -> None:
        """Note that a token is used."""
        with self._database.write() as connection:
            mine = update(api_tokens).where(api_tokens.c.token_id == token_id)
            connection.execute(mine.values(last_used_at=now(connection)))

    # --- refresh tokens ---

    def begin_family(self, family_id: str, token_id: str, refresh_hash: str, lasts: timedelta) -> None:
        """Begin a family of refresh tokens with its first."""
        with self._database.write() as connection:
            moment = now(connection)
            connection.execute(delete(refresh_families).where(refresh_families.c.ends_at < moment - _KEPT))
            family = {"family_id": family_id, "token_id": token_id, "created_at": moment, "ends_at": moment + lasts}
            connection.execute(insert(refresh_families).values(**family))
            connection.execute(insert(refresh_tokens).values(secret_hash=refresh_hash, family_id=family_id))

    def refresh(self, refresh_hash: str, next_hash: str) -> tuple[str, FoundToken | None]:
        """Use a refresh token up, for the next of its family. The family's id, and the API token behind it.

        Without the latter nothing came of it: the token is unknown (no id either), its family or what stands behind
        has ended, or it was used before, which ends the family.
        """
        chosen = select(refresh_tokens).where(refresh_tokens.c.secret_hash == refresh_hash)
        with self._database.read() as connection:  # those that nobody made take no lock from others
            if connection.execute(chosen).one_or_none() is None:
                return "", None
        with self._database.write() as connection:
            moment = now(connection)
            row = connection.execute(chosen.with_for_update()).one_or_none()
            if row is None:
                return "", None
            families = update(refresh_families).where(refresh_families.c.family_id == row.family_id)
            if row.used_at is not None:
                connection.execute(families.where(refresh_families.c.revoked_at.is_(None)).values(revoked_at=moment))
                return row.family_id, None
            found = connection.execute(_behind(), {"family_id": row.family_id}).one_or_none()
            if found is None:
                return row.family_id, None
            used = update(refresh_tokens).where(refresh_tokens.c.secret_hash == refresh_hash)
            connection.execute(used.values(used_at=moment))
            connection.execute(insert(refresh_tokens).values(secret_hash=next_hash, family_id=row.family_id))
            return row.family_id, _found_token(found)


def _good(moment: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    in_time = api_tokens.c.expires_at.is_(None) | (api_tokens.c.expires_at > moment)
    return api_tokens.c.revoked_at.is_(None) & in_time


@cache
def _of_id() -> Select[Any]:
    """Made once: what it takes to make is more than the database takes to answer."""
    return _found().where(api_tokens.c.token_id == bindparam("token_id"))


@cache
def _behind() -> Select[Any]:
    chosen = _found().join(refresh_families, refresh_families.c.token_id == api_tokens.c.token_id)
    good = refresh_families.c.revoked_at.is_(None) & (refresh_families.c.ends_at > database_now())
    return chosen.where(refresh_families.c.family_id == bindparam("family_id"), good)


def _found() -> Select[Any]:
    moment = database_now()
    return (
        select(
            api_tokens.c.token_id,
            api_tokens.c.name.label("token_name"),
            api_tokens.c.secret_hash,
            api_tokens.c.actions,
            api_tokens.c.sources,
            api_tokens.c.last_used_at,
            moment.label("moment"),
            *holder_columns(api_tokens.c.tenant),
        )
        .join(accounts, accounts.c.account_id == api_tokens.c.account_id)
        .outerjoin(memberships, membership_in(api_tokens.c.tenant))
        .where(_good(moment), accounts.c.disabled_at.is_(None), not_dropped(api_tokens.c.tenant))
    )


def _found_token(row: Row[Any]) -> FoundToken:
    return FoundToken(
        row.token_id,
        row.token_name,
        row.secret_hash,
        holder(row),
        tuple(row.actions),
        None if row.sources is None else tuple(row.sources),
        row.last_used_at is None or row.moment - row.last_used_at >= USED_EVERY,
    )


def _token(row: Row[Any]) -> ApiToken:
    return ApiToken(
        **{name: getattr(row, name) for name in ApiToken.__slots__ if name not in {"owner", "actions", "sources"}},
        owner=row.owner or row.email or row.subject,
        actions=tuple(row.actions),
        sources=None if row.sources is None else tuple(row.sources),
    )
