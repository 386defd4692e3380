"""People by the connection that tells their names: an id may be that of another person on another site.

Of what was known before it is not recorded which site said it: every site of the kind keeps it, and corrects it when it
is next asked.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "people_by_site",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "connection", "person_id", name="pk_people_by_site"),
    )
    op.execute(
        "INSERT INTO people_by_site (tenant, kind, connection, person_id, name, asked_at) "
        "SELECT people.tenant, people.kind, sites.connection, people.person_id, people.name, people.asked_at "
        "FROM people JOIN (SELECT DISTINCT tenant, kind, connection FROM sources) AS sites "
        "ON sites.tenant = people.tenant AND sites.kind = people.kind"
    )
    op.drop_table("people")
    op.rename_table("people_by_site", "people")
