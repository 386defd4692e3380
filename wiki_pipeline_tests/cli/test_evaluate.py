from __future__ import annotations

import json
from pathlib import Path

from wiki_pipeline.demo.confluence import Space
from wiki_pipeline_tests.cli.conftest import Run


def test_questions_are_asked_saved_compared_and_drawn(run: Run, space: Space, tmp_path: Path) -> None:
    run("sync")
    file = tmp_path / "questions.jsonl"
    file.write_text(
        json.dumps({"question": "winches", "documents": [space.page("Winches").id], "kind": "keyword"})
        + "\n"
        + json.dumps({"question": "qwertz", "answerable": False, "kind": "unanswerable"})
    )
    first = run("evaluate", str(file), "--save", str(tmp_path / "run.json"), "--plot", str(tmp_path / "run.svg"))
    assert first.exit_code == 0
    assert {"text", "vector", "hybrid"} <= set(first.stdout.split())
    assert "</svg>" in (tmp_path / "run.svg").read_text()
    again = run("evaluate", str(file), "--compare", str(tmp_path / "run.json"), "--by", "kind", "--json")
    told = json.loads(again.stdout)
    hybrid = next(row for row in told["means"] if (row["way"], row["kind"]) == ("hybrid", "keyword"))
    assert hybrid["mrr@10"] == 1
    assert {row["change"] for row in told["changes"]} == {0}


def test_what_can_not_be_measured_is_a_matter_of_usage(run: Run, space: Space, tmp_path: Path) -> None:
    run("sync")
    file = tmp_path / "questions.jsonl"
    file.write_text('{"question": "x"}')
    assert run("evaluate", str(file)).exit_code == 2
    file.write_text('{"question": "x", "answerable": false}')
    assert run("evaluate", str(file), "--way", "reranked").exit_code == 2
    assert run("evaluate", str(file), "--split", "held-out").exit_code == 2
