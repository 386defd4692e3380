"""One full sync of every configured source by its Dagster job, run in this process as `wiki-pipeline sync` runs it.

The settings come from the environment, DAGSTER_HOME among them. Its start is apart: imports, catalog, instance.
"""

from __future__ import annotations

from wiki_pipeline.cli.jobs import open_jobs
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline_tests.benchmarks.measure import Clock
from wiki_pipeline_tests.benchmarks.programs.counts import counted
from wiki_pipeline_tests.benchmarks.programs.start import import_what_comes_late


def main() -> None:
    """Sync, and print what it took.

    Raises:
        RuntimeError: a sync failed.
    """
    import_what_comes_late()
    settings = load(Settings)
    with Pipeline.open(settings) as pipeline:
        jobs = open_jobs(settings)
        sources = pipeline.add_configured_sources()
        jobs.publish(pipeline.catalog, settings.tenant)
        clock = Clock()
        for source in sources:
            ended = jobs.sync(pipeline.catalog, source, lambda _: None)
            if not ended.succeeded:
                raise RuntimeError(f"{source}: {ended.error_code} {ended.error_message}")
        seconds = clock.seconds
        reports = [report for source in sources for report in pipeline.catalog.syncs(source, 1)[0].reports]
        clock.stop(seconds=seconds, **counted(reports))


if __name__ == "__main__":
    main()
