"""Dagster as the command line uses it: where it keeps its state, and the jobs that it runs."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import wiki_pipeline
from wiki_pipeline.sync.settings import Settings

if TYPE_CHECKING:
    from wiki_pipeline.defs.in_process import Jobs

VARIABLE = "DAGSTER_HOME"


def clone() -> Path | None:
    """The clone of the project that this program runs from; None if it was installed as a package."""
    folder = Path(wiki_pipeline.__file__).parents[1]
    return folder if (folder / "workspace.yaml").is_file() else None


def use_dagster_home(settings: Settings) -> Path:
    """Set `DAGSTER_HOME` for this process and its children where it is not set. Returns the folder, which exists and
    holds a `dagster.yaml`.

    It goes with the state: a clone's own state has the clone's folder, any other a folder of its own.
    """
    chosen = os.environ.get(VARIABLE)
    root = clone()
    if chosen:
        home = Path(chosen).expanduser().absolute()
    elif root is not None and settings.home.resolve() == (root / "var").resolve():
        home = root / "dagster_home"
    else:
        home = settings.home / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), (home / "dagster.yaml").open("x", encoding="utf-8") as file:
        file.write(Path(wiki_pipeline.__file__).with_name("defs").joinpath("dagster.yaml").read_text(encoding="utf-8"))
    os.environ[VARIABLE] = str(home)
    return home


def open_jobs(settings: Settings) -> Jobs:
    """The jobs, on Dagster's state of this installation."""
    use_dagster_home(settings)
    from wiki_pipeline.definitions import defs  # noqa: PLC0415 - Dagster takes seconds that most commands don't need
    from wiki_pipeline.defs.in_process import Jobs  # noqa: PLC0415

    return Jobs(defs)
