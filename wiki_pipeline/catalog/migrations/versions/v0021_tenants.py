"""Tenants as rows, secrets sealed with a data key a tenant, and when what can be made again was used last.

Whoever had sources or connections before is a tenant from here on.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    tenants = op.create_table(
        "tenants",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("steps_done", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant", name="pk_tenants"),
    )
    op.create_table(
        "data_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("master_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_data_keys"),
        sa.UniqueConstraint("tenant", name="uq_data_keys_tenant"),
    )
    op.create_table(
        "secrets",
        sa.Column("secret_id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("last4", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("secret_id", name="pk_secrets"),
        sa.UniqueConstraint("tenant", "kind", "name", name="uq_secrets_tenant"),
    )
    op.create_table(
        "uses",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "what", name="pk_uses"),
    )
    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT tenant FROM sources UNION SELECT tenant FROM connections")).scalars()
    moment = datetime.now(UTC)
    if connection.dialect.name == "sqlite":  # which knows no time zones, and holds UTC
        moment = moment.replace(tzinfo=None)
    rows = [
        {
            "tenant": name,
            "title": "",
            "state": "active",
            "settings": {},
            "steps_done": [],
            "created_at": moment,
            "dropped_at": None,
        }
        for name in sorted(found)
    ]
    if rows:
        op.bulk_insert(tenants, rows)
