"""SQLite databases as files: made for their owner alone, checked for damage, and set aside once damaged.

Nothing in the program opens the file of a database except through SQLite. When a process closes any descriptor of a
file, the system drops all locks that the process holds on it (POSIX says so), those of SQLite too: another process then
takes itself for the last user, deletes the log that is in use, and the file is torn.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from wiki_pipeline.errors import CatalogError

_COMPANIONS = ("-wal", "-shm", "-journal")


def make_private(path: Path) -> None:
    """Make an empty database file that only its owner can read, if there is none.

    SQLite gives the files beside it (`-wal`, `-shm`) the same mode. The file is closed before it gets its name, so that
    no other connection's locks on it can be dropped.

    Raises:
        OSError: the folder can't be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first
    finally:
        Path(draft).unlink()


def find_damage(path: Path) -> str | None:
    """What is wrong with a database, in SQLite's words; None if it is sound or not there.

    Raises:
        CatalogError: another process uses it, or it can't be read.
    """
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path, timeout=5.0, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("BEGIN IMMEDIATE")
            (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        raise CatalogError(
            f"The database {path} can't be checked: {error}.",
            "Stop whatever uses it, and check that it may be read and written.",
        ) from None
    except sqlite3.DatabaseError as error:  # "database disk image is malformed", "file is not a database"
        return str(error)
    return None if found == "ok" else str(found).strip().splitlines()[-1]


def set_aside(path: Path) -> Path:
    """Rename a database with the files beside it, so that a new one can take its place. Returns its new name.

    No process may have it open.
    """
    kept = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    for suffix in ("", *_COMPANIONS):
        beside = Path(f"{path}{suffix}")
        if beside.exists():
            beside.rename(f"{kept}{suffix}")
    return kept
