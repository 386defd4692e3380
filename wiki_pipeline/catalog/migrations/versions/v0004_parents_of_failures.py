"""Which document shows an attachment that failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("failures", sa.Column("parent_id", sa.Text(), nullable=False, server_default=""))
