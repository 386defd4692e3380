"""The load is what the figures say, and what is accepted is in the catalog after the gateway was killed."""

from __future__ import annotations

from wiki_pipeline_tests.benchmarks.webhook_intake import intake


def test_all_deliveries_are_accepted_and_none_is_lost() -> None:
    done, lost = intake(200, rate=200)
    assert (done["sent"], done["accepted"], lost) == (200, 200, 0)
    assert 0 < done["p50"] <= done["p99"] <= done["longest"]
