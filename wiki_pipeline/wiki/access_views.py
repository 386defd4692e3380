"""What the pages of login, account and members show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from wiki_pipeline.wiki.views import View


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginView(View):
    """Where people log in.

    Attributes:
        providers: addresses where a login begins, to names.
        passwords: whether there is a form for name and password.
        next: where to go afterwards.
        notice: what happened before, in a sentence.
    """

    template: ClassVar[str] = "login.html"

    title: str = "Log in"
    providers: Mapping[str, str] = field(default_factory=dict)
    passwords: bool = False
    next: str = ""
    notice: str = ""
    problem: str = ""
    onward: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordView(View):
    """Where a password is set.

    Attributes:
        link: the secret that allows it.
    """

    template: ClassVar[str] = "password.html"

    account: str
    link: str
    shortest: int
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session in a list."""

    session_id: str
    provider: str
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """An API token in a list."""

    token_id: str
    name: str
    last_four: str
    owner: str
    actions: str
    sources: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView(View):
    """One's own account.

    Attributes:
        facts: name to value.
        tenants: that one can be in.
        made: a token that was just made, shown this once.
        login: whether people log in here at all.
    """

    template: ClassVar[str] = "account.html"

    facts: Mapping[str, str]
    tenant: str
    tenants: Sequence[str] = ()
    sessions: Sequence[SessionRow] = ()
    tokens: Sequence[TokenRow] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    actions: Sequence[str] = ()
    most_days: int = 365
    made: str = ""
    problem: str = ""
    login: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """A member in a list.

    Attributes:
        origin: where their role is from.
        local: whether they have a password.
    """

    account_id: str
    name: str
    email: str
    issuer: str
    role: str
    origin: str
    groups: str
    last_login_at: datetime | None
    disabled: bool
    local: bool
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRow:
    """An invitation in a list."""

    invitation_id: str
    role: str
    email: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersView(View):
    """Who is in the tenant.

    Attributes:
        link: an address that was just made, shown this once; `link_for` says what for.
    """

    template: ClassVar[str] = "members.html"

    tenant: str
    members: Sequence[MemberRow]
    invitations: Sequence[InvitationRow]
    groups: Mapping[str, int]
    roles: Sequence[str]
    passwords: bool
    link: str = ""
    link_for: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensView(View):
    """All API tokens of the tenant."""

    template: ClassVar[str] = "tokens.html"

    tenant: str
    tokens: Sequence[TokenRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """An entry of the audit."""

    at: datetime
    actor: str
    action: str
    what: str
    result: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditView(View):
    """What was done.

    Attributes:
        older: address of the page that follows; empty: there is none.
    """

    template: ClassVar[str] = "audit.html"

    tenant: str
    rows: Sequence[AuditRow]
    action: str
    older: str = ""
