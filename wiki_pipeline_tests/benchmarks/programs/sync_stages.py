"""One sync of every configured source by the stages alone, without Dagster: of the documents named, or of all.

Usage: `python -m ...sync_stages [DOCUMENT ...]`. The settings come from the environment. Prints the seconds of each
stage's work and until its end, and what was done.
"""

from __future__ import annotations

import sys

from wiki_pipeline.catalog import SyncMode
from wiki_pipeline.model import Stage
from wiki_pipeline.settings import load
from wiki_pipeline.stages import STAGES
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import open_sync
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline_tests.benchmarks.measure import Clock
from wiki_pipeline_tests.benchmarks.programs.counts import counted
from wiki_pipeline_tests.benchmarks.programs.start import import_what_comes_late


def main(documents: list[str]) -> None:
    """Sync, and print what it took."""
    import_what_comes_late()
    reports = []
    until: dict[str, float] = {}
    with Pipeline.open(load(Settings)) as pipeline:
        sources = pipeline.add_configured_sources()
        clock = Clock()
        for source in sources:
            mode = SyncMode.INCREMENTAL if documents else SyncMode.FULL
            with open_sync(pipeline, source, mode, lambda _: None) as sync:
                for declared in STAGES:
                    is_first = declared.stage is Stage.RAW_PAGES
                    reports.append(declared.update(sync, documents) if is_first else declared.update(sync))
                    until[f"until_{declared.stage}"] = clock.seconds
        clock.stop(**until, **counted(reports))


if __name__ == "__main__":
    main(sys.argv[1:])
