"""The log of what syncs changed: documents added, updated and deleted, for feeds and other systems."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("change_id", sa.Integer(), nullable=False),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("document_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("previous_version", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("change_id", name="pk_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_tenant", "changes", ["tenant", "change_id"])
    op.create_index("ix_changes_source", "changes", ["source", "document_id"])
    op.create_index("ix_changes_set_id", "changes", ["set_id"])
    op.create_table(
        "change_sets",
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("set_id", name="pk_change_sets"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_change_sets_tenant", "change_sets", ["tenant", "set_id"])
    op.create_table(
        "change_states",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("data_version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_change_states"),
    )
    op.create_table(
        "change_logs",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("log_id", sa.Text(), nullable=False),
        sa.Column("floor", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_change_logs"),
    )
