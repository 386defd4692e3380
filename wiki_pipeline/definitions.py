"""The whole Dagster graph on one page."""

from __future__ import annotations

import dagster as dg

from wiki_pipeline.defs import assets
from wiki_pipeline.defs.describe import describe
from wiki_pipeline.defs.jobs import forget_source, maintenance, poll_sources, sync_source
from wiki_pipeline.defs.resources import PipelineResource, log_progress
from wiki_pipeline.defs.schedules import schedules
from wiki_pipeline.defs.sensors import alerts, freshness_events, freshness_report, unresolved_events
from wiki_pipeline.defs.settings import DagsterSettings
from wiki_pipeline.settings import load

settings = load(DagsterSettings)

defs = dg.Definitions(
    # All that `defs/assets.py` writes out, and the node `sources_upstream` that it begins with.
    assets=describe(dg.load_assets_from_modules([assets], include_specs=True), settings),
    jobs=[sync_source, forget_source, poll_sources, maintenance],
    sensors=[freshness_events, unresolved_events, freshness_report(settings), alerts],
    schedules=schedules(settings),
    # In process, however a run is started: its sync holds the source's lease from the first step to the last.
    executor=dg.in_process_executor,
    # Assets write their tables themselves; Dagster's own IO manager would load file systems of all kinds in each run.
    resources={"pipeline": PipelineResource(), "listener": log_progress, "io_manager": dg.mem_io_manager},
)
