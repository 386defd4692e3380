"""A clock that is put back keeps no sensor and no schedule from being looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)

from wiki_pipeline.defs import daemon

pytestmark = pytest.mark.security

NOW = 1_800_000_000.0
BEFORE, LATER = NOW - 600.0, NOW + 3000.0


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


def state(name: str, kind: InstigatorType, data: SensorInstigatorData | ScheduleInstigatorData) -> InstigatorState:
    location = GrpcServerCodeLocationOrigin(host="localhost", socket="code.sock", location_name="ours")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)
    return InstigatorState(origin, kind, InstigatorStatus.RUNNING, data)


def ticked(instance: dg.DagsterInstance, of: InstigatorState, at: float) -> None:
    instance.create_tick(
        TickData(
            instigator_origin_id=of.instigator_origin_id,
            instigator_name=of.instigator_name,
            instigator_type=of.instigator_type,
            status=TickStatus.SUCCESS,
            timestamp=at,
            run_ids=[],
            selector_id=of.selector_id,
        )
    )


def test_what_was_remembered_of_the_future_is_of_now(instance: dg.DagsterInstance) -> None:
    data = SensorInstigatorData(
        last_tick_timestamp=BEFORE, last_tick_start_timestamp=LATER, cursor="kept", min_interval=1
    )
    sensor = state("freshness_events", InstigatorType.SENSOR, data)
    cron = ScheduleInstigatorData("0 * * * *", start_timestamp=BEFORE, last_iteration_timestamp=LATER)
    schedule = state("poll_sources_schedule", InstigatorType.SCHEDULE, cron)
    for each in (sensor, schedule):
        instance.add_instigator_state(each)
        ticked(instance, each, BEFORE)
        ticked(instance, each, LATER)
    assert daemon.forget_the_future(instance, NOW) == 2
    looked = {each.instigator_name: each.instigator_data for each in instance.all_instigator_state()}
    assert looked[sensor.instigator_name] == data._replace(last_tick_start_timestamp=NOW)
    assert looked[schedule.instigator_name] == cron._replace(last_iteration_timestamp=NOW)
    for each in (sensor, schedule):
        ticks = instance.get_ticks(each.instigator_origin_id, each.selector_id)
        assert [tick.timestamp for tick in ticks] == [NOW, BEFORE]
    assert daemon.forget_the_future(instance, NOW) == 0


@pytest.mark.parametrize(("by", "is_noticed"), [(-3600.0, True), (3600.0, False), (-1.0, False)])
def test_a_daemon_notices_that_its_clock_was_put_back(
    monkeypatch: pytest.MonkeyPatch, by: float, *, is_noticed: bool
) -> None:
    monkeypatch.setattr(daemon, "_LOOK_SECONDS", 0.01)
    readings = iter([0.0, 0.0])  # of how far the clock is off; from the third on by so much
    monkeypatch.setattr(daemon, "passed", lambda: time.time() - next(readings, by))
    stop, told = threading.Event(), list[float]()

    def put_back(seconds: float) -> None:
        told.append(seconds)
        stop.set()

    threading.Timer(0.5, stop.set).start()
    daemon.watch(put_back, stop)
    assert [round(seconds) for seconds in told] == ([-by] if is_noticed else [])
