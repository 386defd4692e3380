"""`python -m wiki_pipeline_tests.benchmarks [NAME ...] [--pages N] [--into FOLDER]`: measure, and tell.

Without a name: all of them, the table and the picture written to `results`. With names: only those, the table printed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from wiki_pipeline_tests.benchmarks import (
    access_cost,
    first_sync,
    git,
    hot_paths,
    issues,
    lag,
    memory,
    relevance,
    repository_wiki,
    resync,
    retrieval,
    search_speed,
    webhook_intake,
)
from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import PEERS
from wiki_pipeline_tests.benchmarks.plot import picture
from wiki_pipeline_tests.benchmarks.report import PICTURE, TABLE, page, table

BENCHMARKS: dict[str, Callable[[int | None], Iterator[Figure]]] = {
    "hot_paths": hot_paths.measure,
    "first_sync": first_sync.measure,
    "resync": resync.measure,
    "memory": memory.measure,
    "git": git.measure,
    "repository_wiki": repository_wiki.measure,
    "retrieval": retrieval.measure,
    "relevance": relevance.measure,
    "search_speed": search_speed.measure,
    "webhook_intake": webhook_intake.measure,
    "issues": issues.measure,
    "access_cost": access_cost.measure,
    "lag": lag.measure,
}
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Ratios against peers, measured side by side.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; none: all")
    parser.add_argument(
        "--pages", type=int, metavar="N", help="another size (pages, files of a repository, deliveries, edits)"
    )
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="write table and picture there")
    options = parser.parse_args()
    if unknown := set(options.names) - BENCHMARKS.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    names = options.names or list(BENCHMARKS)
    if {"first_sync", "issues", "retrieval"} & set(names) and not PEERS.exists():
        parser.error("first_sync, issues and retrieval need the peers' environment; `make bench` makes it")
    figures = [figure for name in names for figure in BENCHMARKS[name](options.pages)]
    print(table(figures))
    into = options.into or (RESULTS if not options.names and not options.pages else None)
    if into is not None:
        into.mkdir(parents=True, exist_ok=True)
        (into / TABLE).write_text(page(figures))
        (into / PICTURE).write_text(picture(figures))


if __name__ == "__main__":
    main()
