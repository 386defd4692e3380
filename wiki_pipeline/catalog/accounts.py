"""Accounts: who can log in, what they are in which tenant, and their passwords, which only the one check reads."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Label,
    Row,
    ScalarSelect,
    delete,
    func,
    insert,
    select,
    update,
)

from wiki_pipeline.catalog.access_tables import (
    accounts,
    api_tokens,
    group_members,
    groups,
    memberships,
    password_links,
    passwords,
    refresh_families,
    sessions,
)
from wiki_pipeline.catalog.database import Database, now, upsert
from wiki_pipeline.catalog.tenant_states import refuse_dropped

CLAIMS, PEOPLE = "claims", "people"
"""Where a role or a membership in a group is from: of the provider, at each login anew; or given by somebody."""
_BETWEEN = "\x1f"  # names of groups hold no control characters


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can log in.

    Attributes:
        issuer, subject: who it is, by whom; `local` for accounts with a password.
        operator: looks after the installation, in all tenants.
        disabled_at: since when nothing of theirs opens anything; None: it does.
    """

    account_id: str
    issuer: str
    subject: str
    name: str
    email: str
    email_verified: bool
    operator: bool
    created_at: datetime
    last_login_at: datetime | None
    disabled_at: datetime | None

    @property
    def title(self) -> str:
        """How people call it."""
        return self.name or self.email or self.subject


