"""The catalog's schema in a database: made or upgraded by the first process that opens it, once."""

from __future__ import annotations

import threading

from sqlalchemy import Connection, inspect, text

from wiki_pipeline.errors import CatalogError

# The newest revision in migrations/versions. Known here, so that a start on a current database does not load Alembic.
HEAD = "0020"
# The oldest revision whose programs can read and write a database that is at `HEAD`: migrations since have only added
# tables, and columns whose default is what such a program means. So a gateway of the version before goes on while the
# next one is rolled out.
OLDEST_PROGRAM = "0016"

# Alembic's context is the process's: two databases migrated at once by two threads would get each other's steps.
_MIGRATING = threading.Lock()
_ADVISORY_LOCK = 0x77_69_6B_69  # "wiki": the same number in every program that migrates a catalog


def is_current(connection: Connection) -> bool:
    """Whether the database is at `HEAD`, or at a later revision that says that this program can use it."""
    found = _revision(connection)
    return found == HEAD or _is_usable(connection, found)


def upgrade(connection: Connection, address: str) -> None:
    """Bring the database to `HEAD`, in the connection's write transaction. Several processes may do this at once: one
    works, the others wait.

    Raises:
        CatalogError: the database was made by a newer program.
    """
    if connection.dialect.name == "postgresql":  # SQLite's write transaction excludes all others by itself
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    found = _revision(connection)
    if found != HEAD and not _is_usable(connection, found):
        _migrate(connection, found, address)
        say_who_may_use_it(connection)


def say_who_may_use_it(connection: Connection) -> None:
    """Write into a database at `HEAD` which programs can use it."""
    connection.execute(text("DELETE FROM schema_use"))
    connection.execute(text("INSERT INTO schema_use (oldest_program) VALUES (:oldest)"), {"oldest": OLDEST_PROGRAM})


def _is_usable(connection: Connection, found: str | None) -> bool:
    """Whether a database that a later program has migrated says that this one can use it."""
    if found is None or found <= HEAD or not inspect(connection).has_table("schema_use"):
        return False
    oldest = connection.execute(text("SELECT oldest_program FROM schema_use")).scalar_one_or_none()
    return oldest is not None and oldest <= HEAD


def make(connection: Connection, address: str, revision: str) -> None:
    """Make the tables of a revision in a database without any, in the connection's write transaction.

    Raises:
        CatalogError: the revision is a newer program's.
    """
    _migrate(connection, None, address, revision)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _migrate(connection: Connection, found: str | None, address: str, to: str = HEAD) -> None:
    from alembic import command  # noqa: PLC0415 - a third of a second that only an old or new database costs
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "wiki_pipeline.catalog:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if newer := {found, to} - known - {None}:
        which = max(str(revision) for revision in newer)
        raise CatalogError(
            f"The catalog {address} was made by a newer wiki-pipeline (schema {which}; this one knows up to {HEAD}).",
            "Install the newer version; nothing was changed.",
        )
    config.attributes["connection"] = connection
    with _MIGRATING:
        command.upgrade(config, to)
