"""What processes do to SQLite's files: databases that are open but deleted, and databases that are damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path


def deleted(folder: Path) -> list[str]:
    """Files of databases below a folder that a process has open although they were deleted: what it commits is lost."""
    return sorted(
        {
            target
            for target in _open_files()
            if target.startswith(str(folder)) and target.endswith(" (deleted)") and _is_database(target.split(" ")[0])
        }
    )


def damaged(folder: Path) -> list[str]:
    """Databases below a folder that don't pass SQLite's own check. Opens them: for when no process uses them."""
    wrong = []
    for path in sorted(folder.rglob("*")):
        if path.suffix not in {".sqlite", ".db"} or not path.is_file():
            continue
        with closing(sqlite3.connect(path)) as connection:
            try:
                found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            except sqlite3.DatabaseError as error:
                found = [str(error)]
        if found != ["ok"]:
            wrong.append(f"{path}: {found[:3]}")
    return wrong


def _is_database(name: str) -> bool:
    return name.removesuffix("-wal").removesuffix("-journal").endswith((".sqlite", ".db"))


def _open_files() -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile, or is not ours to see
            for descriptor in list((process / "fd").iterdir()):
                with suppress(OSError):
                    yield str(descriptor.readlink())
