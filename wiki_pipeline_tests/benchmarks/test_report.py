"""The benchmarks' table, picture and arithmetic."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import run
from wiki_pipeline_tests.benchmarks.plot import picture
from wiki_pipeline_tests.benchmarks.report import page, table

FASTER = Figure("sync <of> pages", 3.2, "x", "1 s against 3.2 s", least=3)
SLOWER = Figure("resync", 1.8, "x", "1.8 s against 1 s", most=1.5)
NONE = Figure("embeddings", 0, "", most=0)
SPEED = Figure("conversion", 1234.5, "pages/s", speed=True)


def test_a_bound_is_kept_from_either_side() -> None:
    assert [figure.met for figure in (FASTER, SLOWER, NONE, SPEED)] == [True, False, True, None]


def test_a_margin_above_one_is_better_than_the_bound() -> None:
    assert FASTER.margin == pytest.approx(3.2 / 3)
    assert SLOWER.margin == pytest.approx(1.5 / 1.8)
    assert NONE.margin is None
    assert SPEED.margin is None


def test_the_table_has_a_line_a_figure_and_says_which_bounds_are_missed() -> None:
    lines = table([FASTER, SLOWER, NONE, SPEED]).splitlines()[2:]
    assert lines[0] == "| sync <of> pages | 3.20 x | at least 3 x | yes | 1 s against 3.2 s |"
    assert "**no**" in lines[1]
    assert lines[2] == "| embeddings | 0 | at most 0 | yes |  |"
    assert "1,234 pages/s" in lines[3]


def test_the_page_describes_the_machine() -> None:
    assert "cores" in page([FASTER])


def test_the_picture_is_well_formed_and_draws_what_has_a_bound_or_a_speed() -> None:
    drawn = ET.fromstring(picture([FASTER, SLOWER, NONE, SPEED]))  # noqa: S314 - our own
    words = [element.text or "" for element in drawn.iter() if element.tag.endswith("text")]
    assert "sync <of> pages" in words
    assert "conversion" in words
    assert "embeddings" not in words


def test_a_program_that_fails_is_an_error_with_what_it_said() -> None:
    with pytest.raises(RuntimeError, match=r"peers\.httpx_loop failed with 1"):
        run("peers.httpx_loop")


def test_a_program_tells_its_work_apart_from_its_start() -> None:
    done = run("programs.hot_paths", 3, watched=True)
    assert done["texts"] >= 3
    assert done["seconds"] > 0
    assert done.start_seconds > 0
    assert done.peak_bytes > 10_000_000
