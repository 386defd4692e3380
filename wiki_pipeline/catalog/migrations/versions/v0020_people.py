"""People: accounts, roles, groups, sessions, tokens and what was done with them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0016"


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["account_id"], ["accounts.account_id"], name=f"fk_{table}_account_id_accounts", ondelete="CASCADE"
    )


def upgrade() -> None:
    _people()
    _credentials()
    _audit()


def _people() -> None:
    op.create_table(
        "accounts",
        _text("account_id"),
        _text("issuer"),
        _text("subject"),
        _text("name"),
        _text("email"),
        sa.Column("email_verified", sa.Boolean(), nullable=False),
        sa.Column("operator", sa.Boolean(), nullable=False),
        _moment("created_at"),
        _moment("last_login_at", nullable=True),
        _moment("disabled_at", nullable=True),
        sa.UniqueConstraint("issuer", "subject", name="uq_accounts_issuer"),
        sa.PrimaryKeyConstraint("account_id", name="pk_accounts"),
    )
    op.create_table(
        "passwords",
        _text("account_id"),
        _text("hash"),
        _moment("changed_at"),
        _of_account("passwords"),
        sa.PrimaryKeyConstraint("account_id", name="pk_passwords"),
    )
    op.create_table(
        "memberships",
        _text("account_id"),
        _text("tenant"),
        _text("role"),
        _text("origin"),
        _of_account("memberships"),
        sa.PrimaryKeyConstraint("account_id", "tenant", name="pk_memberships"),
    )
    op.create_index("ix_memberships_tenant", "memberships", ["tenant"])
    op.create_table(
        "groups",
        _text("tenant"),
        _text("name"),
        sa.PrimaryKeyConstraint("tenant", "name", name="pk_groups"),
    )
    op.create_table(
        "group_members",
        _text("tenant"),
        _text("name"),
        _text("account_id"),
        _text("origin"),
        _of_account("group_members"),
        sa.ForeignKeyConstraint(
            ["tenant", "name"], ["groups.tenant", "groups.name"], name="fk_group_members_groups", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant", "name", "account_id", name="pk_group_members"),
    )
    op.create_index("ix_group_members_account_id", "group_members", ["account_id", "tenant"])
    op.create_table(
        "invitations",
        _text("invitation_id"),
        _text("tenant"),
        _text("role"),
        _text("email"),
        _text("secret_hash"),
        _text("created_by"),
        _moment("created_at"),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        sa.UniqueConstraint("secret_hash", name="uq_invitations_secret_hash"),
        sa.PrimaryKeyConstraint("invitation_id", name="pk_invitations"),
    )
    op.create_index("ix_invitations_tenant", "invitations", ["tenant"])
    op.create_table(
        "password_links",
        _text("secret_hash"),
        _text("account_id"),
        _moment("expires_at"),
        _of_account("password_links"),
        sa.PrimaryKeyConstraint("secret_hash", name="pk_password_links"),
    )
    op.create_index("ix_password_links_account_id", "password_links", ["account_id"])


def _credentials() -> None:
    op.create_table(
        "sessions",
        _text("secret_hash"),
        _text("session_id"),
        _text("account_id"),
        _text("tenant"),
        _text("provider"),
        _text("address"),
        _text("agent"),
        _text("logout_hint"),
        _moment("created_at"),
        _moment("seen_at"),
        _moment("idle_ends_at"),
        _moment("ends_at"),
        _moment("revoked_at", nullable=True),
        _of_account("sessions"),
        sa.PrimaryKeyConstraint("secret_hash", name="pk_sessions"),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])
    op.create_index("ix_sessions_ends_at", "sessions", ["ends_at"])
    op.create_table(
        "login_attempts",
        _text("state_hash"),
        _text("binding_hash"),
        _text("provider"),
        _text("next"),
        _text("invitation_hash"),
        _moment("expires_at"),
        sa.PrimaryKeyConstraint("state_hash", name="pk_login_attempts"),
    )
    op.create_index("ix_login_attempts_expires_at", "login_attempts", ["expires_at"])
    op.create_table(
        "api_tokens",
        _text("token_id"),
        _text("secret_hash"),
        _text("last_four"),
        _text("account_id"),
        _text("tenant"),
        _text("name"),
        sa.Column("actions", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=True),
        _moment("created_at"),
        _moment("expires_at", nullable=True),
        _moment("last_used_at", nullable=True),
        _moment("revoked_at", nullable=True),
        _of_account("api_tokens"),
        sa.PrimaryKeyConstraint("token_id", name="pk_api_tokens"),
    )
    op.create_index("ix_api_tokens_account_id", "api_tokens", ["account_id"])
    op.create_index("ix_api_tokens_tenant", "api_tokens", ["tenant"])
    op.create_table(
        "refresh_families",
        _text("family_id"),
        _text("token_id"),
        _moment("created_at"),
        _moment("ends_at"),
        _moment("revoked_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["token_id"], ["api_tokens.token_id"], name="fk_refresh_families_token_id_api_tokens", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("family_id", name="pk_refresh_families"),
    )
    op.create_index("ix_refresh_families_token_id", "refresh_families", ["token_id"])
    op.create_index("ix_refresh_families_ends_at", "refresh_families", ["ends_at"])
    op.create_table(
        "refresh_tokens",
        _text("secret_hash"),
        _text("family_id"),
        _moment("used_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["family_id"],
            ["refresh_families.family_id"],
            name="fk_refresh_tokens_family_id_refresh_families",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("secret_hash", name="pk_refresh_tokens"),
    )
    op.create_index("ix_refresh_tokens_family_id", "refresh_tokens", ["family_id"])
    op.create_table(
        "signing_keys",
        _text("kid"),
        sa.Column("public", sa.JSON(), nullable=False),
        _moment("checks_until"),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    op.create_table(
        "login_failures",
        _text("key"),
        sa.Column("failures", sa.Integer(), nullable=False),
        _moment("last_at"),
        sa.PrimaryKeyConstraint("key", name="pk_login_failures"),
    )
    op.create_index("ix_login_failures_last_at", "login_failures", ["last_at"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        _moment("at"),
        _text("tenant"),
        _text("actor"),
        _text("action"),
        _text("object"),
        _text("result"),
        _text("address"),
        _text("request_id"),
        sa.PrimaryKeyConstraint("entry_id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_tenant", "audit", ["tenant", "entry_id"])
    op.create_index("ix_audit_at", "audit", ["at"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER audit_stays BEFORE UPDATE ON audit "
            "BEGIN SELECT RAISE(ABORT, 'what the audit holds is not changed'); END"
        )
    else:
        op.execute(
            "CREATE OR REPLACE FUNCTION audit_stays() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'what the audit holds is not changed'; END $$"
        )
        op.execute("CREATE TRIGGER audit_stays BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_stays()")
