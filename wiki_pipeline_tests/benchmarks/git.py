"""A Git repository: first sync and resync with nothing changed, against `git clone` alone."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import Run, highest, median, run, start_seconds, tell
from wiki_pipeline_tests.benchmarks.repository import make_repository

FILES = 5_000
COMMITS = 300
ROUNDS = 3


def measure(files: int | None = None) -> Iterator[Figure]:
    """The figures at the usual size, or at another."""
    size = files or FILES
    with tempfile.TemporaryDirectory() as folder:
        repository = make_repository(Path(folder) / "platform.git", size, COMMITS)
        first, again, cloned = _rounds(repository, Path(folder))
    at, clone = f"Git repository of {size:,} files", statistics.median(cloned)
    documents = f"{first[0]['raw_pages_rows']:,.0f} documents, {first[0]['vectors_rows']:,.0f} chunks"
    basis = f"{median(first):.2f} s against {clone:.2f} s; {documents}; start {start_seconds(first):.1f} s more"
    yield Figure(f"{at}: first sync against git clone", median(first) / clone, "x", basis)
    basis = f"{median(again):.2f} s against {clone:.2f} s; start {start_seconds(again):.1f} s more"
    yield Figure(f"{at}: resync with nothing changed against git clone", median(again) / clone, "x", basis)
    yield Figure(f"{at}: embeddings of that resync", highest(again, "embedded"), "", most=0)
    yield Figure(f"{at}: commits of that resync", highest(again, "commits"), "", most=0)


def _rounds(repository: Path, folder: Path) -> tuple[list[Run], list[Run], list[float]]:
    first: list[Run] = []
    again: list[Run] = []
    cloned: list[float] = []
    for number in range(1, ROUNDS + 1):
        home = folder / f"home{number}"
        home.mkdir()
        settings = {
            "WIKI_PIPELINE_HOME": str(home),
            "WIKI_PIPELINE_GIT_REPOSITORIES": json.dumps([{"url": repository.as_uri()}]),
        }
        first.append(run("programs.sync_stages", environment=settings))
        cloned.append(_clone(repository, folder / f"clone{number}"))
        again.append(run("programs.sync_stages", environment=settings))
        took = f"{first[-1]['seconds']:.1f} s, again {again[-1]['seconds']:.2f} s, git clone {cloned[-1]:.2f} s"
        tell(f"git, round {number} of {ROUNDS}: {took}")
    return first, again, cloned


def _clone(repository: Path, to: Path) -> float:
    """Seconds of a clone with its working tree, through the transport that a server would use."""
    started = time.perf_counter()
    subprocess.run(["git", "clone", "--quiet", repository.as_uri(), str(to)], check=True)
    return time.perf_counter() - started
