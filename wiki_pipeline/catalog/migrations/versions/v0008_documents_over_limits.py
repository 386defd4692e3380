"""Of a document that took more than one document may: what was tried, since it would fail again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("failures", sa.Column("tried", sa.Text(), nullable=False, server_default=""))
