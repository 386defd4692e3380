"""The highest memory of the process that syncs, and how little it grows with the number of pages."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from wiki_pipeline_tests.benchmarks.confluence import environment, served
from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import run, tell

PAGES = 10_000
TIMES = 5


def measure(pages: int | None = None) -> Iterator[Figure]:
    """The figures at the usual size, or at another."""
    small = pages or PAGES
    least, most = _peak(small), _peak(small * TIMES)
    yield Figure(f"Peak memory of a first sync, {small:,} pages", least, "MB", "all stages", most=700)
    basis = f"{most:.0f} MB against {least:.0f} MB"
    yield Figure(f"Peak memory at {small * TIMES:,} pages, against {small:,}", most / least, "x", basis, most=1.1)


def _peak(pages: int) -> float:
    """Megabytes (of 1,000,000 bytes)."""
    with served(pages) as server, tempfile.TemporaryDirectory() as home:
        done = run("programs.sync_stages", environment=environment(Path(home), server), watched=True)
    tell(f"memory, {pages:,} pages: {done.peak_bytes / 1e6:.0f} MB, {done['seconds']:.0f} s")
    return done.peak_bytes / 1e6
