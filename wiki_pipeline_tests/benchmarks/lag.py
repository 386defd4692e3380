"""Lag: from a change's event to the search that finds it, on a system that is idle otherwise, beside the least that
Dagster takes: an empty job of the same executor, from its sensor to its end, in the same daemon."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from wiki_pipeline_tests.benchmarks.confluence import environment, served
from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import ROOT, Run, run

PAGES = 200
EDITS = 50
_LOCATIONS = {
    "wiki_pipeline": "wiki_pipeline.definitions",
    "empty": f"{__package__}.programs.empty_job",
}
_STARTS_WITHIN = 120.0
_STOPS_WITHIN = 20.0


def measure(edits: int | None = None) -> Iterator[Figure]:
    """The figures for the usual number of edits, or another."""
    rounds = edits or EDITS
    took = measured(rounds)
    ours = f"sensor {took['sensor']:.1f} s, queue and start {took['start']:.1f} s, stages {took['stages']:.1f} s"
    least = (
        f"sensor {took['empty_sensor']:.1f} s, queue and start {took['empty_start']:.1f} s, "
        f"step {took['empty_steps']:.1f} s"
    )
    name = f"Lag from event to found by search, {rounds} edits"
    yield Figure(f"{name}, median", took["found_p50"], "s", ours)
    yield Figure(f"{name}, 95th percentile", took["found_p95"], "s", f"longest {took['found_max']:.1f} s")
    yield Figure("An empty Dagster job from sensor to end, median", took["empty_p50"], "s", least)
    ratio = took["found_p50"] / took["empty_p50"]
    yield Figure("Lag against the empty job, medians", ratio, "x", "sensor, queue and process the same", most=1.5)


def measured(rounds: int) -> Run:
    """The program's figures, with all processes started and ended."""
    with served(PAGES) as server, tempfile.TemporaryDirectory() as home:
        settings = environment(Path(home), server)
        run("programs.sync_job", environment=settings)
        page = str(server.do("spaces/ENG/pages", title="Edited again and again", body="<p>New.</p>")["id"])
        with dagster(Path(home), settings):
            return run("programs.lag", server.url, page, rounds, environment=settings)


@contextmanager
def dagster(home: Path, settings: Mapping[str, str]) -> Iterator[None]:
    """The daemon and a code server for each location, as in production."""
    sockets = {name: home / f"{name}.sock" for name in _LOCATIONS}
    lines = [f"  - grpc_server: {{socket: '{path}', location_name: {name}}}" for name, path in sockets.items()]
    (home / "workspace.yaml").write_text("\n".join(["load_from:", *lines]))
    grpc = {
        name: ["dagster", "api", "grpc", "--socket", str(sockets[name]), "--module-name", module]
        for name, module in _LOCATIONS.items()
    }
    commands = [*grpc.values(), ["dagster._daemon", "run", "--workspace", str(home / "workspace.yaml")]]
    with _processes(home, settings, commands[:-1]):
        _wait(sockets.values())
        with _processes(home, settings, commands[-1:]):
            yield


@contextmanager
def _processes(home: Path, settings: Mapping[str, str], commands: Sequence[Sequence[str]]) -> Iterator[None]:
    inherited = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "", **settings}
    running = []
    try:
        with (home / "dagster.log").open("ab") as log:
            for command in commands:
                arguments = [sys.executable, "-m", *command]
                running.append(subprocess.Popen(arguments, env=inherited, cwd=home, stdout=log, stderr=log))
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(_STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(paths: Iterable[Path]) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    for path in paths:
        while not path.exists():
            if time.monotonic() > deadline:
                raise TimeoutError("Dagster's code servers did not start.")
            time.sleep(0.1)