@dataclass(frozen=True, slots=True)
class Member:
    """An account in a tenant.

    Attributes:
        role: there; empty for an operator who is no member.
        origin: `CLAIMS` or `PEOPLE`.
    """

    account: Account
    tenant: str
    role: str
    origin: str
    groups: frozenset[str]


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose a session or token is, as it stands at this moment.

    Attributes:
        role: in the tenant; empty: none.
        groups: of the tenant.
    """

    account_id: str
    name: str
    tenant: str
    role: str
    operator: bool
    groups: frozenset[str]


class Accounts:
    """The catalog's accounts. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, account_id: str) -> Account | None:
        """One account."""
        return self._one(accounts.c.account_id == account_id)

    def by_subject(self, issuer: str, subject: str) -> Account | None:
        """Who an issuer's subject is."""
        return self._one((accounts.c.issuer == issuer) & (accounts.c.subject == subject))

    def named(self, name: str) -> Sequence[Account]:
        """Whom somebody means on the command line: by id, subject or address."""
        means = (accounts.c.account_id == name) | (accounts.c.subject == name) | (accounts.c.email == name.casefold())
        with self._database.read() as connection:
            return [_account(row) for row in connection.execute(select(accounts).where(means).limit(20))]

    def seen(self, issuer: str, subject: str, name: str, email: str, *, verified: bool) -> Account:
        """The account of a subject, made if it is new, with what its issuer says of it now. Its role is no business of
        this."""
        said = {"name": name, "email": email.casefold(), "email_verified": verified}
        with self._database.write() as connection:
            moment = now(connection)
            made = upsert(connection, accounts).values(
                account_id=uuid.uuid4().hex,
                issuer=issuer,
                subject=subject,
                operator=False,
                created_at=moment,
                **said,
            )
            made = made.on_conflict_do_update(index_elements=["issuer", "subject"], set_=said)
            return _account(connection.execute(made.returning(accounts)).one())

    def set_operator(self, account_id: str, *, operator: bool) -> None:
        """Have an account look after the installation, or no more."""
        with self._database.write() as connection:
            connection.execute(update(accounts).where(accounts.c.account_id == account_id).values(operator=operator))

    def set_disabled(self, account_id: str, *, disabled: bool) -> bool:
        """Disable an account: its sessions and tokens end for good. Or enable it: it can log in again. False: there is
        none."""
        with self._database.write() as connection:
            moment = now(connection)
            mine = update(accounts).where(accounts.c.account_id == account_id)
            found = connection.execute(mine.values(disabled_at=moment if disabled else None)).rowcount > 0
            if disabled:
                end_credentials(connection, account_id, moment)
            return found

    def set_role(self, account_id: str, tenant: str, role: str, origin: str = PEOPLE) -> None:
        """Make an account a member of a tenant, or change its role there; without a role it is a member no more and in
        none of its groups.

        Raises:
            NotAllowedError: the tenant is being dropped, or was.
        """
        with self._database.write() as connection:
            if not role:
                for table in (memberships, group_members):
                    connection.execute(delete(table).where(table.c.account_id == account_id, table.c.tenant == tenant))
                return
            refuse_dropped(connection, tenant)
            said = {"role": role, "origin": origin}
            made = upsert(connection, memberships).values(account_id=account_id, tenant=tenant, **said)
            connection.execute(made.on_conflict_do_update(index_elements=["account_id", "tenant"], set_=said))

    def tenants(self, account_id: str) -> dict[str, str]:
        """Its roles by tenant."""
        chosen = select(memberships.c.tenant, memberships.c.role).where(memberships.c.account_id == account_id)
        with self._database.read() as connection:
            return {row.tenant: row.role for row in connection.execute(chosen.order_by(memberships.c.tenant))}

    def members(self, tenant: str) -> Sequence[Member]:
        """The tenant's members, by name."""
        chosen = (
            select(accounts, memberships.c.role, memberships.c.origin, groups_of(tenant))
            .join(memberships, memberships.c.account_id == accounts.c.account_id)
            .where(memberships.c.tenant == tenant)
        )
        with self._database.read() as connection:
            return [_member(row, tenant) for row in connection.execute(chosen.order_by(accounts.c.name))]

    def operators(self) -> Sequence[Account]:
        """Who looks after the installation."""
        with self._database.read() as connection:
            chosen = select(accounts).where(accounts.c.operator).order_by(accounts.c.name)
            return [_account(row) for row in connection.execute(chosen)]

    def admins(self, tenant: str, but: str) -> int:
        """How many admins and operators could look after a tenant if one account could not."""
        able = accounts.c.disabled_at.is_(None) & (accounts.c.account_id != but)
        member = select(memberships.c.account_id).where(memberships.c.tenant == tenant, memberships.c.role == "admin")
        chosen = select(func.count()).where(able, accounts.c.operator | accounts.c.account_id.in_(member))
        with self._database.read() as connection:
            return connection.execute(chosen).scalar_one()

    # --- passwords ---

    def password(self, subject: str) -> tuple[Account, str] | None:
        """A local account that is not disabled, with the hash of its password; None if there is none or it has none."""
        chosen = select(accounts, passwords.c.hash).join(passwords, passwords.c.account_id == accounts.c.account_id)
        local = (accounts.c.issuer == "local") & (accounts.c.subject == subject) & accounts.c.disabled_at.is_(None)
        with self._database.read() as connection:
            row = connection.execute(chosen.where(local)).one_or_none()
        return None if row is None else (_account(row), row.hash)

    def add_link(self, secret_hash: str, account_id: str, lasts: timedelta) -> datetime:
        """Keep a link that sets an account's password once; earlier ones are good no more. Returns until when."""
        with self._database.write() as connection:
            connection.execute(delete(password_links).where(password_links.c.account_id == account_id))
            ends = now(connection) + lasts
            connection.execute(
                insert(password_links).values(secret_hash=secret_hash, account_id=account_id, expires_at=ends)
            )
            return ends

    def of_link(self, secret_hash: str) -> Account | None:
        """Whose password a link would set; None if it is not good (any more)."""
        with self._database.read() as connection:
            good = (password_links.c.secret_hash == secret_hash) & (password_links.c.expires_at > now(connection))
            mine = select(password_links.c.account_id).where(good)
            able = accounts.c.disabled_at.is_(None)
            row = connection.execute(select(accounts).where(accounts.c.account_id.in_(mine), able)).one_or_none()
        return None if row is None else _account(row)

    def set_password(self, secret_hash: str, password_hash: str) -> Account | None:
        """Use a link up: the password is set, and the account's sessions and tokens end. None if it is not good."""
        with self._database.write() as connection:
            moment = now(connection)
            good = (password_links.c.secret_hash == secret_hash) & (password_links.c.expires_at > moment)
            used = connection.execute(delete(password_links).where(good).returning(password_links.c.account_id))
            account_id = used.scalar_one_or_none()
            if account_id is None:
                return None
            said = {"hash": password_hash, "changed_at": moment}
            made = upsert(connection, passwords).values(account_id=account_id, **said)
            connection.execute(made.on_conflict_do_update(index_elements=["account_id"], set_=said))
            end_credentials(connection, account_id, moment)
            return _account(connection.execute(select(accounts).where(accounts.c.account_id == account_id)).one())

    def rehash(self, account_id: str, before: str, password_hash: str) -> None:
        """Keep the same password by stronger parameters, unless it was changed meanwhile."""
        with self._database.write() as connection:
            mine = (passwords.c.account_id == account_id) & (passwords.c.hash == before)
            connection.execute(update(passwords).where(mine).values(hash=password_hash))

    def _one(self, condition: ColumnElement[bool]) -> Account | None:
        with self._database.read() as connection:
            row = connection.execute(select(accounts).where(condition)).one_or_none()
        return None if row is None else _account(row)


