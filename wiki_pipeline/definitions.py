"""The whole Dagster graph on one page."""

from __future__ import annotations

import dagster as dg

from wiki_pipeline.defs.assets import attachments, chunks, clean_pages, raw_pages, vectors, wiki_pages
from wiki_pipeline.defs.jobs import forget_source, sync_source
from wiki_pipeline.defs.resources import PipelineResource, log_progress

defs = dg.Definitions(
    assets=[raw_pages, clean_pages, attachments, chunks, vectors, wiki_pages],
    jobs=[sync_source, forget_source],
    # In process, however a run is started: its sync holds the source's lease from the first step to the last.
    executor=dg.in_process_executor,
    resources={"pipeline": PipelineResource(), "listener": log_progress},
)
