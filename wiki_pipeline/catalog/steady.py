"""Steady time: seconds that pass, whatever is done to the clock. What has to last so long is measured by it.

The clock of a database's machine may jump: when its time is put right, when a virtual machine is moved or goes on. So
the catalog counts seconds in a row of its own. Whoever takes, renews or waits for a lease or claims work moves the
count forward: by what passed on this machine since it was started, where that was moved from here before; otherwise by
the database's clock, but by no more than `STEP_SECONDS` at once, and never back. A jump of an hour is worth a step.

Time in which nobody looks counts for a step too. That is what lets a lease only run out under somebody's eyes: its
holder did not renew it for as long as another process, or several one after the other, watched.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, select

from wiki_pipeline.catalog.database import now, upsert
from wiki_pipeline.catalog.tables import clock

STEP_SECONDS = 10.0
_NAME = "steady"
# A clock that goes on while the machine sleeps, where there is one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def passed() -> float:
    """Seconds by this machine's own count, which nobody can set."""
    return time.clock_gettime(_CLOCK)


@cache
def boot() -> str:
    """Names this start of this machine, in which `passed` means the same to all processes; empty where the system does
    not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What two clocks say at one moment.

    Attributes:
        seconds: of steady time.
        moment: by the database's clock.
    """

    seconds: float
    moment: datetime


def look(connection: Connection) -> Reading:
    """What time it is."""
    seen = connection.execute(select(clock).where(clock.c.name == _NAME)).one_or_none()
    moment = now(connection)
    if seen is None:
        return Reading(0.0, moment)
    if boot() and seen.boot == boot():
        since = max(0.0, passed() - seen.passed)
    else:
        since = min(max(0.0, (moment - seen.moment).total_seconds()), STEP_SECONDS)
    return Reading(seen.seconds + since, moment)


def advance(connection: Connection) -> Reading:
    """What time it is, written down for those who look next. First in a transaction that writes: on PostgreSQL all who
    do this wait for each other."""
    # Before the look: what passes in between counts for the next one.
    here = {"boot": boot(), "passed": passed()}
    reading = look(connection)
    said = {"seconds": reading.seconds, "moment": reading.moment, **here}
    insert = upsert(connection, clock).values(name=_NAME, **said)
    connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=said))
    return reading
