"""Dagster's own state, made by one process before several start on it: two that make it at once ruin it.

`python -m wiki_pipeline.defs.instance` opens the instance of `DAGSTER_HOME` once, which makes its databases.
"""

from __future__ import annotations

import dagster as dg


def prepare() -> None:
    """Make the databases of the instance where they are missing. Repeatable, not by two processes at once."""
    with dg.DagsterInstance.get():
        pass


if __name__ == "__main__":
    prepare()
