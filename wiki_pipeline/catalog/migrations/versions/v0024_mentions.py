"""Which documents and commits name which documents elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "mentions",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["sources.source"], name="fk_mentions_source", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source", "what", "holder", "name", name="pk_mentions"),
    )
    op.create_index("ix_mentions_name", "mentions", ["name"])
    op.create_table(
        "mention_states",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["sources.source"], name="fk_mention_states_source", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source", "what", name="pk_mention_states"),
    )
