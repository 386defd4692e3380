"""The catalog's schema in a database: made or upgraded by the first process that opens it, once."""

from __future__ import annotations

import threading

from sqlalchemy import Connection, inspect, text

from wiki_pipeline.errors import CatalogError

# The newest revision in migrations/versions. Known here, so that a start on a current database does not load Alembic.
HEAD = "0011"

# Alembic's context is the process's: two databases migrated at once by two threads would get each other's steps.
_MIGRATING = threading.Lock()
_ADVISORY_LOCK = 0x77_69_6B_69  # "wiki": the same number in every program that migrates a catalog


def is_current(connection: Connection) -> bool:
    """Whether the database is at `HEAD`."""
    return _revision(connection) == HEAD


def upgrade(connection: Connection, address: str) -> None:
    """Bring the database to `HEAD`, in the connection's write transaction. Several processes may do this at once: one
    works, the others wait.

    Raises:
        CatalogError: the database was made by a newer program.
    """
    if connection.dialect.name == "postgresql":  # SQLite's write transaction excludes all others by itself
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    found = _revision(connection)
    if found != HEAD:
        _migrate(connection, found, address)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _migrate(connection: Connection, found: str | None, address: str) -> None:
    from alembic import command  # noqa: PLC0415 - a third of a second that only an old or new database costs
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "wiki_pipeline.catalog:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise CatalogError(
            f"The catalog {address} was made by a newer wiki-pipeline (schema {found}; this one knows up to {HEAD}).",
            "Install the newer version; nothing was changed.",
        )
    config.attributes["connection"] = connection
    with _MIGRATING:
        command.upgrade(config, HEAD)
