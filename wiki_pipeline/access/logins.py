"""Logging in: by a provider or a password, and what somebody is here afterwards.

Roles and groups that a provider decides on are applied at every login, and taken away at the next one after it has
taken them away. Accounts are never joined by their addresses.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import anyio.to_thread

from wiki_pipeline.access import passwords, secrets
from wiki_pipeline.access.actors import Actor, nobody
from wiki_pipeline.access.credentials import Credentials
from wiki_pipeline.access.github import GitHubProvider
from wiki_pipeline.access.identity import Identity
from wiki_pipeline.access.oidc import OidcProvider
from wiki_pipeline.access.principal import Role
from wiki_pipeline.access.settings import AccessSettings, ProviderSettings
from wiki_pipeline.access.throttle import PerMinute, Throttle
from wiki_pipeline.catalog import CLAIMS, PEOPLE, Account, Catalog, Invitation, LoginAttempt
from wiki_pipeline.errors import LoginError

LOCAL = "local"
ATTEMPT = timedelta(minutes=10)
_BEGINNINGS = 200  # a minute and address: each is a row for ten minutes
_NO_ACCESS = LoginError("You are known to your provider, and have no access here.", "Ask an admin for an invitation.")
_WRONG = LoginError("Name and password do not go together, or there is no such account.")


@dataclass(frozen=True, slots=True)
class Visitor:
    """The browser that logs in.

    Attributes:
        agent: what it calls itself.
    """

    address: str
    agent: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A login that held.

    Attributes:
        secret: for the cookie of the session.
        next: where the browser wanted to go.
    """

    secret: str = field(repr=False)
    next: str
    account: Account


