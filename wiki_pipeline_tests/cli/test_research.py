from __future__ import annotations

import json
from pathlib import Path

from wiki_pipeline.demo.confluence import Space
from wiki_pipeline_tests.cli.conftest import Run


def test_a_question_is_looked_into_step_by_step_and_ends_in_a_report(run: Run, synced: Space, empty: Path) -> None:
    result = run("research", "--output", "report.md", "What about winches?")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("# What about winches?\n")
    assert "All about winches." in result.stdout
    assert "## Sources" in result.stdout
    assert (empty / "report.md").read_text("utf-8") == result.stdout
    for told in ("Looking in Engineering …", "Plan:", "passages read", "Comparing what the sources say …"):
        assert told in result.stderr


def test_programs_get_all_of_it(run: Run, synced: Space) -> None:
    report = json.loads(run("research", "What about winches?", "--json").stdout)
    assert report["method"] == "passages"
    assert "Winches" in [row["title"] for row in report["sources"]]
    assert report["research_id"]