class Groups:
    """The catalog's groups: names, of a tenant, for some of its members. Whatever adds to those of a tenant that is
    being dropped, or was, raises NotAllowedError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, tenant: str) -> dict[str, int]:
        """How many members each group of a tenant has."""
        of_group = (group_members.c.tenant == groups.c.tenant) & (group_members.c.name == groups.c.name)
        counted = func.count(group_members.c.account_id.distinct())
        chosen = select(groups.c.name, counted.label("members")).outerjoin(group_members, of_group)
        chosen = chosen.where(groups.c.tenant == tenant).group_by(groups.c.name).order_by(groups.c.name)
        with self._database.read() as connection:
            return {row.name: row.members for row in connection.execute(chosen)}

    def add(self, tenant: str, name: str) -> None:
        """Add a group; one that is there stays."""
        with self._database.write() as connection:
            _add_groups(connection, tenant, [name])

    def remove(self, tenant: str, name: str) -> bool:
        """Remove a group with its memberships. False: there is none."""
        with self._database.write() as connection:
            gone = delete(groups).where(groups.c.tenant == tenant, groups.c.name == name)
            return connection.execute(gone).rowcount > 0

    def put(self, tenant: str, name: str, account_id: str) -> None:
        """Put an account into a group, which is made where it is missing."""
        with self._database.write() as connection:
            _add_groups(connection, tenant, [name])
            row = {"tenant": tenant, "name": name, "account_id": account_id, "origin": PEOPLE}
            key = ["tenant", "name", "account_id"]
            made = upsert(connection, group_members).values(**row)
            connection.execute(made.on_conflict_do_update(index_elements=key, set_={"origin": PEOPLE}))

    def take(self, tenant: str, name: str, account_id: str) -> bool:
        """Take an account out of a group. False: it was not in it."""
        with self._database.write() as connection:
            mine = (group_members.c.name == name) & (group_members.c.account_id == account_id)
            gone = delete(group_members).where(mine, group_members.c.tenant == tenant)
            return connection.execute(gone).rowcount > 0

    def claimed(self, account_id: str, tenant: str, names: Iterable[str]) -> None:
        """Replace the groups that a provider's claims put an account into; those that people put it into stay."""
        wanted = sorted(set(names))
        with self._database.write() as connection:
            mine = (group_members.c.account_id == account_id) & (group_members.c.tenant == tenant)
            connection.execute(delete(group_members).where(mine, group_members.c.origin == CLAIMS))
            if wanted:
                _add_groups(connection, tenant, wanted)
                rows = [{"tenant": tenant, "name": name, "account_id": account_id, "origin": CLAIMS} for name in wanted]
                connection.execute(upsert(connection, group_members).on_conflict_do_nothing(), rows)


