"""Running a program and reading its figures; of several rounds the median counts.

Programs import this in the peers' environment too, so it needs nothing but Python's own library.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wiki_pipeline_tests.benchmarks.footprint import Footprint

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-bench" / "bin" / "python"
_WHOSE = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
# Settings of whoever runs the benchmarks must not reach what is measured.
_SETTINGS = ("CONFLUENCE_", "WIKI_PIPELINE_", "OPENAI_", "DAGSTER_")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program.

    Attributes:
        figures: what it printed: `seconds` of work, `cpu_seconds`, and what it counted.
        start_seconds: the process's start and end, imports included; not part of `seconds`.
        peak_bytes: the highest memory of the process and those that it started, together; 0 if it was not watched.
    """

    figures: Mapping[str, float]
    start_seconds: float
    peak_bytes: int = 0

    def __getitem__(self, name: str) -> float:
        return self.figures[name]


class Clock:
    """Times a program's work from when it is made."""

    def __init__(self) -> None:
        self._cpu = _cpu_seconds()
        self._started = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Wall time so far."""
        return time.perf_counter() - self._started

    def stop(self, **figures: float) -> None:
        """Print the figures of this process as one line of JSON."""
        seconds, cpu = self.seconds, _cpu_seconds() - self._cpu
        print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, **figures}))


def _cpu_seconds() -> float:
    used = [resource.getrusage(whose) for whose in _WHOSE]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def run(
    program: str,
    *arguments: object,
    environment: Mapping[str, str] | None = None,
    python: str | Path = sys.executable,
    watched: bool = False,
) -> Run:
    """Run a program of the benchmarks in a process of its own and read the figures that it prints last.

    Args:
        program: its module, below this package.
        arguments: of its command line.
        environment: its settings.
        python: the interpreter of its environment.
        watched: look at its memory all the time, which costs some of the machine's.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    # With its modules compiled before, as in an installation.
    inherited |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}
    started = time.perf_counter()
    with (
        subprocess.Popen(
            [python, "-m", f"{__package__}.{program}", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**inherited, **(environment or {})},
            # Not where somebody's `.env` is.
            cwd=(environment or {}).get("WIKI_PIPELINE_HOME", ROOT),
        ) as process,
        Footprint(process.pid) as footprint,
    ):
        printed, said = process.communicate()
    seconds = time.perf_counter() - started
    if process.returncode != 0:
        raise RuntimeError(f"{program} failed with {process.returncode}: {said[-2000:]}")
    figures: dict[str, float] = json.loads(printed.strip().splitlines()[-1])
    return Run(figures, seconds - figures["seconds"], footprint.highest)


def median(runs: Iterable[Run], name: str = "seconds") -> float:
    """The median of a figure over the rounds."""
    return statistics.median(one[name] for one in runs)


def highest(runs: Iterable[Run], name: str) -> float:
    """The highest value of a figure over the rounds: for counts and memory, where no round may be over the bound."""
    return max(one[name] for one in runs)


def start_seconds(runs: Iterable[Run]) -> float:
    """The median time that the program's process took to start and end."""
    return statistics.median(one.start_seconds for one in runs)


def tell(text: str) -> None:
    """Progress, for whoever waits."""
    print(text, file=sys.stderr, flush=True)
