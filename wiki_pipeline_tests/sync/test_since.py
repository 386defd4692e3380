"""What people write after `--since`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.sync.since import read_since

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("90m", timedelta(minutes=90)),
        ("24h", timedelta(days=1)),
        (" 7D ", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("2026-03-31T11:00:00Z", timedelta(hours=1)),
        ("2026-03-31T11:00+02:00", timedelta(hours=3)),
    ],
)
def test_a_time_or_how_long_ago(text: str, ago: timedelta) -> None:
    assert read_since(text, NOW) == NOW - ago


def test_a_date_is_its_beginning_in_this_machine_s_time_zone() -> None:
    assert read_since("2026-03-01", NOW) == datetime(2026, 3, 1).astimezone(UTC)


@pytest.mark.parametrize("text", ["", "24", "h", "yesterday", "2026-13-01", "-1d", "999999w", "2026-04-01", "7 months"])
def test_what_is_no_moment_of_the_past_is_refused_in_plain_words(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_since(text, NOW)
    assert text in str(caught.value)
