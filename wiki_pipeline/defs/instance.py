"""Dagster's own state, looked after by one process before several start on it.

`python -m wiki_pipeline.defs.instance` sets damaged databases of `DAGSTER_HOME` aside, says so, and opens the instance
once, which makes the databases that are missing.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

import dagster as dg

from wiki_pipeline.defs.storage import set_damaged_aside
from wiki_pipeline.errors import CatalogError

_SILENT_SECONDS = 120.0


def prepare(home: Path) -> list[str]:
    """Repair and make the databases of the instance. Repeatable, but not while something uses them. Returns what was
    repaired, for people.

    Raises:
        CatalogError: another process uses a database.
    """
    repaired = set_damaged_aside(home)
    with dg.DagsterInstance.get():
        return repaired


def upgrade() -> str:
    """Bring the storage of the instance of `DAGSTER_HOME` to this version of Dagster, which is returned. Repeatable."""
    # What it tells is for people; what a command prints may be for programs.
    with redirect_stdout(sys.stderr), dg.DagsterInstance.get() as instance:
        instance.upgrade()
    return dg.__version__


def examine(home: Path) -> tuple[str, str, str]:
    """What is found of the instance, what is wrong with it (empty: nothing), and what to do."""
    try:
        with dg.DagsterInstance.from_config(str(home)) as instance:
            alive = instance.get_daemon_heartbeats()
            storage = type(instance.event_log_storage).__name__
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        return "", f"The instance of {home} can't be opened: {first[:300]}", "Check dagster.yaml and its storage."
    found = f"{home}: {storage}"
    if not alive:
        return found, f"{found}; no daemon has ever run on it", "Start `wiki-pipeline up`, or Dagster's daemon."
    last = max(heartbeat.timestamp for heartbeat in alive.values())
    if (ago := time.time() - last) > _SILENT_SECONDS:
        return found, f"{found}; the daemon was last alive {ago / 60:.0f} minutes ago", "Start it again."
    return f"{found}; the daemon is alive", "", ""


if __name__ == "__main__":
    try:
        for done in prepare(Path(os.environ["DAGSTER_HOME"])):
            print(done)
    except CatalogError as problem:
        sys.exit(str(problem))
