"""The stages as assets, in the order of the flow. Each runs its stage for one source and says what it did."""

import dagster as dg
from pydantic import Field

from wiki_pipeline.catalog import SyncMode
from wiki_pipeline.defs.checks import every_document
from wiki_pipeline.defs.partitions import sources
from wiki_pipeline.defs.report import people_can_read_errors, result
from wiki_pipeline.defs.resources import PipelineResource
from wiki_pipeline.model import Stage
from wiki_pipeline.stages import chunks as chunks_stage
from wiki_pipeline.stages import clean_pages as clean_stage
from wiki_pipeline.stages import raw_pages as raw_stage
from wiki_pipeline.stages import vectors as vectors_stage
from wiki_pipeline.stages import wiki_pages as wiki_stage
from wiki_pipeline.stages.sync import Listener

# One run a source, so that a backfill holds to the one-writer limit (it goes by the run's partition tag).
ONE_RUN_A_SOURCE = dg.BackfillPolicy.multi_run(max_partitions_per_run=1)
OWNERS = ["team:data-platform"]


class SyncConfig(dg.Config):
    """What to bring up to date, where it is not simply everything.

    Attributes:
        documents: ids of the documents to look at; empty: list the whole source.
        allow_mass_deletion: go on although a complete listing would drop more than half of the source.
    """

    documents: list[str] = Field(default_factory=list)
    allow_mass_deletion: bool = False


@dg.asset(
    partitions_def=sources,
    group_name="content",
    kinds={"confluence", "git", "lancedb"},
    owners=OWNERS,
    backfill_policy=ONE_RUN_A_SOURCE,
    code_version=raw_stage.CODE_VERSION,
    check_specs=[every_document(Stage.RAW_PAGES)],
    description="Documents as the source gave them: one row a page or file, with its version key.",
)
def raw_pages(
    context: dg.AssetExecutionContext,
    config: SyncConfig,
    pipeline: PipelineResource,
    listener: dg.ResourceParam[Listener],
) -> dg.MaterializeResult:
    mode = SyncMode.INCREMENTAL if config.documents else SyncMode.FULL
    with people_can_read_errors(pipeline):
        sync = pipeline.sync(context.run, context.partition_key, mode, listener)
        report = raw_stage.update(sync, config.documents, allow_mass_deletion=config.allow_mass_deletion)
        return result(sync, report)


@dg.asset(
    deps=[raw_pages],
    partitions_def=sources,
    group_name="content",
    kinds={"markdown", "lancedb"},
    owners=OWNERS,
    backfill_policy=ONE_RUN_A_SOURCE,
    code_version=clean_stage.CODE_VERSION,
    check_specs=[every_document(Stage.CLEAN_PAGES)],
    description="Documents as Markdown, with headings, links and dependencies.",
)
def clean_pages(
    context: dg.AssetExecutionContext, pipeline: PipelineResource, listener: dg.ResourceParam[Listener]
) -> dg.MaterializeResult:
    with people_can_read_errors(pipeline):
        sync = pipeline.sync(context.run, context.partition_key, SyncMode.FULL, listener)
        return result(sync, clean_stage.update(sync))


@dg.asset(
    deps=[clean_pages],
    partitions_def=sources,
    group_name="search",
    kinds={"lancedb"},
    owners=OWNERS,
    backfill_policy=ONE_RUN_A_SOURCE,
    code_version=chunks_stage.CODE_VERSION,
    check_specs=[every_document(Stage.CHUNKS)],
    description="Passages of about 400 tokens along headings and syntax, with their place in the document.",
)
def chunks(
    context: dg.AssetExecutionContext, pipeline: PipelineResource, listener: dg.ResourceParam[Listener]
) -> dg.MaterializeResult:
    with people_can_read_errors(pipeline):
        sync = pipeline.sync(context.run, context.partition_key, SyncMode.FULL, listener)
        return result(sync, chunks_stage.update(sync))


@dg.asset(
    deps=[chunks],
    partitions_def=sources,
    group_name="search",
    kinds={"lancedb"},
    owners=OWNERS,
    backfill_policy=ONE_RUN_A_SOURCE,
    code_version=vectors_stage.CODE_VERSION,
    check_specs=[every_document(Stage.VECTORS)],
    description="The table that search reads: text, search text, vector and full-text index; one a tenant.",
)
def vectors(
    context: dg.AssetExecutionContext, pipeline: PipelineResource, listener: dg.ResourceParam[Listener]
) -> dg.MaterializeResult:
    with people_can_read_errors(pipeline):
        sync = pipeline.sync(context.run, context.partition_key, SyncMode.FULL, listener)
        return result(sync, vectors_stage.update(sync))


@dg.asset(
    deps=[clean_pages],
    partitions_def=sources,
    group_name="wiki",
    kinds={"html", "lancedb"},
    owners=OWNERS,
    backfill_policy=ONE_RUN_A_SOURCE,
    code_version=wiki_stage.CODE_VERSION,
    check_specs=[every_document(Stage.WIKI_PAGES)],
    description="Rendered pages of the wiki: sanitised HTML and Markdown, links resolved.",
)
def wiki_pages(
    context: dg.AssetExecutionContext, pipeline: PipelineResource, listener: dg.ResourceParam[Listener]
) -> dg.MaterializeResult:
    with people_can_read_errors(pipeline):
        sync = pipeline.sync(context.run, context.partition_key, SyncMode.FULL, listener)
        return result(sync, wiki_stage.update(sync))
