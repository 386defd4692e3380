"""Numbers of events and syncs as wide as the interface takes them: PostgreSQL's were of 32 bits. SQLite's are of 64."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_COLUMNS = {"events": "event_id", "syncs": "sync_id"}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, column in _COLUMNS.items():
        op.alter_column(table, column, type_=sa.BigInteger(), existing_type=sa.Integer(), existing_nullable=False)
        # Made with the column, under the name that PostgreSQL gives it.
        op.execute(f"ALTER SEQUENCE {table}_{column}_seq AS BIGINT")
