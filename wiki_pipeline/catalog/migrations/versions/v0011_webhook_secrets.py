"""Webhook secrets by connection: where a connection's are, and of which connection an event's source must be."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("connections", sa.Column("webhook_secret_ref", sa.Text(), nullable=False, server_default=""))
    op.add_column("events", sa.Column("connection", sa.Text(), nullable=False, server_default=""))
