"""Dagster's daemon where clocks may be put back: `python -m wiki_pipeline.defs.daemon run`, as `dagster-daemon run`.

Dagster remembers by the clock when it last looked at each sensor and schedule, and does not look again before that is
over. Put back by an hour, it would look at nothing for an hour. So what it remembers of the future is moved to now
before the daemon starts, and a daemon that sees its clock put back ends, for whoever keeps it running to start it anew:
it also remembers in memory. (A clock that was put forward costs a few polls that are made up for.)
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import dagster as dg

from wiki_pipeline.catalog import passed
from wiki_pipeline.defs.dagster_internals import run_daemon

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 5.0
_BACK_SECONDS = 30.0  # less is slept through
_LATER = (
    "start_timestamp",
    "last_iteration_timestamp",
    "last_tick_timestamp",
    "last_tick_start_timestamp",
    "last_sensor_start_timestamp",
    "last_tick_success_timestamp",
)


def forget_the_future(instance: dg.DagsterInstance, now: float) -> int:
    """Move to `now` (Unix time) what Dagster remembers of later moments. Returns of how many sensors and schedules."""
    changed = 0
    for state in instance.all_instigator_state():
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, after=now)
        for tick in ticks:
            instance.update_tick(tick._replace(tick_data=tick.tick_data._replace(timestamp=now)))
        data = state.instigator_data
        later: dict[str, Any] = {name: now for name in _LATER if (getattr(data, name, None) or 0.0) > now}
        if data is not None and later:
            instance.update_instigator_state(state.with_data(data._replace(**later)))
        changed += bool(ticks or later)
    return changed


def watch(put_back: Callable[[float], None], stop: threading.Event) -> None:
    """Call `put_back` with the seconds as soon as the clock was put back by more than a few; looks until stopped."""
    ahead = time.time() - passed()
    while not stop.wait(_LOOK_SECONDS):
        ahead, before = time.time() - passed(), ahead
        if before - ahead > _BACK_SECONDS:
            put_back(before - ahead)


def _end(seconds: float) -> None:
    _LOG.warning("The clock was put back by %.0f s. The daemon ends, to be started anew with the new time.", seconds)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run the daemon, with the arguments of `dagster-daemon`."""
    with dg.DagsterInstance.get() as instance:
        if changed := forget_the_future(instance, time.time()):
            _LOG.warning("The clock was put back: %d sensors and schedules go on from now.", changed)
    threading.Thread(target=watch, args=(_end, threading.Event()), name="clock", daemon=True).start()
    run_daemon()


if __name__ == "__main__":
    main()
