"""One sync of every configured source, as `wiki-pipeline sync` does it, with the start of the process apart.

Usage: `python -m ...sync_once [STAGE ...]`; the settings come from the environment. Prints JSON: seconds in all and of
each stage, and how much was done.
"""

from __future__ import annotations

import sys
import time

from wiki_pipeline.catalog import SyncMode
from wiki_pipeline.model import Stage
from wiki_pipeline.settings import Settings, load
from wiki_pipeline.stages import chunks, clean_pages, raw_pages, vectors, wiki_pages
from wiki_pipeline.stages.pipeline import Pipeline
from wiki_pipeline.stages.sync import open_sync
from wiki_pipeline_tests.benchmarks.measure import print_figures

UPDATES = {
    Stage.RAW_PAGES: raw_pages.update,
    Stage.CLEAN_PAGES: clean_pages.update,
    Stage.CHUNKS: chunks.update,
    Stage.VECTORS: vectors.update,
    Stage.WIKI_PAGES: wiki_pages.update,
}


def main(stages: list[Stage]) -> None:
    """Sync the stages named, or all, and print what it took."""
    import lance  # noqa: F401, PLC0415 - the start of the process is measured apart

    with Pipeline.open(load(Settings)) as pipeline:
        sources = pipeline.add_configured_sources()
        figures: dict[str, float] = {}
        started = time.perf_counter()
        for source in sources:
            with open_sync(pipeline, source, SyncMode.FULL, lambda _: None) as sync:
                for stage in stages:
                    report = UPDATES[stage](sync)
                    figures[f"{stage}_seconds"] = report.seconds
                    figures[f"{stage}_rows"] = report.rows
                    for name in ("added", "updated", "deleted", "failed", "commits", "embedded"):
                        figures[name] = figures.get(name, 0) + getattr(report, name)
        print_figures(seconds=time.perf_counter() - started, **figures)


if __name__ == "__main__":
    main([Stage(name) for name in sys.argv[1:]] or list(Stage))
