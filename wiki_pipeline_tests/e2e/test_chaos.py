"""Calls fail, webhooks get lost and doubled, processes are killed: nothing is lost. `chaos` does more of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from wiki_pipeline_tests.e2e.chaos import SERVICES, Chaos

pytestmark = pytest.mark.timeout(1500)


def test_after_chaos_and_one_poll_all_tables_equal_the_sources(tmp_path: Path) -> None:
    chaos = Chaos(tmp_path, seconds=45, seed=617, rest=(15.0, 30.0))
    chaos.run()
    assert chaos.edits > 5
    assert all(chaos.killed[kind] for kind in SERVICES)
    assert chaos.answers[202] > 0
    assert chaos.events["applied"] > 0
