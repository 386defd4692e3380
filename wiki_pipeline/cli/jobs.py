"""Dagster as the command line uses it: where it keeps its state, and the jobs that it runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import wiki_pipeline
from wiki_pipeline.settings import Settings

if TYPE_CHECKING:
    from wiki_pipeline.defs.in_process import Jobs

VARIABLE = "DAGSTER_HOME"


def clone() -> Path | None:
    """The clone of the project that this program runs from; None if it was installed as a package."""
    folder = Path(wiki_pipeline.__file__).parents[1]
    return folder if (folder / "workspace.yaml").is_file() else None


def use_dagster_home(settings: Settings) -> Path:
    """Set `DAGSTER_HOME` for this process and its children where it is not set: to a folder of the clone, or of our own
    state where there is no clone. Returns the folder, which exists."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        home = Path(chosen).expanduser().absolute()
    else:
        root = clone()
        home = root / "dagster_home" if root else settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    os.environ[VARIABLE] = str(home)
    return home


def open_jobs(settings: Settings) -> Jobs:
    """The jobs, on Dagster's state of this installation."""
    use_dagster_home(settings)
    from wiki_pipeline.definitions import defs  # noqa: PLC0415 - Dagster takes seconds that most commands don't need
    from wiki_pipeline.defs.in_process import Jobs  # noqa: PLC0415

    return Jobs(defs)
