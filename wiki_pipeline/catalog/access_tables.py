"""The catalog's tables of people: accounts, what they may, and what they bring to show who they are.

Nothing here opens anything: of sessions, tokens and links there are hashes of 256-bit secrets, of passwords Argon2id's,
of signing keys the public halves.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from wiki_pipeline.catalog.tables import PlainText, UtcDateTime, metadata


def _text(name: str, *arguments: Any, **options: Any) -> Column[str]:
    return Column(name, PlainText(), *arguments, nullable=False, **options)


def _moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, UtcDateTime(), nullable=nullable)


def _account(**options: Any) -> Column[str]:
    return _text("account_id", ForeignKey("accounts.account_id", ondelete="CASCADE"), **options)


# Whoever can log in. Who it is says the issuer, by its subject; addresses change hands and say nothing.
accounts = Table(
    "accounts",
    metadata,
    _text("account_id", primary_key=True),
    _text("issuer"),
    _text("subject"),
    _text("name"),
    _text("email"),
    Column("email_verified", Boolean, nullable=False),
    Column("operator", Boolean, nullable=False),
    _moment("created_at"),
    _moment("last_login_at", nullable=True),
    _moment("disabled_at", nullable=True),
    UniqueConstraint("issuer", "subject"),
)

passwords = Table("passwords", metadata, _account(primary_key=True), _text("hash"), _moment("changed_at"))

memberships = Table(
    "memberships",
    metadata,
    _account(primary_key=True),
    _text("tenant", primary_key=True),
    _text("role"),
    _text("origin"),  # `claims`: the provider's, replaced at each login; `people`: given by somebody
    Index("ix_memberships_tenant", "tenant"),
)

groups = Table("groups", metadata, _text("tenant", primary_key=True), _text("name", primary_key=True))

group_members = Table(
    "group_members",
    metadata,
    _text("tenant", primary_key=True),
    _text("name", primary_key=True),
    _account(primary_key=True),
    _text("origin"),  # as of memberships
    ForeignKeyConstraint(
        ["tenant", "name"], ["groups.tenant", "groups.name"], name="fk_group_members_groups", ondelete="CASCADE"
    ),
    Index("ix_group_members_account_id", "account_id", "tenant"),
)

invitations = Table(
    "invitations",
    metadata,
    _text("invitation_id", primary_key=True),
    _text("tenant"),
    _text("role"),
    _text("email"),  # whose it is; empty: whoever has the link
    _text("secret_hash"),
    _text("created_by"),
    _moment("created_at"),
    _moment("expires_at"),
    _moment("used_at", nullable=True),
    UniqueConstraint("secret_hash"),
    Index("ix_invitations_tenant", "tenant"),
)

# Each sets the password of an account once.
password_links = Table(
    "password_links",
    metadata,
    _text("secret_hash", primary_key=True),
    _account(),
    _moment("expires_at"),
    Index("ix_password_links_account_id", "account_id"),
)

sessions = Table(
    "sessions",
    metadata,
    _text("secret_hash", primary_key=True),
    _text("session_id"),  # names it in lists and the audit
    _account(),
    _text("tenant"),
    _text("provider"),
    _text("address"),
    _text("agent"),
    _text("logout_hint"),  # the provider's id token, sealed by the session's secret
    _moment("created_at"),
    _moment("seen_at"),
    _moment("idle_ends_at"),
    _moment("ends_at"),
    _moment("revoked_at", nullable=True),
    Index("ix_sessions_account_id", "account_id"),
    Index("ix_sessions_ends_at", "ends_at"),
)

login_attempts = Table(
    "login_attempts",
    metadata,
    _text("state_hash", primary_key=True),
    _text("binding_hash"),  # of the secret in the browser's cookie; nonce and verifier are derived from that
    _text("provider"),
    _text("next"),
    _text("invitation_hash"),
    _moment("expires_at"),
    Index("ix_login_attempts_expires_at", "expires_at"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    _text("token_id", primary_key=True),
    _text("secret_hash"),
    _text("last_four"),
    _account(),
    _text("tenant"),
    _text("name"),
    Column("actions", JSON, nullable=False),
    Column("sources", JSON(none_as_null=True), nullable=True),  # keys; null: all
    _moment("created_at"),
    _moment("expires_at", nullable=True),
    _moment("last_used_at", nullable=True),
    _moment("revoked_at", nullable=True),
    Index("ix_api_tokens_account_id", "account_id"),
    Index("ix_api_tokens_tenant", "tenant"),
)

# What an API token was exchanged for: refresh tokens, each good once. One that comes twice ends its family.
refresh_families = Table(
    "refresh_families",
    metadata,
    _text("family_id", primary_key=True),
    _text("token_id", ForeignKey("api_tokens.token_id", ondelete="CASCADE")),
    _moment("created_at"),
    _moment("ends_at"),
    _moment("revoked_at", nullable=True),
    Index("ix_refresh_families_token_id", "token_id"),
    Index("ix_refresh_families_ends_at", "ends_at"),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    _text("secret_hash", primary_key=True),
    _text("family_id", ForeignKey("refresh_families.family_id", ondelete="CASCADE")),
    _moment("used_at", nullable=True),
    Index("ix_refresh_tokens_family_id", "family_id"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    _text("kid", primary_key=True),
    Column("public", JSON, nullable=False),  # a JWK; the private half stays in the process that made it
    _moment("checks_until"),
)

# Wrong passwords, by account and by address, for delays that grow.
login_failures = Table(
    "login_failures",
    metadata,
    _text("key", primary_key=True),
    Column("failures", Integer, nullable=False),
    _moment("last_at"),
    Index("ix_login_failures_last_at", "last_at"),
)

# Append-only: the database itself refuses changes. Rows go by their age alone.
audit = Table(
    "audit",
    metadata,
    Column("entry_id", Integer, primary_key=True, autoincrement=True),
    _moment("at"),
    _text("tenant"),
    _text("actor"),
    _text("action"),
    _text("object"),
    _text("result"),
    _text("address"),
    _text("request_id"),
    Index("ix_audit_tenant", "tenant", "entry_id"),
    Index("ix_audit_at", "at"),
    sqlite_autoincrement=True,
)
