"""What is done with people, groups, tokens and sessions: by whom it may be, and that the audit knows of it."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wiki_pipeline.access import secrets
from wiki_pipeline.access.access_tokens import SECONDS, AccessTokens
from wiki_pipeline.access.actors import Actor
from wiki_pipeline.access.credentials import Credentials, token_principal
from wiki_pipeline.access.logins import LOCAL, subject_of
from wiki_pipeline.access.principal import Action, Principal, Role
from wiki_pipeline.access.settings import AccessSettings
from wiki_pipeline.access.throttle import PerMinute
from wiki_pipeline.catalog import Account, Catalog, Invitation
from wiki_pipeline.errors import LoginError, NotAllowedError, NotThereError, PayloadError
from wiki_pipeline.model import SourceKey

LINK = timedelta(hours=1)
INVITATION = timedelta(days=7)
REFRESH = timedelta(days=30)
_LONGEST = 100
_DAY = 86_400.0
_WRONG_A_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Pair:
    """What an API token or a refresh token is exchanged for.

    Attributes:
        seconds: how long the access token is good.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    seconds: int = SECONDS


class People:
    """Changes people, groups, tokens and sessions. Safe for several threads.

    Everything here raises:
        NotAllowedError: the actor may not do this.
        PayloadError: what was said can't be used.
        NotThereError: there is no such account, or none that the actor has to do with.
    """

    def __init__(self, catalog: Catalog, settings: AccessSettings, issuer: str) -> None:
        self._catalog = catalog
        self._settings = settings
        self._expired_at = float("-inf")
        self._wrong = PerMinute(_WRONG_A_MINUTE)
        self.access_tokens = AccessTokens(catalog, issuer)
        self.credentials = Credentials(catalog, settings, self.access_tokens)

    def record(self, by: Actor, action: str, what: str = "", result: str = "ok", tenant: str = "") -> None:
        """Have the audit know of something. Once a day it forgets what is older than it is to be kept."""
        self._catalog.audit.record(by.entry(action, what, result, tenant))
        if self._settings.audit_days and time.monotonic() - self._expired_at > _DAY:
            self._expired_at = time.monotonic()
            self._catalog.audit.expire(timedelta(days=self._settings.audit_days))

    # --- accounts ---

    def account(self, account_id: str) -> Account:
        """An account by its id."""
        found = self._catalog.accounts.get(account_id)
        if found is None:
            raise NotThereError("There is no such account.", "The page of members lists them.")
        return found

    def add(self, by: Actor, name: str, title: str, email: str, role: Role) -> Account:
        """Add a local account, which logs in with a password once a link has set it."""
        self._needs(by, role)
        subject = subject_of(name)
        if not subject or len(subject) > _LONGEST or not subject.isprintable():
            raise PayloadError("A name to log in with has 1 to 100 printable characters.")
        if self._catalog.accounts.by_subject(LOCAL, subject) is not None:
            raise PayloadError(f"There is an account {subject} already.")
        account = self._catalog.accounts.seen(LOCAL, subject, title[:_LONGEST], email[:_LONGEST], verified=False)
        self.record(by, "account.add", f"account {account.account_id}")
        self.set_role(by, account.account_id, role, fresh=True)
        return account

    def set_role(self, by: Actor, account_id: str, role: Role | None, *, fresh: bool = False) -> None:
        """Change a member's role in the actor's tenant, or take it away.

        Args:
            fresh: the account was just made for the tenant. Of others only operators make members, who see all.
        """
        account = self.account(account_id)
        before = self._catalog.accounts.tenants(account_id).get(by.tenant, "")
        if not before and Action.OPERATE not in by.actions and by.account != account_id and not fresh:
            raise NotThereError("There is no such account.", "The page of members lists them.")
        self._needs(by, Role.OPERATOR if account.operator else role or Role.ADMIN)
        if account.account_id == by.account and role is not Role.OPERATOR:
            raise NotAllowedError("Nobody changes their own role.", "Ask another admin.")
        loses = (before == Role.ADMIN or account.operator) and (role is None or role < Role.ADMIN)
        if loses and not self._catalog.accounts.admins(by.tenant, but=account_id):
            raise NotAllowedError("Somebody has to look after this tenant.", "Make another member an admin first.")
        if account.operator != (role is Role.OPERATOR):
            self._catalog.accounts.set_operator(account_id, operator=role is Role.OPERATOR)
        if role is None:
            self._catalog.accounts.set_role(account_id, by.tenant, "")
        elif role is not Role.OPERATOR:
            self._catalog.accounts.set_role(account_id, by.tenant, role.value)
        self._changed(by, "role.change", f"account {account_id} {role.value if role else 'none'}")

    def set_disabled(self, by: Actor, account_id: str, *, disabled: bool) -> None:
        """Disable an account in the whole installation: its sessions and tokens end at once. Or enable it."""
        account = self._whole(by, account_id)
        if disabled and account_id == by.account:
            raise NotAllowedError("Nobody disables their own account.", "Ask another admin.")
        self._catalog.accounts.set_disabled(account.account_id, disabled=disabled)
        self._changed(by, "account.disable" if disabled else "account.enable", f"account {account_id}")

    def password_link(self, by: Actor, account_id: str) -> tuple[str, datetime]:
        """A secret for an address that sets the password of a local account, once. Who makes it never knows the
        password. Until when it is good, too."""
        account = self._whole(by, account_id)
        if account.issuer != LOCAL:
            raise PayloadError(f"{account.title} logs in by a provider and has no password here.")
        secret = secrets.made()
        until = self._catalog.accounts.add_link(secrets.hashed(secret), account_id, LINK)
        self.record(by, "password.link", f"account {account_id}")
        return secret, until

    def set_password(self, by: Actor, secret: str, password_hash: str) -> Account:
        """Use a link up. The account's sessions and tokens end."""
        account = self._catalog.accounts.set_password(secrets.hashed(secret), password_hash)
        if account is None:
            raise LoginError("This link was used, is too old, or another one was made since.", "Ask for a new one.")
        self._changed(by, "password.change", f"account {account.account_id}")
        return account

    def invite(self, by: Actor, role: Role, email: str = "") -> tuple[str, Invitation]:
        """A secret for an address by which somebody becomes a member; what is kept of it."""
        self._needs(by, role)
        if role is Role.OPERATOR:
            raise PayloadError("Nobody is invited as an operator.", "Invite an admin, and make them one afterwards.")
        secret = secrets.made()
        made = self._catalog.invitations.add(
            secrets.hashed(secret), by.tenant, role.value, email.strip()[:_LONGEST], by.name, INVITATION
        )
        self.record(by, "invitation.add", f"invitation {made.invitation_id} {role.value}")
        return secret, made

    def withdraw(self, by: Actor, invitation_id: str) -> bool:
        """Take an invitation back. False: there is none."""
        self._needs(by, Role.ADMIN)
        gone = self._catalog.invitations.withdraw(by.tenant, invitation_id)
        self.record(by, "invitation.withdraw", f"invitation {invitation_id}", "ok" if gone else "not there")
        return gone

    # --- groups ---

    def add_group(self, by: Actor, name: str) -> None:
        """Add a group to the actor's tenant."""
        self._needs(by, Role.ADMIN)
        self._catalog.groups.add(by.tenant, _group(name))
        self.record(by, "group.add", f"group {_group(name)}")

    def remove_group(self, by: Actor, name: str) -> bool:
        """Remove a group. Sources that it may read are read by nobody of it any more. False: there is none."""
        self._needs(by, Role.ADMIN)
        gone = self._catalog.groups.remove(by.tenant, name)
        self._changed(by, "group.remove", f"group {name}", "ok" if gone else "not there")
        return gone

    def put(self, by: Actor, name: str, account_id: str) -> None:
        """Put a member into a group."""
        self._needs(by, Role.ADMIN)
        if by.tenant not in self._catalog.accounts.tenants(account_id):
            raise PayloadError("Only members of the tenant can be in its groups.")
        self._catalog.groups.put(by.tenant, _group(name), account_id)
        self._changed(by, "group.put", f"group {name} account {account_id}")

    def take(self, by: Actor, name: str, account_id: str) -> bool:
        """Take a member out of a group. False: they were not in it."""
        self._needs(by, Role.ADMIN)
        gone = self._catalog.groups.take(by.tenant, name, account_id)
        self._changed(by, "group.take", f"group {name} account {account_id}", "ok" if gone else "not there")
        return gone

    # --- tokens ---

    def create_token(
        self,
        by: Actor,
        owner: str,
        name: str,
        *,
        actions: Collection[Action],
        sources: Sequence[SourceKey] | None,
        days: int,
    ) -> str:
        """A new API token, shown this once. It may do what its owner may at each moment, and never more than this.

        Args:
            owner: the account that it stands for: the actor's own, unless the actor is an admin.
            sources: it is good for these alone; None: all that the owner may read.
        """
        if owner != by.account:
            self._whole(by, owner)
        if not actions or not frozenset(actions) <= by.actions:
            raise NotAllowedError("A token can't be allowed more than who makes it.")
        if sources is not None and any(key.tenant != by.tenant for key in sources):
            raise PayloadError("A token is good for sources of its own tenant only.")
        if not 1 <= days <= self._settings.token_days:
            raise PayloadError(f"A token lasts 1 to {self._settings.token_days} days.")
        title = name.strip()[:_LONGEST]
        if not title or not title.isprintable():
            raise PayloadError("A token needs a name that says what it is for.")
        token, token_id = secrets.new_token()
        self._catalog.api_tokens.add(
            token_id,
            secrets.hashed(token),
            token[-4:],
            self.account(owner).account_id,
            tenant=by.tenant,
            name=title,
            actions=[action.value for action in actions],
            sources=None if sources is None else [str(key) for key in sources],
            lasts=timedelta(days=days),
        )
        self.record(by, "token.create", f"token {token_id} of account {owner}")
        return token

    def revoke_token(self, by: Actor, token_id: str) -> bool:
        """End a token, and what it was exchanged for. False: there is none that the actor may end."""
        own = "" if Action.ADMIN in by.actions else by.account or "-"
        gone = self._catalog.api_tokens.revoke(by.tenant, token_id, own)
        self._changed(by, "token.revoke", f"token {token_id}", "ok" if gone else "not there")
        return gone

    def exchange(self, by: Actor, token_id: str, account_id: str) -> Pair:
        """An access token and the first refresh token for an API token that a request brought."""
        family_id, refresh = secrets.new_token()[1], secrets.made()
        self._catalog.api_tokens.begin_family(family_id, token_id, secrets.hashed(refresh), REFRESH)
        self.record(by, "token.exchange", f"token {token_id} family {family_id}")
        return Pair(self.access_tokens.make(account_id, family_id), refresh)

    def refresh(self, by: Actor, refresh: str) -> tuple[Principal, Pair]:
        """The next pair for a refresh token.

        Raises:
            LoginError: it is unknown or over; or it came before, which ends all that came of it.
            ThrottledError: too many wrong ones came from the address.
        """
        self._wrong.refuse(by.address)
        following = secrets.made()
        family_id, found = self._catalog.api_tokens.refresh(secrets.hashed(refresh), secrets.hashed(following))
        if found is None:
            self._wrong.count(by.address)
            if family_id:
                self._changed(by, "token.refresh", f"family {family_id}", "used before, or over")
            raise LoginError("This refresh token is not good (any more).", "Exchange the API token again.")
        made = self.access_tokens.make(found.holder.account_id, family_id)
        return token_principal(found), Pair(made, following)

    # --- sessions ---

    def end_session(self, by: Actor, session_id: str) -> bool:
        """End one of the actor's own sessions. False: there is none."""
        gone = self._catalog.sessions.end(by.account, session_id)
        self._changed(by, "session.end", f"session {session_id}", "ok" if gone else "not there")
        return gone

    def end_sessions(self, by: Actor, account_id: str, *, but: str = "") -> int:
        """End all sessions of an account, but one. How many there were."""
        if account_id != by.account:
            self._whole(by, account_id)
        ended = self._catalog.sessions.end_all(account_id, but=but)
        self._changed(by, "session.end", f"account {account_id}: {ended}")
        return ended

    def log_out(self, by: Actor, secret: str) -> tuple[str, str]:
        """End the session of a cookie. Its provider, and the id token that it came of."""
        provider, _, box = self._catalog.sessions.close(secrets.hashed(secret)).partition(" ")
        self._changed(by, "logout")
        return provider, secrets.opened(secret, box) if box else ""

    def move(self, by: Actor, secret: str, tenant: str) -> None:
        """Have a session be in another tenant of its account's; an operator's, in any."""
        if Action.OPERATE not in by.actions and tenant not in self._catalog.accounts.tenants(by.account):
            raise NotAllowedError("You are no member of that tenant.")
        self._catalog.sessions.move(secrets.hashed(secret), tenant)
        self._changed(by, "session.move", f"tenant {tenant}")

    def _changed(self, by: Actor, action: str, what: str = "", result: str = "ok") -> None:
        self.credentials.forget()
        self.record(by, action, what, result)

    def _needs(self, by: Actor, role: Role) -> None:
        """Who gives a role has to be an admin; and an operator, to make one."""
        needed = Action.OPERATE if role is Role.OPERATOR else Action.ADMIN
        if needed not in by.actions:
            raise NotAllowedError(f"{by.name} may not do this.", "Ask an admin, or an operator.")

    def _whole(self, by: Actor, account_id: str) -> Account:
        """An account whose all an actor may change. An admin of one tenant has no say over who is in others too:
        they could become anybody by a link for a password."""
        account = self.account(account_id)
        tenants = set(self._catalog.accounts.tenants(account_id))
        if Action.OPERATE not in by.actions and by.tenant not in tenants:
            raise NotThereError("There is no such account.", "The page of members lists them.")
        self._needs(by, Role.OPERATOR if account.operator else Role.ADMIN)
        if Action.OPERATE not in by.actions and tenants != {by.tenant}:
            raise NotAllowedError("This account is a member of other tenants too.", "Ask an operator.")
        return account


def _group(name: str) -> str:
    text = unicodedata.normalize("NFC", name.strip())
    if not text or len(text) > _LONGEST or not text.isprintable() or "/" in text:
        raise PayloadError("The name of a group has 1 to 100 printable characters and no slash.")
    return text
