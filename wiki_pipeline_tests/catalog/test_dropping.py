"""A dropped tenant leaves nothing but its name: every table of the catalog is filled for two tenants, and one goes.

A table that is new is filled too, so that nobody can forget to say what becomes of its rows.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Column, DateTime, Float, Integer, LargeBinary, Table, insert, select

from wiki_pipeline.catalog import PEOPLE, AuditEntry, Catalog
from wiki_pipeline.catalog.tables import metadata
from wiki_pipeline.errors import NotAllowedError

pytestmark = pytest.mark.security
HOUR = timedelta(hours=1)
OF_THE_INSTALLATION = {"clock", "schema_use", "login_failures", "signing_keys"}
# What a column has to hold where a word with the tenant's name in it would be none that the program writes.
SAID = {
    "leases.name": "source {t}:git:x",
    "alerts.problem": "sync {t}:git:x",
    "quota_caps.holder": "account:{t}:somebody",
    "tenants.state": "active",
    "accounts.issuer": "https://login.example.org",
    "login_attempts.invitation_hash": "invitations secret_hash of {t}",
    "*.tenant": "{t}",
    "*.source": "{t}:git:x",
}


def value(table: Table, column: Column[Any], tenant: str) -> Any:
    """What a row of a tenant has in a column."""
    said = SAID.get(f"{table.name}.{column.name}", SAID.get(f"*.{column.name}"))
    if said is not None:
        return said.format(t=tenant)
    if column.foreign_keys:
        (key,) = list(column.foreign_keys)[:1]
        return value(key.column.table, key.column, tenant)
    kind = column.type
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    made = {Boolean: False, Integer: 1, Float: 1.0, LargeBinary: f"{tenant}".encode(), JSON: []}
    for type_, one in made.items():
        if isinstance(kind, type_):
            return (1 if tenant == "acme" else 2) if type_ is Integer and column.primary_key else one
    if isinstance(getattr(kind, "impl", kind), DateTime):
        return None if column.nullable else moment
    return f"{table.name} {column.name} of {tenant}"


def fill(catalog: Catalog, tenant: str) -> None:
    with catalog._database.write() as connection:
        for table in metadata.sorted_tables:
            if table.name not in OF_THE_INSTALLATION:
                row = {column.name: value(table, column, tenant) for column in table.columns}
                connection.execute(insert(table).values({table.columns[_key(table, n)]: v for n, v in row.items()}))


def _key(table: Table, name: str) -> str:
    return next(column.key for column in table.columns if column.name == name)


def rows(catalog: Catalog) -> dict[str, list[str]]:
    with catalog._database.read() as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for table in metadata.sorted_tables
            if table.name not in OF_THE_INSTALLATION
        }


def drop(catalog: Catalog, tenant: str) -> None:
    """As `sync.tenants.drop`, without what is not in the catalog."""
    catalog.tenancy.begin_drop(tenant)
    catalog.tenancy.stop(tenant)
    catalog.tenancy.forget_rows(tenant)
    catalog.secrets.destroy(tenant)
    catalog.tenancy.forget_rows(tenant)
    catalog.tenancy.end_drop(tenant, "command line")


def test_nothing_of_a_dropped_tenant_is_left_in_any_table(catalog: Catalog) -> None:
    fill(catalog, "globex")
    before = rows(catalog)
    fill(catalog, "acme")
    both = rows(catalog)
    assert all(len(both[name]) == 2 for name in before), "a table that is not filled shows nothing"

    drop(catalog, "acme")

    left = rows(catalog)
    stones = {name: [row for row in left[name] if "acme" in row] for name in left}
    assert {name for name, found in stones.items() if found} == {"tenants", "audit"}
    assert [len(stones[name]) for name in ("tenants", "audit")] == [1, 1]
    assert {name: [row for row in found if "acme" not in row] for name, found in left.items()} == before
    (entry,) = catalog.audit.all("acme")
    assert entry.entry == AuditEntry("acme", "command line", "tenant.drop", "tenant acme")


def somebody(catalog: Catalog, name: str, *tenants: str) -> str:
    account = catalog.accounts.seen("https://login.example.org", name, name, f"{name}@example.org", verified=True)
    for tenant in tenants:
        catalog.accounts.set_role(account.account_id, tenant, "reader", PEOPLE)
        catalog.groups.put(tenant, "ops", account.account_id)
    return account.account_id


def enter(catalog: Catalog, secret: str, account: str, tenant: str) -> None:
    facts = {"provider": "idp", "address": "10.0.0.1", "agent": "", "logout_hint": ""}
    catalog.sessions.open(secret, account, tenant, **facts, idle=HOUR, lasts=HOUR)


def test_a_dropping_lets_nobody_in_from_its_first_step_on(catalog: Catalog) -> None:
    for tenant in ("acme", "globex"):
        catalog.tenancy.add(tenant)
    ana, bea = somebody(catalog, "ana", "acme"), somebody(catalog, "bea", "acme", "globex")
    oz, eve = somebody(catalog, "oz"), somebody(catalog, "eve", "acme")
    catalog.accounts.set_operator(oz, operator=True)
    catalog.accounts.set_disabled(eve, disabled=True)
    for name, account in {"ana": ana, "bea": bea, "oz": oz}.items():
        enter(catalog, name, account, "acme")
    for tenant in ("acme", "globex"):
        catalog.api_tokens.add(
            f"of {tenant}", "hash", "last", bea, tenant=tenant, name="ci", actions=["read"], sources=None, lasts=HOUR
        )
        catalog.api_tokens.begin_family(f"family of {tenant}", f"of {tenant}", f"refresh of {tenant}", HOUR)
    catalog.invitations.add("invited", "acme", "reader", "", "ana", HOUR)

    catalog.tenancy.begin_drop("acme")

    assert catalog.sessions.find("ana") is None
    assert catalog.accounts.get(ana) is None
    moved = [catalog.sessions.find(name) for name in ("bea", "oz")]
    assert [each.holder.tenant for each in moved if each] == ["globex", "globex"]
    assert [each.holder.role for each in moved if each] == ["reader", ""]
    assert catalog.accounts.tenants(bea) == {"globex": "reader"}
    assert catalog.api_tokens.find("of acme") is None
    assert catalog.api_tokens.of_family("family of acme") is None
    assert catalog.api_tokens.refresh("refresh of acme", "next") == ("", None)
    assert catalog.api_tokens.find("of globex") is not None
    assert catalog.api_tokens.of_family("family of globex") is not None
    assert catalog.invitations.get("invited") is None
    assert (catalog.groups.list("acme"), catalog.groups.list("globex")) == ({}, {"ops": 1})
    barred = catalog.accounts.get(eve)  # else its provider would vouch for it again, in another tenant
    assert barred is not None
    assert (barred.name, barred.email, barred.disabled_at is not None) == ("", "", True)
    for again in (
        lambda: enter(catalog, "again", bea, "acme"),
        lambda: catalog.sessions.move("bea", "acme"),
        lambda: catalog.accounts.set_role(bea, "acme", "admin"),
        lambda: catalog.groups.put("acme", "ops", bea),
        lambda: catalog.groups.claimed(bea, "acme", ["ops"]),
        lambda: catalog.invitations.add("late", "acme", "reader", "", "ana", HOUR),
        lambda: catalog.api_tokens.add(
            "late", "hash", "last", bea, tenant="acme", name="ci", actions=["read"], sources=None, lasts=HOUR
        ),
    ):
        with pytest.raises(NotAllowedError, match="not served any more"):
            again()


def test_a_backup_opens_nothing_that_was_open(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> None:
    fill(catalog, "acme")
    opening = {"sessions", "login_attempts", "refresh_families", "refresh_tokens", "password_links"}
    before = rows(catalog)
    path = tmp_path_factory.mktemp("restored") / "catalog.sqlite"
    with Catalog(f"sqlite:///{path}") as restored:
        restored.restore(catalog.dump())
        after = rows(restored)
    assert {name for name in before if before[name] and not after[name]} == opening | {"leases"}
    assert {name for name in before if len(before[name]) == len(after[name])} == set(before) - opening - {"leases"}
