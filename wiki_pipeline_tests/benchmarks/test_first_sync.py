"""The figures of a first sync, from runs as they would be printed."""

from __future__ import annotations

import pytest

from wiki_pipeline_tests.benchmarks.first_sync import _STAGES, _ratios, _speeds
from wiki_pipeline_tests.benchmarks.measure import Run

OURS = Run({"seconds": 3.0, "until_vectors": 2.0, "cpu_seconds": 4.0, **{f"{s}_seconds": 0.5 for s in _STAGES}}, 1.0)
THEIRS = Run({"seconds": 8.0, "cpu_seconds": 6.0}, 2.0)
LARGE = {"stages": [OURS], "langchain": [THEIRS], "loop": [THEIRS]}
USUAL = {**LARGE, "job": [OURS], "langchain quick": [THEIRS]}


def test_pages_until_they_can_be_searched_are_held_against_three_times_the_peer() -> None:
    searchable, readable, processor = _ratios(10_000, LARGE)
    assert searchable.value == pytest.approx(4.0)
    assert (searchable.least, searchable.met) == (3, True)
    assert readable.value == pytest.approx(8 / 3)
    assert readable.least == 1.5
    assert processor.value == pytest.approx(1.5)


@pytest.mark.parametrize(("runs", "count"), [(USUAL, 6), (LARGE, 4)])
def test_each_program_that_ran_has_its_speed(runs: dict[str, list[Run]], count: int) -> None:
    speeds = list(_speeds(1_000, runs))
    assert len(speeds) == count
    assert speeds[1].name == "1,000 pages: ours up to vectors"
    assert speeds[1].value == pytest.approx(500)
    assert len(list(_ratios(1_000, runs))) == (6 if "job" in runs else 3)