class Logins:
    """Logs people in. Of one event loop."""

    def __init__(self, catalog: Catalog, settings: AccessSettings, credentials: Credentials) -> None:
        self._catalog = catalog
        self._settings = settings
        self._credentials = credentials
        self.providers = {each.name: _opened(each) for each in settings.providers}
        self.throttle = Throttle(catalog)
        self.hashing = passwords.Hashing()
        self._beginnings = PerMinute(_BEGINNINGS)

    async def begin(self, provider: str, redirect_uri: str, attempt: LoginAttempt, client: str) -> tuple[str, str, str]:
        """Begin a login. Where the browser goes; its state; and the secret that binds it to the browser.

        Args:
            client: the browser's address.

        Raises:
            LoginError: the provider is not known or can't be asked.
            ThrottledError: the address began too many.
        """
        found = self._provider(provider)
        self._beginnings.refuse(client)
        self._beginnings.count(client)
        state, binding = secrets.made(), secrets.made()
        address = await found.address(redirect_uri, state, binding)
        hashes = secrets.hashed(state), secrets.hashed(binding)
        await anyio.to_thread.run_sync(self._catalog.sessions.begin, *hashes, attempt, ATTEMPT)
        return address, state, binding

    async def finish(
        self, provider: str, answer: dict[str, str], binding: str, redirect_uri: str, visitor: Visitor
    ) -> LoggedIn:
        """End a login that the provider sent the browser back from.

        Raises:
            LoginError: it was not begun in this browser or is over; the provider or its answer says no; or they have
                no access here.
        """
        hashes = secrets.hashed(answer.get("state", "")), secrets.hashed(binding)
        attempt = await anyio.to_thread.run_sync(self._catalog.sessions.take, *hashes)
        if attempt is None or attempt.provider != provider or not binding:
            raise LoginError("This login was not begun in this browser, is over, or took too long.", "Log in again.")
        found = self._provider(provider)
        try:
            identity = await found.identify(answer, redirect_uri, binding)
            return await anyio.to_thread.run_sync(self._entered, found.settings, identity, attempt, visitor)
        except LoginError as error:
            actor = nobody(found.settings.tenant or self._settings.tenant, visitor.address, visitor.request_id)
            await anyio.to_thread.run_sync(
                self._catalog.audit.record, actor.entry("login", f"provider {provider}", f"refused: {error.message}")
            )
            raise

    async def by_password(self, name: str, password: str, next_: str, visitor: Visitor) -> LoggedIn:
        """Log a local account in.

        Raises:
            LoginError: name and password do not go together; never which is wrong.
            ThrottledError, BusyError: too many tries.
        """
        self.throttle.refuse_soon(visitor.address)
        with self.throttle.one_of_few(visitor.address):
            return await self._by_password(name, password, next_, visitor)

    async def _by_password(self, name: str, password: str, next_: str, visitor: Visitor) -> LoggedIn:
        subject = subject_of(name)
        found = await anyio.to_thread.run_sync(self._catalog.accounts.password, subject)
        account, kept = found or (None, "")
        account_id = account.account_id if account else ""
        await anyio.to_thread.run_sync(self.throttle.refuse, subject, visitor.address, account_id)
        holds = await self.hashing.holds(kept, password[: passwords.LONGEST + 1])
        actor = nobody(self._settings.tenant, visitor.address, visitor.request_id)
        if account is None or not holds or not await anyio.to_thread.run_sync(self._may_by_password, account):
            await anyio.to_thread.run_sync(self.throttle.failed, subject, visitor.address)
            what = f"account {account_id}" if account else "an unknown name"
            await anyio.to_thread.run_sync(self._catalog.audit.record, actor.entry("login", what, "wrong password"))
            raise _WRONG
        await anyio.to_thread.run_sync(self.throttle.succeeded, subject, visitor.address)
        if passwords.is_outdated(kept):
            again = await self.hashing.hash(password)
            await anyio.to_thread.run_sync(self._catalog.accounts.rehash, account_id, kept, again)
        return await anyio.to_thread.run_sync(self._local, account, next_, visitor)

    def _local(self, account: Account, next_: str, visitor: Visitor) -> LoggedIn:
        roles = self._catalog.accounts.tenants(account.account_id)
        if not roles and not account.operator:
            raise LoginError("This account has no role anywhere.", "Ask an admin.")
        return self._open(account, self._home(roles), LOCAL, next_, visitor)

    def _may_by_password(self, account: Account) -> bool:
        if self._settings.passwords == "admins":
            roles = self._catalog.accounts.tenants(account.account_id)
            return account.operator or Role.ADMIN in roles.values()
        return self._settings.passwords == "everybody"

    def _entered(
        self, provider: ProviderSettings, identity: Identity, attempt: LoginAttempt, visitor: Visitor
    ) -> LoggedIn:
        accounts, tenant = self._catalog.accounts, provider.tenant or self._settings.tenant
        before = accounts.by_subject(identity.issuer, identity.subject)
        roles = accounts.tenants(before.account_id) if before else {}
        invitation = self._invitation(identity, attempt.invitation_hash)
        operator = _is_operator(provider, identity, before)
        if self._catalog.tenancy.is_dropped(tenant):  # it gives nothing there any more
            identity, default = replace(identity, role=None, decides=False, groups=None), None
        else:
            default = provider.default_role
        given = identity.role or (default and Role(default))
        kept = {name for name in roles if not (identity.decides and name == tenant)}
        if not (kept or given or operator or invitation):
            if before is not None:  # what the provider took away is over here too
                self._take_away(before, tenant, visitor)
            raise _NO_ACCESS
        account = accounts.seen(
            identity.issuer, identity.subject, identity.name, identity.email, verified=identity.verified
        )
        if account.disabled_at is not None:
            raise LoginError("This account is disabled.", "Ask an admin.")
        actor = Actor(
            f"{account.title} ({account.account_id})", tenant, frozenset(), "", visitor.address, visitor.request_id
        )
        if account.operator != operator:
            accounts.set_operator(account.account_id, operator=operator)
            self._catalog.audit.record(actor.entry("role.change", f"account {account.account_id} operator {operator}"))
        if invitation is not None:
            used = self._catalog.invitations.use(attempt.invitation_hash)
            if used is None:
                raise LoginError("This invitation was used already.", "Ask for another one.")
            if invitation.tenant not in roles or Role(roles[invitation.tenant]) < Role(invitation.role):
                roles[invitation.tenant] = invitation.role
                self._give(account, invitation.tenant, invitation.role, PEOPLE, actor)
        if identity.decides or (tenant not in roles and given is not None):
            role = min(given, Role.ADMIN).value if given else ""
            if roles.get(tenant, "") != role:
                self._give(account, tenant, role, CLAIMS, actor)
            roles = {name: word for name, word in {**roles, tenant: role}.items() if word}
        if identity.groups is not None:
            self._catalog.groups.claimed(account.account_id, tenant, identity.groups)
        at = invitation.tenant if invitation else tenant if tenant in roles else self._home(roles)
        return self._open(account, at, provider.name, attempt.next, visitor, identity.id_token)

    def _invitation(self, identity: Identity, secret_hash: str) -> Invitation | None:
        if not secret_hash:
            return None
        found = self._catalog.invitations.get(secret_hash)
        if found is None:
            raise LoginError("This invitation is not good any more.", "Ask for another one.")
        if found.email and not (identity.verified and identity.email == found.email):
            raise LoginError(
                "This invitation is for another address than the one that your provider vouches for.",
                "Log in with the account that was invited, or ask for an invitation without an address.",
            )
        return found

    def _take_away(self, account: Account, tenant: str, visitor: Visitor) -> None:
        actor = nobody(tenant, visitor.address, visitor.request_id)
        if account.operator:
            self._catalog.accounts.set_operator(account.account_id, operator=False)
        self._give(account, tenant, "", CLAIMS, actor)
        self._catalog.sessions.end_all(account.account_id, tokens=True)
        self._credentials.forget()

    def _give(self, account: Account, tenant: str, role: str, origin: str, actor: Actor) -> None:
        self._catalog.accounts.set_role(account.account_id, tenant, role, origin)
        what = f"account {account.account_id} {role or 'none'}"
        self._catalog.audit.record(actor.entry("role.change", what, tenant=tenant))

    def _home(self, roles: dict[str, str]) -> str:
        own = self._settings.tenant
        return own if own in roles or not roles else next(iter(roles))

    def _open(
        self, account: Account, tenant: str, provider: str, next_: str, visitor: Visitor, id_token: str = ""
    ) -> LoggedIn:
        secret = secrets.made()
        session_id = self._catalog.sessions.open(
            secrets.hashed(secret),
            account.account_id,
            tenant,
            provider=provider,
            address=visitor.address,
            agent=visitor.agent,
            logout_hint=secrets.sealed(secret, id_token) if id_token else "",
            idle=timedelta(hours=self._settings.session_idle_hours),
            lasts=timedelta(hours=self._settings.session_hours),
        )
        name = f"{account.title} ({account.account_id})"
        actor = Actor(name, tenant, frozenset(), account.account_id, visitor.address, visitor.request_id)
        self._catalog.audit.record(actor.entry("login", f"session {session_id} by {provider}"))
        self._credentials.forget()
        return LoggedIn(secret, next_, account)

    def _provider(self, name: str) -> OidcProvider | GitHubProvider:
        found = self.providers.get(name)
        if found is None:
            raise LoginError("There is no such provider.", "Choose one on the login page.")
        return found


def subject_of(name: str) -> str:
    """A local account's subject, by what its owner types."""
    return name.strip().casefold()


def _is_operator(provider: ProviderSettings, identity: Identity, before: Account | None) -> bool:
    """Whether somebody looks after the installation: by the provider's word where it has one for that."""
    if "operator" in provider.roles.values():
        return identity.role is Role.OPERATOR
    return before is not None and before.operator


def _opened(settings: ProviderSettings) -> OidcProvider | GitHubProvider:
    return GitHubProvider(settings) if settings.kind == "github" else OidcProvider(settings)
