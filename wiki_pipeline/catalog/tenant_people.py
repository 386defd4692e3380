"""What a dropped tenant takes with it of people: what they are in it, what opens it, and who was in no other."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, case, delete, func, or_, select, union, update

from wiki_pipeline.catalog.access_tables import (
    accounts,
    api_tokens,
    group_members,
    groups,
    invitations,
    login_attempts,
    memberships,
    password_links,
    passwords,
    sessions,
)
from wiki_pipeline.catalog.tables import tenants
from wiki_pipeline.catalog.tenant_states import TenantState, not_dropped

_AT_ONCE = 500
_LOCAL = "local"
_IN_TENANTS = (memberships, group_members, api_tokens, sessions)


def forget_people_of(connection: Connection, tenant: str) -> int:
    """Remove a tenant's members, groups, invitations and tokens, with the accounts that are in no other one. Sessions
    of those who are in another one go on there; other sessions end. Repeatable. Returns how many rows, without those
    below.

    The tenant has to be marked as being dropped before, so that nothing comes in meanwhile.
    """
    theirs = union(*(select(table.c.account_id).where(table.c.tenant == tenant) for table in _IN_TENANTS))
    ids = sorted(connection.execute(theirs).scalars())
    portions = [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
    for some in portions:  # whoever makes one of them a member elsewhere waits, or was first and is seen below
        chosen = select(accounts.c.account_id).where(accounts.c.account_id.in_(some)).order_by(accounts.c.account_id)
        connection.execute(chosen.with_for_update()).all()

    invited = select(invitations.c.secret_hash).where(invitations.c.tenant == tenant)
    gone = connection.execute(delete(login_attempts).where(login_attempts.c.invitation_hash.in_(invited))).rowcount
    for table in (invitations, group_members, groups, memberships, api_tokens):
        gone += connection.execute(delete(table).where(table.c.tenant == tenant)).rowcount
    home = _other_tenant()
    moved = update(sessions).where(sessions.c.tenant == tenant, home.is_not(None))
    connection.execute(moved.values(tenant=home))
    gone += connection.execute(delete(sessions).where(sessions.c.tenant == tenant)).rowcount
    return gone + sum(_forget_accounts(connection, some) for some in portions)


def _forget_accounts(connection: Connection, ids: Sequence[str]) -> int:
    """Remove those of some accounts of which no tenant has anything (any more). Of one that was
    disabled stays who it is, and nothing else: its provider would vouch for it again, and it would come in by another
    tenant's door."""
    mine = (select(table.c.account_id).where(table.c.account_id == accounts.c.account_id) for table in _IN_TENANTS)
    elsewhere = or_(*(each.exists() for each in mine))
    alone = accounts.c.account_id.in_(ids) & ~accounts.c.operator & ~elsewhere
    barred = accounts.c.disabled_at.is_not(None) & (accounts.c.issuer != _LOCAL)
    gone = connection.execute(delete(accounts).where(alone, ~barred)).rowcount
    kept = list(connection.execute(select(accounts.c.account_id).where(alone, barred)).scalars())
    for table in (passwords, password_links):
        connection.execute(delete(table).where(table.c.account_id.in_(kept)))
    nameless = {"name": "", "email": "", "email_verified": False}
    connection.execute(update(accounts).where(accounts.c.account_id.in_(kept)).values(**nameless))
    return gone


def _other_tenant() -> ColumnElement[str]:
    """Where a session goes on: in its account's tenant that was added first; an operator's, in any. Null: nowhere."""
    own = (
        select(memberships.c.tenant)
        .outerjoin(tenants, tenants.c.tenant == memberships.c.tenant)
        .where(memberships.c.account_id == sessions.c.account_id, not_dropped(memberships.c.tenant))
        .order_by(tenants.c.created_at, memberships.c.tenant)
        .limit(1)
        .correlate(sessions)
        .scalar_subquery()
    )
    oldest = select(tenants.c.tenant).where(tenants.c.state == TenantState.ACTIVE.value)
    oldest = oldest.order_by(tenants.c.created_at, tenants.c.tenant).limit(1)
    operator = select(accounts.c.account_id).where(accounts.c.account_id == sessions.c.account_id, accounts.c.operator)
    any_ = case((operator.correlate(sessions).exists(), oldest.scalar_subquery()))
    return func.coalesce(own, any_)
