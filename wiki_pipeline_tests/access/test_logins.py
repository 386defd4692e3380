"""Logging in by a provider over real HTTP: what holds, what is refused, and what somebody is here afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from wiki_pipeline.access import Role, secrets
from wiki_pipeline.access.actors import command_line
from wiki_pipeline.access.logins import LoggedIn, Logins, Visitor
from wiki_pipeline.access.people import People
from wiki_pipeline.access.settings import AccessSettings
from wiki_pipeline.catalog import Catalog, LoginAttempt
from wiki_pipeline.errors import ConfigurationError, LoginError, ThrottledError
from wiki_pipeline.settings import load
from wiki_pipeline_tests.access.conftest import provider, settings
from wiki_pipeline_tests.access.issuer import BAD, Issuer

pytestmark = [pytest.mark.integration, pytest.mark.security]

BACK = "http://localhost:8080/login/company/callback"
VISITOR = Visitor("10.0.0.1", "Firefox")


class House:
    """An installation with its browsers."""

    def __init__(self, catalog: Catalog, chosen: AccessSettings) -> None:
        self.catalog = catalog
        self.people = People(catalog, chosen, "wiki-pipeline")
        self.logins = Logins(catalog, chosen, self.people.credentials)

    def begin(self, invitation: str = "", name: str = "company") -> tuple[str, str]:
        """Where a browser is sent, and its cookie."""
        hashed = secrets.hashed(invitation) if invitation else ""
        attempt = LoginAttempt(name, "/wiki/here", hashed)
        address, _, binding = asyncio.run(self.logins.begin(name, BACK.replace("company", name), attempt, "10.0.0.1"))
        return address, binding

    def answered(self, address: str) -> dict[str, str]:
        """What the provider sends the browser back with."""
        return dict(parse_qsl(urlsplit(httpx.get(address).headers["location"]).query))

    def finish(self, answer: dict[str, str], binding: str, name: str = "company") -> LoggedIn:
        return asyncio.run(self.logins.finish(name, answer, binding, BACK.replace("company", name), VISITOR))

    def log_in(self, invitation: str = "", name: str = "company") -> LoggedIn:
        address, binding = self.begin(invitation, name)
        return self.finish(self.answered(address), binding, name)

    def role(self, done: LoggedIn) -> str:
        visit = self.people.credentials.session(done.secret)
        assert visit is not None
        return visit.principal.role.value if visit.principal.scope.actions else ""


@pytest.fixture
def house(catalog: Catalog, issuer: Issuer, tmp_path: Path) -> House:
    return House(catalog, settings(issuer, tmp_path, default_role="reader"))


def test_whoever_the_provider_vouches_for_is_logged_in(house: House) -> None:
    done = house.log_in()
    assert done.next == "/wiki/here"
    assert (done.account.name, done.account.email, done.account.email_verified) == (
        "Ada Lovelace",
        "ada@example.org",
        True,
    )
    visit = house.people.credentials.session(done.secret)
    assert visit is not None
    assert visit.principal.role is Role.READER
    assert [entry.entry.action for entry in house.catalog.audit.page(None)][:2] == ["login", "role.change"]


@pytest.mark.parametrize("bad", BAD)
def test_a_token_that_is_not_meant_for_us_logs_nobody_in(house: House, issuer: Issuer, bad: str) -> None:
    house.log_in()
    issuer.bad = bad
    with pytest.raises(LoginError) as refused:
        house.log_in()
    assert "ada@example.org" not in str(refused.value)
    assert house.catalog.audit.page(None, limit=1)[0].entry.result.startswith("refused")
    issuer.bad = ""
    house.log_in()


def test_a_new_key_is_fetched_and_an_old_one_is_over(house: House, issuer: Issuer) -> None:
    house.log_in()
    issuer.rotate()
    house.logins.providers["company"]._keys_at -= 60  # type: ignore[union-attr]
    house.log_in()
    fetched = issuer.asked.count("/jwks")
    issuer.bad = "old key"
    for _ in range(5):
        with pytest.raises(LoginError, match="does not publish"):
            house.log_in()
    assert issuer.asked.count("/jwks") <= fetched + 1


def test_an_answer_is_good_once_and_only_in_the_browser_that_asked(house: House) -> None:
    address, binding = house.begin()
    answer = house.answered(address)
    for stolen in ("", "x", secrets.made()):
        with pytest.raises(LoginError, match="not begun in this browser"):
            house.finish(answer, stolen)
    house.finish(answer, binding)
    with pytest.raises(LoginError, match="not begun in this browser"):
        house.finish(answer, binding)


def test_a_code_of_another_login_does_not_fit(house: House) -> None:
    (mine, binding), (theirs, _) = house.begin(), house.begin()
    answer, other = house.answered(mine), house.answered(theirs)
    with pytest.raises(LoginError, match="invalid_grant"):  # PKCE: the verifier is this browser's
        house.finish({**answer, "code": other["code"]}, binding)


def test_two_tabs_log_in_side_by_side(house: House) -> None:
    tabs = [house.begin() for _ in range(3)]
    answers = [house.answered(address) for address, _ in tabs]
    for (_, binding), answer in reversed(list(zip(tabs, answers, strict=True))):
        house.finish(answer, binding)


@pytest.mark.parametrize("iss", ["https://elsewhere.example", ""])
def test_an_answer_of_another_issuer_is_refused(house: House, issuer: Issuer, iss: str) -> None:
    issuer.answer = {"iss": iss}
    with pytest.raises(LoginError, match="not from"):
        house.log_in()


def test_a_discovery_document_of_another_issuer_is_refused(house: House, issuer: Issuer) -> None:
    issuer.metadata = {"issuer": "https://elsewhere.example"}
    with pytest.raises(LoginError, match="another issuer"):
        house.begin()


def test_a_provider_that_is_down_is_said_so(house: House, issuer: Issuer) -> None:
    issuer.down = True
    with pytest.raises(LoginError, match="503"):
        house.begin()


def test_who_turns_back_is_not_logged_in(house: House) -> None:
    address, binding = house.begin()
    answer = house.answered(address)
    with pytest.raises(LoginError, match="did not let you in"):
        house.finish({"state": answer["state"], "iss": answer["iss"], "error": "access_denied"}, binding)


@pytest.mark.parametrize(
    ("claims", "more", "verified"),
    [
        ({"email_verified": False}, {}, None),
        ({"email_verified": "false"}, {"trusts_addresses": True}, None),
        ({"email_verified": None}, {}, False),
        ({"email_verified": None}, {"trusts_addresses": True}, True),
        ({"email_verified": None}, {"domains": ["example.org"]}, None),
        ({}, {"domains": ["example.org"]}, True),
        ({}, {"domains": ["example.com"]}, None),
        ({"email": "ada@example.org.evil.example"}, {"domains": ["example.org"]}, None),
    ],
)
def test_addresses_are_believed_as_far_as_they_are_vouched_for(
    catalog: Catalog,
    issuer: Issuer,
    tmp_path: Path,
    claims: dict[str, Any],
    more: dict[str, Any],
    verified: bool | None,
) -> None:
    house = House(catalog, settings(issuer, tmp_path, default_role="reader", **more))
    issuer.claims = {name: value for name, value in {**issuer.claims, **claims}.items() if value is not None}
    if verified is None:
        with pytest.raises(LoginError):
            house.log_in()
    else:
        assert house.log_in().account.email_verified is verified


def test_nobody_becomes_another_by_an_address(house: House, issuer: Issuer) -> None:
    ada = house.log_in().account
    issuer.claims = {**issuer.claims, "sub": "mallory"}
    mallory = house.log_in().account
    assert mallory.email == ada.email
    assert mallory.account_id != ada.account_id


def test_who_has_no_access_leaves_nothing_behind(catalog: Catalog, issuer: Issuer, tmp_path: Path) -> None:
    house = House(catalog, settings(issuer, tmp_path))
    with pytest.raises(LoginError, match="no access"):
        house.log_in()
    assert catalog.accounts.by_subject(issuer.url, "ada") is None


def test_an_invitation_makes_a_member_once(catalog: Catalog, issuer: Issuer, tmp_path: Path) -> None:
    house = House(catalog, settings(issuer, tmp_path))
    by = command_line("default")
    theirs, _ = house.people.invite(by, Role.ADMIN, "bea@example.org")
    with pytest.raises(LoginError, match="another address"):
        house.log_in(theirs)
    anybody, _ = house.people.invite(by, Role.EDITOR)
    assert house.role(house.log_in(anybody)) == "editor"
    assert house.role(house.log_in()) == "editor"
    issuer.claims = {**issuer.claims, "sub": "carl"}
    with pytest.raises(LoginError, match="not good any more"):
        house.log_in(anybody)


def test_roles_and_groups_of_claims_come_and_go_with_each_login(
    catalog: Catalog, issuer: Issuer, tmp_path: Path
) -> None:
    roles = {"wiki-readers": "reader", "wiki-admins": "admin", "platform": "operator"}
    chosen = settings(issuer, tmp_path, roles_claim="realm_access.roles", roles=roles, groups_claim="groups")
    house = House(catalog, chosen)

    def is_now(words: list[str], groups: list[str]) -> LoggedIn:
        issuer.claims = {**issuer.claims, "realm_access": {"roles": words}, "groups": groups}
        return house.log_in()

    first = is_now(["wiki-readers", "wiki-admins", "unrelated"], ["/ops", "sre"])
    assert house.role(first) == "admin"
    visit = house.people.credentials.session(first.secret)
    assert visit is not None
    assert visit.principal.groups == {"ops", "sre"}
    second = is_now(["wiki-readers"], ["sre"])
    assert house.role(second) == "reader"
    assert house.role(first) == "reader"  # sessions of before know it too
    visit = house.people.credentials.session(first.secret)
    assert visit is not None
    assert visit.principal.groups == {"sre"}
    assert house.role(is_now(["platform"], [])) == "operator"
    assert house.role(is_now(["wiki-readers"], [])) == "reader"
    with pytest.raises(LoginError, match="no access"):
        is_now(["unrelated"], [])
    assert house.people.credentials.session(first.secret) is None


def test_google_s_accounts_are_those_of_the_organisation(catalog: Catalog, issuer: Issuer, tmp_path: Path) -> None:
    house = House(
        catalog, settings(issuer, tmp_path, kind="google", hosted_domain="example.org", default_role="reader")
    )
    with pytest.raises(LoginError, match="Only accounts of example"):
        house.log_in()
    issuer.claims = {**issuer.claims, "hd": "example.org"}
    house.log_in()


def test_github_is_asked_who_it_was(catalog: Catalog, issuer: Issuer, tmp_path: Path) -> None:
    house = House(catalog, settings(issuer, tmp_path, name="github", kind="github", default_role="reader"))
    done = house.log_in(name="github")
    assert (done.account.subject, done.account.email) == ("4711", "ada@example.org")
    address, binding = house.begin(name="github")
    answer = house.answered(address)
    with pytest.raises(LoginError):
        house.finish({**answer, "code": "another"}, binding, "github")


def test_an_account_that_is_disabled_stays_out(house: House) -> None:
    done = house.log_in()
    by = command_line("default")
    house.people.set_disabled(by, done.account.account_id, disabled=True)
    assert house.people.credentials.session(done.secret) is None
    with pytest.raises(LoginError, match="disabled"):
        house.log_in()


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://id.example.org"},
        {"issuer": "https://user@id.example.org"},
        {"kind": "google", "issuer": ""},
        {"kind": "entra", "issuer": "https://login.microsoftonline.com/common/v2.0"},
        {"roles": {"a": "admin"}},
        {"roles_claim": "roles", "roles": {"a": "king"}},
        {"name": "Company!"},
        {"unknown": 1},
    ],
)
def test_settings_that_would_let_in_others_are_refused(issuer: Issuer, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises((ConfigurationError, ValueError)):
        settings(issuer, tmp_path, **wrong)
    one = provider(issuer, tmp_path)
    with pytest.raises(ConfigurationError, match="PROVIDERS"):
        load(AccessSettings, home=tmp_path, providers=(one, one))


def test_an_address_begins_so_many_logins_a_minute(house: House) -> None:
    for _ in range(200):
        house.logins._beginnings.count("10.0.0.1")
    with pytest.raises(ThrottledError):
        house.begin()


# --- passwords ---

PASSWORD = "nine quiet herons over Trondheim"


def with_password(catalog: Catalog, folder: Path, passwords: str = "everybody", role: Role = Role.READER) -> House:
    house = House(catalog, load(AccessSettings, home=folder, passwords=passwords))
    by = command_line("default")
    account = house.people.add(by, "Ada", "Ada Lovelace", "ada@example.org", role)
    secret, _ = house.people.password_link(by, account.account_id)
    house.people.set_password(by, secret, asyncio.run(house.logins.hashing.hash(PASSWORD)))
    return house


def try_password(house: House, password: str, name: str = "ada", address: str = "10.0.0.1") -> LoggedIn:
    return asyncio.run(house.logins.by_password(name, password, "/", Visitor(address, "")))


def test_a_password_logs_in_and_a_wrong_one_does_not(catalog: Catalog, tmp_path: Path) -> None:
    house = with_password(catalog, tmp_path)
    assert house.role(try_password(house, PASSWORD, " ADA ")) == "reader"
    for name, password in (("ada", PASSWORD.lower()), ("ada", PASSWORD + " "), ("bea", PASSWORD), ("", "")):
        with pytest.raises(LoginError, match="do not go together"):
            try_password(house, password, name)


def test_the_local_admin_gets_in_while_the_provider_is_down_and_others_do_not(
    catalog: Catalog, issuer: Issuer, tmp_path: Path
) -> None:
    with_password(catalog, tmp_path, role=Role.ADMIN)
    issuer.down = True
    house = House(catalog, settings(issuer, tmp_path))
    done = try_password(house, PASSWORD)
    assert house.role(done) == "admin"
    catalog.accounts.set_role(done.account.account_id, "default", "editor")
    with pytest.raises(LoginError):
        try_password(house, PASSWORD)


def test_wrong_passwords_cost_hashes_for_a_while_only(catalog: Catalog, tmp_path: Path) -> None:
    house = with_password(catalog, tmp_path)
    try_password(house, PASSWORD, address="10.0.0.9")
    hashed = 0
    holds = house.logins.hashing.holds

    async def counting(kept: str, password: str) -> bool:
        nonlocal hashed
        hashed += 1
        return False if password != PASSWORD else await holds(kept, password)

    house.logins.hashing.holds = counting  # type: ignore[method-assign]
    questions = 0
    counts = house.catalog.login_failures.counts

    def counted(keys: Any) -> Any:
        nonlocal questions
        questions += 1
        return counts(keys)

    house.catalog.login_failures.counts = counted  # type: ignore[method-assign]

    async def attack() -> int:
        refused = 0
        for number in range(10_000):
            try:
                await house.logins.by_password(f"name{number}", "wrong", "/", Visitor("10.6.6.6", ""))
            except ThrottledError:
                refused += 1
            except LoginError:
                pass
        return refused

    refused = asyncio.run(attack())
    assert refused >= 9_900
    assert hashed == 10_000 - refused
    assert questions <= hashed + 40  # those that have to wait ask nobody
    with pytest.raises(ThrottledError):
        try_password(house, PASSWORD, address="10.6.6.6")
    try_password(house, PASSWORD, address="10.0.0.1")  # others are not slowed down


def test_an_account_under_attack_is_slowed_down_and_not_for_its_owner(catalog: Catalog, tmp_path: Path) -> None:
    house = with_password(catalog, tmp_path)
    try_password(house, PASSWORD, address="10.0.0.1")
    for number in range(8):  # from many addresses
        catalog.login_failures.add([f"account:{secrets.hashed('ada')[:32]}", f"address:10.1.0.{number}"])
    with pytest.raises(ThrottledError) as refused:
        try_password(house, PASSWORD, address="10.0.0.2")
    assert refused.value.seconds <= 60
    try_password(house, PASSWORD, address="10.0.0.1")