def holder_columns(tenant: ColumnElement[str]) -> list[ColumnElement[Any]]:
    """What a query has to select, of `accounts` and `memberships` joined, for `holder`."""
    mine = (group_members.c.account_id == accounts.c.account_id) & (group_members.c.tenant == tenant)
    named = _joined().where(mine).correlate(accounts, *_tables_of(tenant)).scalar_subquery()
    title = func.coalesce(func.nullif(accounts.c.name, ""), func.nullif(accounts.c.email, ""), accounts.c.subject)
    role = func.coalesce(memberships.c.role, "")
    return [
        accounts.c.account_id,
        title.label("title"),
        role.label("role"),
        accounts.c.operator,
        tenant.label("tenant"),
        named.label("group_names"),
    ]


def holder(row: Row[Any]) -> Holder:
    """Whose it is."""
    return Holder(row.account_id, row.title, row.tenant, row.role, row.operator, _names(row.group_names))


def membership_in(tenant: ColumnElement[str]) -> ColumnElement[bool]:
    """How to join the membership of an account in a tenant."""
    return (memberships.c.account_id == accounts.c.account_id) & (memberships.c.tenant == tenant)


def groups_of(tenant: str) -> Label[Any]:
    """The names of an account's groups in a tenant."""
    mine = (group_members.c.account_id == accounts.c.account_id) & (group_members.c.tenant == tenant)
    named: ScalarSelect[Any] = _joined().where(mine).correlate(accounts).scalar_subquery()
    return named.label("group_names")


def end_credentials(connection: Connection, account_id: str, moment: datetime, but: str = "") -> int:
    """End the sessions (but one), API tokens and all that came of them. Returns how many sessions there were."""
    mine = select(api_tokens.c.token_id).where(api_tokens.c.account_id == account_id)
    families = update(refresh_families).where(refresh_families.c.token_id.in_(mine))
    connection.execute(families.where(refresh_families.c.revoked_at.is_(None)).values(revoked_at=moment))
    tokens = update(api_tokens).where(api_tokens.c.account_id == account_id, api_tokens.c.revoked_at.is_(None))
    connection.execute(tokens.values(revoked_at=moment))
    return end_sessions(connection, account_id, moment, but)


def end_sessions(connection: Connection, account_id: str, moment: datetime, but: str = "") -> int:
    """End the sessions (but one)."""
    open_ = (sessions.c.account_id == account_id) & sessions.c.revoked_at.is_(None) & (sessions.c.session_id != but)
    return connection.execute(update(sessions).where(open_).values(revoked_at=moment, logout_hint="")).rowcount


def _joined() -> Any:
    return select(func.aggregate_strings(group_members.c.name, _BETWEEN))


def _tables_of(tenant: ColumnElement[str]) -> list[Any]:
    table = getattr(tenant, "table", None)
    return [] if table is None else [table]


def _names(joined: str | None) -> frozenset[str]:
    return frozenset(joined.split(_BETWEEN)) if joined else frozenset()


def _add_groups(connection: Connection, tenant: str, names: Iterable[str]) -> None:
    refuse_dropped(connection, tenant)
    rows = [{"tenant": tenant, "name": name} for name in names]
    connection.execute(upsert(connection, groups).on_conflict_do_nothing(), rows)


def _account(row: Row[Any]) -> Account:
    return Account(**{name: getattr(row, name) for name in Account.__slots__})


def _member(row: Row[Any], tenant: str) -> Member:
    return Member(_account(row), tenant, row.role, row.origin, _names(row.group_names))
