"""What people of a tenant do in random histories (`test_tenants`), and what can be asked of it as that tenant.

Each tenant has a person of its own, and both have one in common, whose roles, groups, sessions and tokens in one tenant
are no business of the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from wiki_pipeline.catalog import PEOPLE, Audience, AuditEntry, Cap, Catalog, Kind, Period, Spent
from wiki_pipeline.catalog.mentions import COMMIT, DOCUMENT, Mention
from wiki_pipeline.catalog.model_keys import ModelKey
from wiki_pipeline.model import SourceKey

TENANTS = ("alpha", "beta")
NAMES = ("ENG", "OPS")
HOUR = timedelta(hours=1)
ISSUER = "https://login.example.org"
_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_ASKED = 6  # of what a history makes of a kind
_WHATS = (DOCUMENT, COMMIT)


class PeopleActions:
    """Actions; see `World` for their arguments."""

    catalog: Catalog

    def __init__(self) -> None:
        self._made: Counter[str] = Counter()

    def join(self, tenant: str, key: SourceKey, which: str) -> None:
        account = self._person(tenant, which)
        self.catalog.accounts.set_role(account, tenant, ("reader", "editor", "admin")[int(which)], PEOPLE)
        self.catalog.groups.add(tenant, f"empty of {tenant}")
        self.catalog.groups.put(tenant, f"group {which} of {tenant}", account)
        self.catalog.groups.claimed(account, tenant, [f"claimed {which} of {tenant}"])

    def part(self, tenant: str, key: SourceKey, which: str) -> None:
        account, name = self._person(tenant, which), f"group {which} of {tenant}"
        self.catalog.groups.take(tenant, name, account)
        if which != "0":
            self.catalog.groups.remove(tenant, name)
            self.catalog.accounts.set_role(account, tenant, "")

    def visit(self, tenant: str, key: SourceKey, which: str) -> None:
        sessions, account, secret = self.catalog.sessions, self._person(tenant, which), self._new(tenant, "session")
        facts = {"provider": "idp", "address": f"address of {tenant}", "agent": "", "logout_hint": ""}
        id_ = sessions.open(secret, account, tenant, **facts, idle=HOUR, lasts=HOUR)
        sessions.touch(secret, HOUR)
        sessions.move(secret, tenant)
        match which:
            case "0":
                sessions.end(account, id_)
            case "1":
                sessions.close(secret)

    def automate(self, tenant: str, key: SourceKey, which: str) -> None:
        tokens, account, id_ = self.catalog.api_tokens, self._person(tenant, which), self._new(tenant, "token")
        name, sources = f"token of {tenant}", [str(key)]
        tokens.add(
            id_, "hash", "last", account, tenant=tenant, name=name, actions=["read"], sources=sources, lasts=HOUR
        )
        tokens.touch(id_)
        tokens.begin_family(self._new(tenant, "family"), id_, f"first of {id_}", HOUR)
        tokens.refresh(f"first of {id_}", f"second of {id_}")
        if which == "0":
            tokens.revoke(tenant, id_)
        for other in TENANTS:  # which has them, but not for this tenant
            if other != tenant:
                tokens.revoke(tenant, f"token 0 of {other}")
                self.catalog.groups.take(tenant, f"group {which} of {other}", account)
                self.catalog.model_keys.remove(tenant, f"account of {other}")

    def invite(self, tenant: str, key: SourceKey, which: str) -> None:
        invitations, secret = self.catalog.invitations, self._new(tenant, "invitation")
        made = invitations.add(secret, tenant, "reader", f"mail@{tenant}.example.org", f"ana of {tenant}", HOUR)
        if which == "0":
            invitations.use(secret)
        elif which == "1":
            invitations.withdraw(tenant, made.invitation_id)

    def note(self, tenant: str, key: SourceKey, which: str) -> None:
        self.catalog.audit.record(AuditEntry(tenant, f"ana of {tenant}", "login", f"session {which}"))

    def spend(self, tenant: str, key: SourceKey, which: str) -> None:
        quotas, account = self.catalog.quotas, f"account of {tenant}"
        holder = (f"tenant:{tenant}", f"tenant:{tenant}:each", f"account:{tenant}:{account}")[int(which)]
        quotas.set_cap(Cap(holder, Kind.REQUESTS, Period.DAY, 3))
        quotas.set_plan(tenant, f"plan of {tenant}")
        reserved = quotas.reserve(tenant, account, {Kind.REQUESTS: 1, Kind.TOKENS: 10})
        quotas.settle(reserved, {Kind.REQUESTS: 1, Kind.TOKENS: 7})
        quotas.release(quotas.reserve(tenant, "", {Kind.REQUESTS: 1}))
        quotas.spend(tenant, account, {Kind.MONEY: 5})
        self.catalog.model_calls.spent(tenant, f"own model of {tenant}", Spent(1, 10, 2, 0.5))
        if which == "2":
            quotas.drop_cap(holder, Kind.REQUESTS, Period.DAY)

    def bring_key(self, tenant: str, key: SourceKey, which: str) -> None:
        account = "" if which == "0" else f"account of {tenant}"
        address = f"https://{tenant}.example.org"
        self.catalog.model_keys.put(ModelKey(tenant, account, address, "model", f"row:{tenant}", "last", _MOMENT))
        if which == "2":
            self.catalog.model_keys.remove(tenant, account)

    def mention(self, tenant: str, key: SourceKey, which: str) -> None:
        self._known(key)
        position, among = f"position of {tenant}", None if which == "0" else [which]
        document = Mention(key, DOCUMENT, which, "OPS-12")
        self.catalog.mentions.record(key, DOCUMENT, [document], position, among)
        commits = [
            Mention(key, COMMIT, f"{n}", "OPS-12", f"title of {tenant}", "", "ana", _MOMENT + n * HOUR)
            for n in range(int(which) + 1)
        ]
        self.catalog.mentions.record(key, COMMIT, commits, position, None)
        self.catalog.mentions.keep(key, COMMIT, 1)

    def restrict(self, tenant: str, key: SourceKey, which: str) -> None:
        audience = (Audience.of("admins"), Audience.of("groups", [f"group of {tenant}"]), Audience.of("tenant"))
        self.catalog.audiences.set(key, audience[int(which)])

    def _known(self, key: SourceKey) -> None:
        raise NotImplementedError

    def _new(self, tenant: str, what: str) -> str:
        number = self._made[f"{what} of {tenant}"]
        self._made[f"{what} of {tenant}"] += 1
        return f"{what} {number} of {tenant}"

    def _person(self, tenant: str, which: str) -> str:
        """Id of the tenant's own person, or of the one that both have."""
        name = "shared" if which == "2" else f"ana of {tenant}"
        return self.catalog.accounts.seen(ISSUER, name, name, "", verified=False).account_id


