"""Connections: the sites and hosts that sources are read from; and whose a source is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "connections",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("secret_ref", sa.Text(), nullable=False),
        sa.Column("managed_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name="pk_connections"),
    )
    op.add_column("sources", sa.Column("connection", sa.Text(), nullable=False, server_default=""))
    op.add_column("sources", sa.Column("managed_by", sa.Text(), nullable=False, server_default=""))
    # There was one Confluence, that of the settings. A repository's connection is found by its host.
    op.execute("UPDATE sources SET connection = 'default' WHERE kind = 'confluence'")
