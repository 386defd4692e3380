"""Rows of people, on both databases: what opens something does so once, in time, and not any more when it is ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from wiki_pipeline.catalog import CLAIMS, Account, AuditEntry, Catalog, LoginAttempt
from wiki_pipeline.catalog.access_tables import login_failures
from wiki_pipeline.errors import CatalogError

HOUR = timedelta(hours=1)
GONE = timedelta(seconds=-1)


def somebody(catalog: Catalog, subject: str = "ada", role: str = "reader", tenant: str = "default") -> Account:
    account = catalog.accounts.seen(
        "https://id.example", subject, subject.title(), f"{subject}@example.org", verified=True
    )
    if role:
        catalog.accounts.set_role(account.account_id, tenant, role)
    return account


def open_session(
    catalog: Catalog, account: Account, secret: str = "s", *, idle: timedelta = HOUR, lasts: timedelta = HOUR
) -> str:
    return catalog.sessions.open(
        secret,
        account.account_id,
        "default",
        provider="p",
        address="10.0.0.1",
        agent="x",
        logout_hint="h",
        idle=idle,
        lasts=lasts,
    )


def add_token(catalog: Catalog, account: Account, token_id: str = "t", lasts: timedelta | None = None) -> None:
    catalog.api_tokens.add(
        token_id,
        "hash",
        "abcd",
        account.account_id,
        tenant="default",
        name="ci",
        actions=["read"],
        sources=None,
        lasts=lasts,
    )


def test_an_account_is_its_issuer_s_subject_whatever_its_address(catalog: Catalog) -> None:
    one = somebody(catalog)
    moved = catalog.accounts.seen(one.issuer, one.subject, "Ada L.", "lovelace@example.org", verified=False)
    assert moved.account_id == one.account_id
    assert (moved.name, moved.email, moved.email_verified) == ("Ada L.", "lovelace@example.org", False)
    other = catalog.accounts.seen("https://other.example", one.subject, "Ada", "lovelace@example.org", verified=True)
    assert other.account_id != one.account_id
    assert {account.account_id for account in catalog.accounts.named("lovelace@example.org")} == {
        one.account_id,
        other.account_id,
    }


def test_a_session_says_who_and_what_they_are_at_this_moment(catalog: Catalog) -> None:
    account = somebody(catalog, role="editor")
    catalog.groups.put("default", "ops", account.account_id)
    catalog.groups.put("other", "secret", account.account_id)
    catalog.groups.claimed(account.account_id, "default", ["sre", "ops"])
    session_id = open_session(catalog, account)
    found = catalog.sessions.find("s")
    assert found is not None
    assert (found.session_id, found.holder.account_id, found.holder.role) == (session_id, account.account_id, "editor")
    assert found.holder.groups == {"ops", "sre"}
    assert not found.unseen
    catalog.accounts.set_role(account.account_id, "default", "admin", CLAIMS)
    catalog.groups.claimed(account.account_id, "default", [])
    again = catalog.sessions.find("s")
    assert again is not None
    assert (again.holder.role, again.holder.groups) == ("admin", frozenset({"ops"}))
    catalog.accounts.set_role(account.account_id, "default", "")
    without = catalog.sessions.find("s")
    assert without is not None
    assert (without.holder.role, without.holder.groups) == ("", frozenset())


@pytest.mark.parametrize(("idle", "lasts"), [(GONE, HOUR), (HOUR, GONE)])
def test_a_session_ends_by_rest_and_by_age(catalog: Catalog, idle: timedelta, lasts: timedelta) -> None:
    open_session(catalog, somebody(catalog), idle=idle, lasts=lasts)
    assert catalog.sessions.find("s") is None
    assert catalog.sessions.find("unknown") is None


def test_a_disabled_account_has_nothing_left_that_opens_anything(catalog: Catalog) -> None:
    account = somebody(catalog)
    open_session(catalog, account)
    add_token(catalog, account)
    catalog.api_tokens.begin_family("f", "t", "r0", HOUR)
    assert catalog.sessions.find("s")
    assert catalog.api_tokens.find("t")
    assert catalog.api_tokens.of_family("f")
    assert catalog.accounts.set_disabled(account.account_id, disabled=True)
    assert catalog.accounts.set_disabled(account.account_id, disabled=False)  # what has ended stays so
    assert catalog.sessions.find("s") is None
    assert catalog.api_tokens.find("t") is None
    assert catalog.api_tokens.of_family("f") is None
    assert not catalog.accounts.set_disabled("nobody", disabled=True)


def test_sessions_end_one_by_one_or_all_but_one(catalog: Catalog) -> None:
    account, other = somebody(catalog), somebody(catalog, "bea")
    ids = [open_session(catalog, account, secret) for secret in "abc"]
    open_session(catalog, other, "d")
    assert not catalog.sessions.end(other.account_id, ids[0])  # not theirs
    assert catalog.sessions.end(account.account_id, ids[0])
    assert catalog.sessions.end_all(account.account_id, but=ids[1]) == 1
    assert [session.session_id for session in catalog.sessions.list(account.account_id)] == [ids[1]]
    assert catalog.sessions.close("b") == "p h"
    assert catalog.sessions.close("b") == ""
    assert catalog.sessions.find("d") is not None
    assert catalog.sessions.came_from(account.account_id, "10.0.0.1")
    assert not catalog.sessions.came_from(account.account_id, "10.0.0.2")


def test_an_attempt_is_used_once_by_the_browser_that_began_it(catalog: Catalog) -> None:
    attempt = LoginAttempt("keycloak", "/wiki/a", "")
    catalog.sessions.begin("state", "binding", attempt, HOUR)
    assert catalog.sessions.take("state", "another browser") is None
    assert catalog.sessions.take("state", "binding") == attempt
    assert catalog.sessions.take("state", "binding") is None
    catalog.sessions.begin("late", "binding", attempt, GONE)
    assert catalog.sessions.take("late", "binding") is None


def test_a_refresh_token_is_good_once_and_a_second_time_ends_all(catalog: Catalog) -> None:
    account = somebody(catalog)
    add_token(catalog, account)
    catalog.api_tokens.begin_family("f", "t", "r0", HOUR)
    family, found = catalog.api_tokens.refresh("r0", "r1")
    assert family == "f"
    assert found is not None
    assert found.holder.account_id == account.account_id
    assert catalog.api_tokens.refresh("r0", "stolen") == ("f", None)
    assert catalog.api_tokens.refresh("r1", "r2") == ("f", None)
    assert catalog.api_tokens.of_family("f") is None
    assert catalog.api_tokens.find("t") is not None
    assert catalog.api_tokens.refresh("unknown", "r3") == ("", None)


def test_tokens_end_by_age_and_by_hand(catalog: Catalog) -> None:
    account = somebody(catalog)
    add_token(catalog, account, "old", GONE)
    add_token(catalog, account, "new", HOUR)
    assert catalog.api_tokens.find("old") is None
    assert [token.token_id for token in catalog.api_tokens.list("default")] == ["new"]
    assert not catalog.api_tokens.revoke("other", "new")
    assert not catalog.api_tokens.revoke("default", "new", "another account")
    assert catalog.api_tokens.revoke("default", "new", account.account_id)
    assert catalog.api_tokens.find("new") is None


def test_a_link_sets_a_password_once_and_ends_what_was_open(catalog: Catalog) -> None:
    account = catalog.accounts.seen("local", "ada", "Ada", "", verified=False)
    assert catalog.accounts.password("ada") is None
    open_session(catalog, account)
    catalog.accounts.add_link("first", account.account_id, HOUR)
    catalog.accounts.add_link("second", account.account_id, HOUR)
    assert catalog.accounts.of_link("first") is None
    found_by_link = catalog.accounts.of_link("second")
    assert found_by_link is not None
    assert found_by_link.account_id == account.account_id
    assert catalog.accounts.set_password("first", "hash") is None
    assert catalog.accounts.set_password("second", "hash") is not None
    assert catalog.accounts.set_password("second", "other") is None
    found = catalog.accounts.password("ada")
    assert found is not None
    assert found[1] == "hash"
    assert catalog.sessions.find("s") is None


def test_an_invitation_is_used_once(catalog: Catalog) -> None:
    made = catalog.invitations.add("secret", "default", "editor", "Ada@Example.org", "account x", HOUR)
    assert made.email == "ada@example.org"
    assert catalog.invitations.get("secret") == made
    assert catalog.invitations.use("secret") is not None
    assert catalog.invitations.use("secret") is None
    withdrawn = catalog.invitations.add("other", "default", "editor", "", "account x", HOUR)
    assert not catalog.invitations.withdraw("other", withdrawn.invitation_id)
    assert catalog.invitations.withdraw("default", withdrawn.invitation_id)
    assert catalog.invitations.use("other") is None


def test_keys_check_as_long_as_they_are_good(catalog: Catalog) -> None:
    catalog.signing_keys.add("old", {"kid": "old"}, GONE)
    catalog.signing_keys.add("one", {"kid": "one"}, HOUR)
    catalog.signing_keys.add("two", {"kid": "two"}, 2 * HOUR)
    assert [key["kid"] for key in catalog.signing_keys.public()] == ["two", "one"]


def test_failures_are_counted_by_key_and_forgotten_after_a_success(catalog: Catalog) -> None:
    for _ in range(3):
        catalog.login_failures.add(["account:a", "address:b"])
    catalog.login_failures.clear(["account:a"])
    counted = catalog.login_failures.counts(["account:a", "address:b", "address:c"])
    assert {key: count for key, (count, _) in counted.items()} == {"address:b": 3}


def test_failures_fade(catalog: Catalog) -> None:
    for _ in range(8):
        catalog.login_failures.add(["address:b"])
    with catalog._database.write() as connection:
        last = connection.execute(select(login_failures.c.last_at)).scalar_one()
        connection.execute(update(login_failures).values(last_at=last - timedelta(minutes=30)))
    catalog.login_failures.add(["address:b"])
    assert catalog.login_failures.counts(["address:b"])["address:b"][0] == 3  # a quarter of eight, and one


def test_the_audit_is_added_to_and_never_changed(catalog: Catalog) -> None:
    catalog.audit.record(*(AuditEntry("default", "account a", "login", str(number)) for number in range(5)))
    catalog.audit.record(AuditEntry("other", "account b", "logout"))
    page = catalog.audit.page("default", limit=2)
    assert [record.entry.object for record in page] == ["4", "3"]
    assert [record.entry.object for record in catalog.audit.page("default", before=page[-1].entry_id)] == [
        "2",
        "1",
        "0",
    ]
    assert len(list(catalog.audit.all(None))) == 6
    assert [record.entry.tenant for record in catalog.audit.all(None, action="logout")] == ["other"]
    with pytest.raises(CatalogError, match="not changed"), catalog._database.write() as connection:
        connection.execute(text("UPDATE audit SET actor = 'nobody'"))
    assert catalog.audit.expire(timedelta(days=1)) == 0
    assert catalog.audit.expire(GONE) == 6


def test_a_tenant_knows_how_many_could_look_after_it_without_somebody(catalog: Catalog) -> None:
    admin = somebody(catalog, role="admin")
    somebody(catalog, "bea", "reader")
    assert catalog.accounts.admins("default", but=admin.account_id) == 0
    operator = somebody(catalog, "oz", "")
    catalog.accounts.set_operator(operator.account_id, operator=True)
    assert catalog.accounts.admins("default", but=admin.account_id) == 1
    assert [account.account_id for account in catalog.accounts.operators()] == [operator.account_id]
    assert {member.account.name: member.role for member in catalog.accounts.members("default")} == {
        "Ada": "admin",
        "Bea": "reader",
    }
