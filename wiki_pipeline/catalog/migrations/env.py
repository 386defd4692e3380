"""How Alembic reaches the database: by the connection that `schema.upgrade` gives it, or, from Alembic's own command
line (`alembic revision --autogenerate`), by the settings."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from wiki_pipeline.catalog.tables import metadata


def _run(connection: Connection) -> None:
    # Batch mode: SQLite changes a table by copying it.
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    from wiki_pipeline.catalog.database import Database
    from wiki_pipeline.catalog.settings import CatalogSettings
    from wiki_pipeline.settings import load

    with Database(load(CatalogSettings).catalog_url).write() as opened:
        _run(opened)
