"""Dagster's own state, looked after by one process before several start on it.

`python -m wiki_pipeline.defs.instance` sets damaged databases of `DAGSTER_HOME` aside, says so, and opens the instance
once, which makes the databases that are missing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import dagster as dg

from wiki_pipeline.defs.storage import set_damaged_aside
from wiki_pipeline.errors import CatalogError


def prepare(home: Path) -> list[str]:
    """Repair and make the databases of the instance. Repeatable, but not while something uses them. Returns what was
    repaired, for people.

    Raises:
        CatalogError: another process uses a database.
    """
    repaired = set_damaged_aside(home)
    with dg.DagsterInstance.get():
        return repaired


if __name__ == "__main__":
    try:
        for done in prepare(Path(os.environ["DAGSTER_HOME"])):
            print(done)
    except CatalogError as problem:
        sys.exit(str(problem))
