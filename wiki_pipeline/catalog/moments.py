"""Whether a moment has come, on a machine whose clock may jump."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, or_

from wiki_pipeline.catalog.tables import claims, events


def event_has_come(moment: datetime) -> ColumnElement[bool]:
    """Whether an event is due. One that was received later than now was so before the clock was put back: its time has
    come, or nothing that came before would be looked at until the clock is there again."""
    return or_(events.c.due_at <= moment, events.c.received_at > moment)


def is_left_alone(moment: datetime) -> ColumnElement[bool]:
    """Whether a source that failed is not to be claimed yet; likewise not for longer because the clock was put back."""
    return (claims.c.due_at > moment) & (claims.c.claimed_at <= moment)
