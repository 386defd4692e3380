"""Whether a moment has come where clocks may jump: by the clock or by steady time, whichever says so first.

Both are kept: steady time stands still while nothing runs, and a clock that was put back takes its time to be there
again. Work that is done too early costs a try; work that is done too late is what the program is there to prevent.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_

from wiki_pipeline.catalog.steady import Reading
from wiki_pipeline.catalog.tables import claims, events


def event_has_come(now: Reading) -> ColumnElement[bool]:
    """Whether an event is due."""
    return or_(events.c.due_at <= now.moment, events.c.rests_until <= now.seconds)


def is_left_alone(now: Reading) -> ColumnElement[bool]:
    """Whether a source that failed is not to be claimed yet."""
    return (claims.c.due_at > now.moment) & (claims.c.rests_until > now.seconds)
