"""Jobs: bring one source up to date, and forget one."""

import dagster as dg

from wiki_pipeline.defs.partitions import NAME, sources
from wiki_pipeline.defs.resources import PipelineResource, people_can_read_errors
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.sync.forget import forget

# In process: the steps of a small sync take half a second that way, and eight with a process a step.
sync_source = dg.define_asset_job(
    "sync_source",
    selection=dg.AssetSelection.assets(*(stage.value for stage in Stage)),
    executor_def=dg.in_process_executor,
    description="Bring all stages of one source up to date. Does nothing where nothing changed.",
)


@dg.op(description="Delete the source's rows, clone and catalog entry, then its partition.")
def forget_documents(context: dg.OpExecutionContext, pipeline: PipelineResource) -> None:
    """Data first, key last: a run that dies in between can be started again."""
    with people_can_read_errors():
        forget(pipeline.pipeline(), SourceKey.parse(context.partition_key))
        context.instance.delete_dynamic_partition(NAME, context.partition_key)


@dg.job(
    partitions_def=sources,
    executor_def=dg.in_process_executor,
    description="Forget one source: its tables, vectors, wiki pages, clone and partition. Nothing happens upstream.",
)
def forget_source() -> None:
    forget_documents()