def each(what: str, ask: Callable[[Catalog, str], Any]) -> Callable[[Catalog, str], Any]:
    """Ask of what a tenant made first of a kind."""
    return lambda catalog, tenant: [ask(catalog, f"{what} {number} of {tenant}") for number in range(_ASKED)]


def _mentions(ask: Callable[[Catalog, SourceKey, str], Any]) -> Callable[[Catalog, str], Any]:
    keys = [(name, what) for name in NAMES for what in _WHATS]
    return lambda catalog, tenant: [ask(catalog, SourceKey(tenant, "confluence", n), what) for n, what in keys]


PEOPLE_QUERIES: Mapping[str, Callable[[Catalog, str], Any]] = {
    "accounts.admins": lambda c, t: c.accounts.admins(t, but=""),
    "accounts.members": lambda c, t: c.accounts.members(t),
    "groups.list": lambda c, t: c.groups.list(t),
    "invitations.get": each("invitation", lambda c, secret: c.invitations.get(secret)),
    "invitations.list": lambda c, t: c.invitations.list(t),
    "sessions.find": each("session", lambda c, secret: c.sessions.find(secret)),
    "api_tokens.find": each("token", lambda c, id_: c.api_tokens.find(id_)),
    "api_tokens.list": lambda c, t: c.api_tokens.list(t),
    "api_tokens.of_family": each("family", lambda c, id_: c.api_tokens.of_family(id_)),
    "audiences.all": lambda c, t: c.audiences.all(t)[1],
    "audiences.mark": lambda c, t: bool(c.audiences.mark(t)),
    "audit.all": lambda c, t: list(c.audit.all(t)),
    "audit.page": lambda c, t: c.audit.page(t),
    "mentions.holders": _mentions(lambda c, key, what: c.mentions.holders(key, what)),
    "mentions.of": _mentions(lambda c, key, what: c.mentions.of([key], what, ["OPS-12"], 100)),
    "mentions.state": _mentions(lambda c, key, what: c.mentions.state(key, what)),
    "model_keys.of": lambda c, t: [c.model_keys.of(t, account) for account in ("", *map(_account, TENANTS))],
    "quotas.cap": lambda c, t: c.quotas.cap(t, Kind.REQUESTS, Period.DAY),
    "quotas.usage": lambda c, t: [c.quotas.usage(t, account) for account in ("", _account(t))],
    "tenancy.is_dropped": lambda c, t: c.tenancy.is_dropped(t),
}
"""What can be asked as a tenant."""

PEOPLE_PLAYED = {
    *("accounts.seen", "accounts.set_role", "groups.add", "groups.claimed", "groups.put", "groups.remove"),
    *("groups.take", "invitations.add", "invitations.use", "invitations.withdraw", "sessions.close", "sessions.end"),
    *("sessions.move", "sessions.open", "sessions.touch", "api_tokens.add", "api_tokens.begin_family"),
    *("api_tokens.refresh", "api_tokens.revoke", "api_tokens.touch", "audiences.set", "audit.record"),
    *("mentions.keep", "mentions.record", "model_calls.spent", "model_keys.put", "model_keys.remove"),
    *("quotas.drop_cap", "quotas.release", "quotas.reserve", "quotas.set_cap", "quotas.set_plan", "quotas.settle"),
    "quotas.spend",
}
"""What a tenant does in a history."""

PEOPLE_OF_THE_INSTALLATION = {
    # Who somebody is: an account is (issuer, subject) for the whole installation, and may be in several tenants. Who is
    # asked for is named by who logs in, by oneself, by an admin of all its tenants (`access.People`), or an operator.
    *("accounts.by_subject", "accounts.get", "accounts.named", "accounts.operators", "accounts.set_operator"),
    *("accounts.set_disabled", "accounts.tenants"),
    # A password is an account's, and what sets it; not a tenant's.
    *("accounts.add_link", "accounts.of_link", "accounts.password", "accounts.rehash", "accounts.set_password"),
    # One's own sessions, wherever they are, for oneself alone; all of them, where an account loses everything.
    *("sessions.came_from", "sessions.end_all", "sessions.list"),
    # Before it is known who somebody is, nobody is of a tenant.
    *("sessions.begin", "sessions.take", "login_failures.add", "login_failures.clear", "login_failures.counts"),
    # Check access tokens, of whomever: which tenant it is for says the row of the API token behind it.
    *("signing_keys.add", "signing_keys.public"),
    # Caps and plans of all tenants, for who sets them by command line; what expired of whomever.
    *("quotas.caps", "quotas.plans", "quotas.expire", "audit.expire"),
}


def _account(tenant: str) -> str:
    return f"account of {tenant}"
