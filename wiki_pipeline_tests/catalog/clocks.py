"""A catalog whose clock has just jumped."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import create_engine, select, update

from wiki_pipeline.catalog.tables import changes, claims, clock, events, leases


def jump(url: str, by: timedelta, *, elsewhere: bool = False) -> None:
    """Have everything look as if the database's clock had been moved by so much since it was written.

    Args:
        elsewhere: time was last looked at from another machine, so that this one's own count does not help.
    """
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in (events, claims, leases, clock, changes):
            for row in connection.execute(select(table)).all():
                moved = {name: value - by for name, value in row._asdict().items() if isinstance(value, datetime)}
                key = next(iter(table.primary_key))
                connection.execute(update(table).where(key == getattr(row, key.name)).values(**moved))
        if elsewhere:
            connection.execute(update(clock).values(boot="another machine", passed=0.0))
    engine.dispose()


def seconds(url: str) -> float:
    """Steady time, as it was last written down."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found: float = connection.execute(select(clock.c.seconds)).scalar_one()
    engine.dispose()
    return found
