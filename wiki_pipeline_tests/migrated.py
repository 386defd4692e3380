"""An empty catalog of the newest schema, migrated once a process: what tests begin with is a copy of it.

All migrations one after the other take a sixth of a second of a processor, more with each new one; a copy takes a
millisecond. What a first start makes of nothing is the affair of the catalog's own tests.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.catalog.sqlite_files import make_private


def put_catalog(path: Path) -> None:
    """Put an empty, migrated SQLite catalog there, unless there is one."""
    if not path.exists():
        make_private(path)
        path.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "catalog.sqlite")
        with Catalog(f"sqlite:///{path}") as catalog:
            catalog.sources("default")
        assert [file.name for file in Path(folder).iterdir()] == [path.name], "a log beside it is a part of it"
        return path.read_bytes()
