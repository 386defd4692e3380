"""Whether a tenant is served: for those who let somebody in, or write rows that must not come after its dropping."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, exists, select

from wiki_pipeline.catalog.tables import tenants
from wiki_pipeline.errors import NotAllowedError


class TenantState(StrEnum):
    """Where a tenant stands. `DROPPED` is a tombstone: nothing of it is left but its name."""

    ACTIVE = "active"
    DROPPING = "dropping"
    DROPPED = "dropped"


def not_dropped(tenant: ColumnElement[str]) -> ColumnElement[bool]:
    """That a column's tenant is neither being dropped nor a tombstone."""
    others = tenants.alias()  # whatever else the query asks of the table
    return ~exists().where(others.c.tenant == tenant, others.c.state != TenantState.ACTIVE.value)


def refuse_dropped(connection: Connection, tenant: str) -> None:
    """Refuse to write rows of a tenant that is being dropped. On PostgreSQL who begins to drop it waits for this
    transaction, so that it finds its rows.

    Raises:
        NotAllowedError: it is.
    """
    state = select(tenants.c.state).where(tenants.c.tenant == tenant).with_for_update(read=True)
    if connection.execute(state).scalar_one_or_none() not in {None, TenantState.ACTIVE.value}:
        raise NotAllowedError(f"The tenant {tenant} is not served any more.", "Choose another.")
