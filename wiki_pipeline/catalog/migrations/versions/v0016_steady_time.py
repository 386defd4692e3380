"""Seconds that pass whatever is done to the clock, for what has to last so long.

What was to last by the clock has its time over: an expired lease or a wait that ends early costs a second try.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "clock",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.Column("boot", sa.Text(), nullable=False),
        sa.Column("passed", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_clock"),
    )
    for table, column in (("leases", "ends"), ("claims", "ends"), ("claims", "rests_until"), ("events", "rests_until")):
        op.add_column(table, sa.Column(column, sa.Double(), nullable=False, server_default="0"))
