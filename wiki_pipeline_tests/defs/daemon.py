"""What Dagster's daemon does with a sensor, a schedule and their runs, done step by step in this process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import dagster as dg

from wiki_pipeline.definitions import defs


def tick(instance: dg.DagsterInstance, sensor: str = "freshness_events") -> Sequence[dg.RunRequest]:
    """Evaluate a sensor, and do what its result says, but for the runs."""
    with dg.build_sensor_context(instance=instance, resources=defs.resources) as context:
        result = defs.resolve_sensor_def(sensor)(context)
    if not isinstance(result, dg.SensorResult):
        return []
    for event in result.asset_events:
        instance.report_runless_asset_event(event)
    for request in result.dynamic_partitions_requests or ():
        instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
    return result.run_requests or []


def scheduled(instance: dg.DagsterInstance, schedule: str, at: datetime) -> Sequence[dg.RunRequest]:
    """Evaluate a schedule as at a time."""
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=at, resources=defs.resources) as context:
        result = defs.resolve_schedule_def(schedule)(context)
    return [request for request in result if isinstance(request, dg.RunRequest)] if isinstance(result, list) else []


def run(instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    """Run what was asked for."""
    return defs.resolve_job_def("sync_source").execute_in_process(
        instance=instance,
        partition_key=request.partition_key,
        run_config=request.run_config,
        tags=request.tags,
        raise_on_error=False,
    )


def work(instance: dg.DagsterInstance, rounds: int = 10) -> list[dg.ExecuteInProcessResult]:
    """Tick and run until nothing waits."""
    done: list[dg.ExecuteInProcessResult] = []
    for _ in range(rounds):
        requests = tick(instance)
        if not requests:
            return done
        done += [run(instance, request) for request in requests]
    raise AssertionError("there is always more to do")
