"""The comparison that is told is of the examples that are documented."""

from __future__ import annotations

from wiki_pipeline_tests.benchmarks.conversion import TABLE, page
from wiki_pipeline_tests.text.confluence.examples import EXAMPLES
from wiki_pipeline_tests.text.confluence.verdict import Verdict


def test_the_comparison_lists_each_example_of_the_documentation() -> None:
    told = [line.split(" | ")[0].removeprefix("| ") for line in TABLE.read_text("utf-8").splitlines()]
    titles = [example.title.replace("|", "\\|") for example in EXAMPLES]
    assert [line for line in told if line in titles] == titles


def test_a_converter_that_was_not_asked_has_no_verdict() -> None:
    text = page({"a": {"ours": Verdict.KEPT, "theirs": Verdict.LOST}, "b": {"ours": Verdict.KEPT}})
    assert "| kept | 2 | 0 |" in text
    assert "| b | kept | – |" in text
