"""A code location whose one job does nothing: the least that Dagster takes from a sensor to the end of a run.

Its sensor asks for a run for each file in the folder `requests` of `DAGSTER_HOME`, which is what costs a sensor least.
"""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

TAG = "empty"


def requests() -> Path:
    """The folder of the requests."""
    folder = Path(os.environ["DAGSTER_HOME"], "requests")
    folder.mkdir(exist_ok=True)
    return folder


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job(executor_def=dg.in_process_executor)
def empty() -> None:
    """Nothing."""
    nothing()


@dg.sensor(job=empty, minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def desired(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """A run for each request that is new since the tick before."""
    names = sorted(path.name for path in requests().iterdir() if path.name > (context.cursor or ""))
    asked = [dg.RunRequest(run_key=name, tags={TAG: name}) for name in names]
    return dg.SensorResult(run_requests=asked, cursor=names[-1] if names else context.cursor)


defs = dg.Definitions(jobs=[empty], sensors=[desired])
