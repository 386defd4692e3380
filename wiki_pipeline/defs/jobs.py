"""Jobs: bring one source up to date, forget one, poll all, and keep tables and records small."""

import time
from datetime import UTC, datetime, timedelta

import dagster as dg

from wiki_pipeline.defs.dagster_internals import delete_runs
from wiki_pipeline.defs.launching import SMALL_TAGS
from wiki_pipeline.defs.resources import PipelineResource, people_can_read_errors
from wiki_pipeline.defs.settings import DagsterSettings
from wiki_pipeline.defs.sources import NAME, observation, publish_sources, sources
from wiki_pipeline.defs.stale import refresh
from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.freshness import poll_all
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.stages import STAGES
from wiki_pipeline.sync.maintenance import maintain
from wiki_pipeline.sync.sources import forget

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_RUNS_AT_ONCE = 200
_EXPIRING_SECONDS = 1_800.0

# In process: the steps of a small sync take half a second that way, and eight with a process a step.
sync_source = dg.define_asset_job(
    "sync_source",
    selection=dg.AssetSelection.assets(*(str(declared.stage) for declared in STAGES)),
    executor_def=dg.in_process_executor,
    description="Bring all stages of one source up to date. Does nothing where nothing changed.",
)


@dg.op(description="Delete the source's rows, clone and catalog entry, then its partition.")
def forget_documents(context: dg.OpExecutionContext, pipeline: PipelineResource) -> None:
    """Data first, key last: a run that dies in between can be started again."""
    with people_can_read_errors():
        source = SourceKey.parse(context.partition_key)
        forget(pipeline.pipeline().of(source.tenant), source)
        context.instance.delete_dynamic_partition(NAME, context.partition_key)


@dg.job(
    partitions_def=sources,
    executor_def=dg.in_process_executor,
    tags=SMALL_TAGS,
    description="Forget one source: its tables, vectors, wiki pages, clone and partition. Nothing happens upstream.",
)
def forget_source() -> None:
    forget_documents()


class PollConfig(dg.Config):
    """Which sources a poll asks: those of one shard of so many, by hash; all, unless it is said."""

    shard: int = 0
    shards: int = 1


@dg.op(description="Ask every source cheaply what changed, write events for it, and record what was seen upstream.")
def poll_each_source(context: dg.OpExecutionContext, pipeline: PipelineResource, config: PollConfig) -> None:
    failed: dict[SourceKey, WikiPipelineError] = {}
    with people_can_read_errors():
        opened = pipeline.pipeline()
        for each in opened.each():
            publish_sources(context.instance, opened.catalog, each.tenant)
            for polled in poll_all(each, failed.__setitem__, config.shard, config.shards):
                context.log.info("%s: %s events, %s retried", polled.source, polled.events, polled.retried)
                context.log_event(observation(opened.catalog, polled.source))
        refresh(context.instance, opened)
    if failed:
        problems = " ".join(f"{key}: {error}" for key, error in failed.items())
        raise dg.Failure(f"{len(failed)} sources could not be polled. {problems}", allow_retries=False)


@dg.job(
    executor_def=dg.in_process_executor,
    tags=SMALL_TAGS,
    description="Find what webhooks missed: ask every source cheaply for changes, and write freshness events for them.",
)
def poll_sources() -> None:
    poll_each_source()


@dg.op(description="Optimise tables; delete freshness events, jobs and Dagster runs that ended long ago.")
def maintain_tables_and_records(context: dg.OpExecutionContext, pipeline: PipelineResource) -> None:
    with people_can_read_errors():
        opened = pipeline.pipeline()
        done = [maintain(each) for each in opened.each()]
        runs = expire_runs(context.instance, timedelta(days=load(DagsterSettings).keep_runs_days))
        busy = [str(key) for each in done for key in each.busy]
        context.add_output_metadata(
            {
                "fragments joined": sum(each.joined for each in done),
                "bytes deleted": sum(each.pruned_bytes for each in done),
                "events deleted": sum(each.events for each in done),
                "changes deleted": sum(each.changes for each in done),
                "jobs deleted": sum(each.jobs for each in done),
                "runs deleted": runs,
                "sources left alone (being written)": ", ".join(busy) or "none",
            }
        )


@dg.job(
    executor_def=dg.in_process_executor,
    description="Keep tables quick to read, and delete records of long ago (WIKI_PIPELINE_KEEP_..._DAYS).",
)
def maintenance() -> None:
    maintain_tables_and_records()


def expire_runs(instance: dg.DagsterInstance, age: timedelta, seconds: float = _EXPIRING_SECONDS) -> int:
    """Delete runs that ended longer ago than that with their events, but a job's last successful one of each partition:
    what Dagster knows of assets goes with the runs that made them. Returns how many.

    In batches, each a transaction or two, until none is left or the time is over: the rest waits for the next time.
    """
    old = dg.RunsFilter(statuses=_ENDED, updated_before=datetime.now(UTC) - age)
    last: dict[tuple[str, str], str] = {}
    deleted, after, end = 0, None, time.monotonic() + seconds
    while time.monotonic() < end:
        runs = instance.get_runs(old, cursor=after, limit=_RUNS_AT_ONCE, ascending=True)
        if not runs:
            break
        expired = []
        for run in runs:
            partition = run.tags.get("dagster/partition", "")
            which = (run.job_name, partition)
            if which not in last:
                tags = {"dagster/partition": partition} if partition else {}
                well = dg.RunsFilter(job_name=run.job_name, tags=tags, statuses=[dg.DagsterRunStatus.SUCCESS])
                last[which] = next((found.run_id for found in instance.get_runs(well, limit=1)), "")
            if run.run_id == last[which]:
                after = (
                    run.run_id
                )  # the next batch begins behind one that stays: a deleted run is no place to go on from
            else:
                expired.append(run.run_id)
        delete_runs(instance, expired)
        deleted += len(expired)
        if len(runs) < _RUNS_AT_ONCE:
            break
    return deleted
