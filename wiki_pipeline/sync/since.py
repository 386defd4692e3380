"""The moment that people mean by `--since`: a date, a time, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from wiki_pipeline.errors import ConfigurationError

_AGO = re.compile(r"(\d{1,6})\s*(m|h|d|w)")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def read_since(text: str, now: datetime | None = None) -> datetime:
    """The moment, in UTC. A date or time without an offset is one of this machine's time zone.

    Args:
        text: as `2025-01-01`, `2025-01-01T08:30`, `2025-01-01T08:30:00+01:00`, `90m`, `24h`, `7d`, `2w`.
        now: what is counted back from.

    Raises:
        ConfigurationError: it is none of these, or lies in the future.
    """
    now = now or datetime.now(UTC)
    try:
        if ago := _AGO.fullmatch(text.strip().lower()):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ConfigurationError(
            f"{text!r} is no date, no time and no duration.", "Write it as 2025-01-01, 2025-01-01T08:30, 24h or 7d."
        ) from None
    if moment > now:
        raise ConfigurationError(f"{text} lies in the future.", "Nothing can have been changed since.")
    return moment
