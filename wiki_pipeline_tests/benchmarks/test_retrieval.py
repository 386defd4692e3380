"""The measure of the retrieval benchmark, on answers counted by hand."""

from __future__ import annotations

import pytest

from wiki_pipeline_tests.benchmarks.retrieval import Found, Question, Score, score

TEXTS = {"a": "x" * 20_000, "b": "y" * 20_000}
QUESTION = Question("What?", "a", ((0, 100), (50, 200)))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([("a", 0, 200)], Score(100, 100, 100, 100)),
        ([("a", 100, 300)], Score(50, 50, 50, 50)),
        ([("a", 0, 100), ("a", 50, 150)], Score(75, 75, 75, 75)),
        ([("b", 0, 200)], Score(0, 0, 0, 0)),
        ([("a", 0, 100), ("a", 200, 8_200)], Score(50, 100 * 100 / 8_100, 50, 100)),  # the second one fits no more
        ([*[("b", n * 100, n * 100 + 100) for n in range(5)], ("a", 0, 200)], Score(0, 0, 100, 100 * 200 / 700)),
        ([], Score(0, 0, 0, 0)),
    ],
)
def test_recall_and_precision_are_parts_of_answers_and_of_what_was_found(found: list[Found], expected: Score) -> None:
    assert score(QUESTION, found, TEXTS) == expected
