"""Running a program and reading its figures; the machine's description."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

Figures = dict[str, float]


def print_figures(**figures: float) -> None:
    """The figures of this process as one line of JSON, with the highest memory it had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({**figures, "peak_bytes": peak * (1 if sys.platform == "darwin" else 1024)}))


def run(module: str, *arguments: object, environment: dict[str, str] | None = None) -> Figures:
    """Run a module of the benchmarks in a process of its own and read the figures it prints last.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    command = [sys.executable, "-m", f"wiki_pipeline_tests.benchmarks.{module}", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})}
    )
    if done.returncode != 0:
        raise RuntimeError(f"{module} failed with {done.returncode}: {done.stderr[-2000:]}")
    figures: Figures = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
