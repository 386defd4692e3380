"""Sensors: they turn freshness events into runs, show what is stale, and report what failed.

The first two wait for events, for a few seconds, since Dagster asks a sensor every five seconds at most.
"""

from __future__ import annotations

import dagster as dg

from wiki_pipeline.defs import runs
from wiki_pipeline.defs.jobs import sync_source
from wiki_pipeline.defs.launching import tags_of_size
from wiki_pipeline.defs.resources import PipelineResource
from wiki_pipeline.defs.settings import DagsterSettings
from wiki_pipeline.defs.sources import NAME, observation, sources
from wiki_pipeline.defs.stale import KEY, events
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.freshness import (
    alert,
    alert_sync,
    cancel,
    claim_work,
    free_lost_claims,
    request_overdue,
    resolve,
    wait_until,
)
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline


@dg.sensor(
    target=sync_source,
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Turns freshness events (webhooks, polls, schedules, people's requests) into runs of sync_source: all "
    "events of a source become one run, of the documents that they name. Frees the work of runs whose process is gone.",
)
def freshness_events(context: dg.SensorEvaluationContext, pipeline: PipelineResource) -> dg.SensorResult:
    opened, instance = pipeline.pipeline(), context.instance
    for run_id in runs.end_lost_runs(instance, opened.catalog):
        context.log.warning("Run %s had lost its process.", run_id)
    tenants = opened.each()
    for each in tenants:
        lost = free_lost_claims(
            each, lambda record: runs.is_alive(instance, record), lambda record: runs.was_cancelled(instance, record)
        )
        for record in lost:
            context.log.warning("The work on %s had lost its run.", record.source)
    claims, seconds = opened.catalog.claims, load(DagsterSettings).sensor_wait_seconds
    wait_until(lambda: any(claims.due(each.tenant) for each in tenants), seconds)
    return requested(instance, opened)


def requested(instance: dg.DagsterInstance, opened: Pipeline) -> dg.SensorResult:
    """Claim what is due for any tenant, and ask for a run a claim. A claim whose run is never made expires, and is made
    again."""
    claims = []
    for each in opened.each():
        for claim in claim_work(each):
            if runs.is_cancelled(instance, claim):
                cancel(each, claim)
            else:
                claims.append(claim)
    known = set(instance.get_dynamic_partitions(NAME)) if claims else set()
    new = sorted({str(claim.source) for claim in claims} - known)
    settings = load(DagsterSettings)
    return dg.SensorResult(
        run_requests=[runs.request(claim, tags_of_size(claim, opened.catalog, settings)) for claim in claims],
        skip_reason=None if claims else "No event waits.",
        dynamic_partitions_requests=[sources.build_add_request(new)] if new else [],
        asset_events=[observation(opened.catalog, claim.source) for claim in claims],
    )


@dg.sensor(
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Finds the source of freshness events that name a page and not its space, as some webhooks do. By "
    "itself, because Confluence may have to be asked: while it does not answer, all other events go on.",
)
def unresolved_events(pipeline: PipelineResource) -> dg.SkipReason:
    opened = pipeline.pipeline()
    events_, tenants, seconds = opened.catalog.events, opened.each(), load(DagsterSettings).sensor_wait_seconds
    if not wait_until(lambda: any(events_.unresolved(each.tenant, 1) for each in tenants), seconds):
        return dg.SkipReason("No event lacks its source.")
    return dg.SkipReason(f"The sources of {sum(map(resolve, tenants))} events were found.")


def freshness_report(settings: DagsterSettings) -> dg.SensorDefinition:
    """The sensor that refreshes `stale_documents` and its check every so often, without a run each time."""

    @dg.sensor(
        name="freshness_report",
        target=dg.AssetSelection.assets(KEY),  # to be found on the asset's page; it needs no run
        minimum_interval_seconds=settings.report_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Refreshes stale_documents with its check as time passes: which documents are behind, since when "
        "and why. Polls refresh them too, and each sync at its end. It also asks for syncs of sources that were not "
        "brought up to date for longer than CONFLUENCE_SYNC_INTERVAL.",
    )
    def sensor(context: dg.SensorEvaluationContext, pipeline: PipelineResource) -> dg.SensorResult:
        for each in pipeline.pipeline().each():
            request_overdue(each)
        report, check = events(context.instance, pipeline.pipeline())
        return dg.SensorResult(skip_reason=check.description, asset_events=[report, check])

    return sensor


@dg.run_failure_sensor(
    name="alerts",
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=10,
    description="Reports failed runs, each problem once: in the log, and by the webhook of WIKI_PIPELINE_ALERT_URL.",
)
def alerts(context: dg.RunFailureSensorContext, pipeline: PipelineResource) -> None:
    run, opened = context.dagster_run, pipeline.pipeline()
    message = (
        f"{run.job_name}{f' of {key}' if (key := run.tags.get('dagster/partition')) else ''} failed: {_reason(context)}"
    )
    try:
        source = SourceKey.parse(key or "")
    except ConfigurationError:
        alert(opened, f"job {run.job_name}", message)
    else:
        alert_sync(opened, source, message)


def _reason(context: dg.RunFailureSensorContext) -> str:
    """What a person reads of the failure; of a defect no more than where to look."""
    for event in context.get_step_failure_events():
        data = event.step_failure_data
        if data.user_failure_data is not None and data.user_failure_data.description:
            return data.user_failure_data.description
    return f"see Dagster's log of the run {context.dagster_run.run_id}."
