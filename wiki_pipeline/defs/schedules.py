"""Schedules: the daily resync, polls, maintenance. When: `WIKI_PIPELINE_..._CRON`."""

import uuid
from zoneinfo import ZoneInfo

import dagster as dg

from wiki_pipeline.defs.jobs import maintenance, poll_sources, sync_source
from wiki_pipeline.defs.resources import PipelineResource
from wiki_pipeline.defs.sensors import requested
from wiki_pipeline.defs.settings import DagsterSettings
from wiki_pipeline.defs.sources import publish_sources
from wiki_pipeline.freshness import request_resync


def schedules(settings: DagsterSettings) -> list[dg.ScheduleDefinition]:
    """All schedules, at the times of the settings."""
    zone = settings.time_zone

    @dg.schedule(
        name="daily_full_resync",
        target=sync_source,
        cron_schedule=settings.resync_ticks,
        execution_timezone=zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Lists every source completely, which repairs what webhooks and polls missed, also deletions. Its "
        "runs share the tag wiki_pipeline/resync: filter Runs by it to follow, cancel or retry them as a whole.",
    )
    def daily_full_resync(context: dg.ScheduleEvaluationContext, pipeline: PipelineResource) -> list[dg.RunRequest]:
        opened = pipeline.pipeline()
        due = settings.resync_portion(context.scheduled_execution_time.astimezone(ZoneInfo(zone)))
        for each in opened.each():
            publish_sources(context.instance, opened.catalog, each.tenant)
            if due is not None:
                name, portion = due
                request_resync(each, name, portion, settings.resync_hours)
        return list(requested(context.instance, opened).run_requests or [])

    return [
        daily_full_resync,
        _polls(settings),
        _every("maintenance", maintenance, settings.upkeep_cron, zone, "Keeps tables quick and records few."),
    ]


def _polls(settings: DagsterSettings) -> dg.ScheduleDefinition:
    shards = settings.poll_shards

    @dg.schedule(
        name="poll_sources_schedule",
        job=poll_sources,
        cron_schedule=settings.poll_cron,
        execution_timezone=settings.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Finds what webhooks missed.",
    )
    def polls(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        at = context.scheduled_execution_time.isoformat()
        return [
            dg.RunRequest(
                run_key=f"poll {at} {shard}",
                run_config={"ops": {"poll_each_source": {"config": {"shard": shard, "shards": shards}}}},
            )
            for shard in range(shards)
        ]

    return polls


def _every(name: str, job: dg.JobDefinition, cron: str, zone: str, description: str) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=f"{name}_schedule",
        job=job,
        # Otherwise Dagster makes one run a time, ever: none for an hour after the clock was put back by one.
        execution_fn=lambda _: dg.RunRequest(run_key=uuid.uuid4().hex),
        cron_schedule=cron,
        execution_timezone=zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=description,
    )
