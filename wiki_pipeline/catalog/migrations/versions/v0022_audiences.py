"""Who may read each source; what may be used of what, and what is used; models' keys of tenants and people.

Sources of before are read by their whole tenant, as they were.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("sources", sa.Column("audience", sa.Text(), nullable=False, server_default="tenant"))
    op.add_column("sources", sa.Column("audience_groups", sa.JSON(), nullable=False, server_default="[]"))
    op.create_table(
        "audience_marks",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_audience_marks"),
    )
    op.create_table(
        "former_audiences",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("audience_groups", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_former_audiences"),
    )
    op.create_index("ix_former_audiences_tenant", "former_audiences", ["tenant"])
    op.create_table(
        "quota_caps",
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("holder", "kind", "period", name="pk_quota_caps"),
    )
    op.create_table(
        "quota_plans",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_quota_plans"),
    )
    op.create_table(
        "quota_use",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("began", sa.Text(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "account", "kind", "began", name="pk_quota_use"),
    )
    op.create_table(
        "quota_reservations",
        sa.Column("reservation_id", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("began", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("reservation_id", "tenant", "account", "kind", "began", name="pk_quota_reservations"),
    )
    op.create_index("ix_quota_reservations_expires_at", "quota_reservations", ["expires_at"])
    op.create_table(
        "model_keys",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("secret_ref", sa.Text(), nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "account", name="pk_model_keys"),
    )
