"""Schedules, and the jobs that they start: polls, the daily resync, upkeep. When: `WIKI_PIPELINE_..._CRON`."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from wiki_pipeline.defs.jobs import sync_source
from wiki_pipeline.defs.observations import observation
from wiki_pipeline.defs.partitions import publish_sources
from wiki_pipeline.defs.resources import PipelineResource, people_can_read_errors
from wiki_pipeline.defs.sensors import requested
from wiki_pipeline.defs.stale import evaluation, materialization
from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.freshness import freshness, poll_all, request_resync
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import Settings
from wiki_pipeline.sync.maintenance import maintain

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
_RUNS_AT_ONCE = 500


@dg.op(description="Ask every source cheaply what changed; write events for it, and say what was seen upstream.")
def poll_each_source(context: dg.OpExecutionContext, pipeline: PipelineResource) -> None:
    failed: dict[SourceKey, WikiPipelineError] = {}
    with people_can_read_errors():
        opened = pipeline.pipeline()
        publish_sources(context.instance, opened.catalog, opened.settings.tenant)
        for polled in poll_all(opened, failed.__setitem__):
            context.log.info("%s: %s events, %s retried", polled.source, polled.events, polled.retried)
            context.log_event(observation(opened.catalog, polled.source))
        found = freshness(opened)
        context.instance.report_runless_asset_event(materialization(opened, found))
        context.instance.report_runless_asset_event(evaluation(opened, found))
    if failed:
        problems = " ".join(f"{key}: {error}" for key, error in failed.items())
        raise dg.Failure(f"{len(failed)} sources could not be polled. {problems}", allow_retries=False)


@dg.job(
    executor_def=dg.in_process_executor,
    description="Find what webhooks missed: ask every source cheaply for changes, and write freshness events for them.",
)
def poll_sources() -> None:
    poll_each_source()


@dg.op(description="Optimise tables; delete freshness events, jobs and Dagster runs that ended long ago.")
def tidy(context: dg.OpExecutionContext, pipeline: PipelineResource) -> None:
    with people_can_read_errors():
        opened = pipeline.pipeline()
        done = maintain(opened)
        runs = expire_runs(context.instance, timedelta(days=opened.settings.keep_runs_days))
        context.add_output_metadata(
            {
                "fragments joined": done.joined,
                "bytes deleted": done.pruned_bytes,
                "events deleted": done.events,
                "jobs deleted": done.jobs,
                "runs deleted": runs,
                "sources left alone (being written)": ", ".join(map(str, done.busy)) or "none",
            }
        )


@dg.job(
    executor_def=dg.in_process_executor,
    description="Keep tables quick to read, and delete records of long ago (WIKI_PIPELINE_KEEP_..._DAYS).",
)
def upkeep() -> None:
    tidy()


def expire_runs(instance: dg.DagsterInstance, age: timedelta) -> int:
    """Delete runs that ended longer ago than that, but a job's last successful one of each partition: what Dagster
    knows of assets goes with the runs that made them. Returns how many."""
    old = dg.RunsFilter(statuses=_ENDED, updated_before=datetime.now(UTC) - age)
    last: dict[tuple[str, str], str] = {}
    deleted = 0
    for run in instance.get_runs(old, limit=_RUNS_AT_ONCE, ascending=True):
        partition = run.tags.get("dagster/partition", "")
        which = (run.job_name, partition)
        if which not in last:
            tags = {"dagster/partition": partition} if partition else {}
            well = dg.RunsFilter(job_name=run.job_name, tags=tags, statuses=[dg.DagsterRunStatus.SUCCESS])
            last[which] = next((found.run_id for found in instance.get_runs(well, limit=1)), "")
        if run.run_id != last[which]:
            instance.delete_run(run.run_id)
            deleted += 1
    return deleted


def schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    """All schedules, at the times of the settings."""
    zone = settings.time_zone

    @dg.schedule(
        name="daily_full_resync",
        target=sync_source,
        cron_schedule=settings.resync_cron,
        execution_timezone=zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Lists every source completely, which repairs what webhooks and polls missed, also deletions. Its "
        "runs share the tag wiki_pipeline/resync: filter Runs by it to follow, cancel or retry them as a whole.",
    )
    def daily_full_resync(context: dg.ScheduleEvaluationContext, pipeline: PipelineResource) -> list[dg.RunRequest]:
        opened = pipeline.pipeline()
        publish_sources(context.instance, opened.catalog, settings.tenant)
        request_resync(opened, f"{context.scheduled_execution_time.astimezone(ZoneInfo(zone)):%Y-%m-%d}")
        return list(requested(context.instance, opened).run_requests or [])

    return [
        daily_full_resync,
        _every("poll_sources", poll_sources, settings.poll_cron, zone, "Finds what webhooks missed."),
        _every("upkeep", upkeep, settings.upkeep_cron, zone, "Keeps tables quick and records few."),
    ]


def _every(name: str, job: dg.JobDefinition, cron: str, zone: str, description: str) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=f"{name}_schedule",
        job=job,
        cron_schedule=cron,
        execution_timezone=zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=description,
    )
