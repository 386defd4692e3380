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


def test_answers_are_measured_beside_what_is_found(run: Run, space: Space, tmp_path: Path) -> None:
    page = space.add("Boats", "<p>The survey boat Marlin is moored at pier seven.</p>")
    run("sync")
    file = tmp_path / "questions.jsonl"
    file.write_text(
        json.dumps({"question": "Where is the survey boat Marlin moored?", "documents": [page.id]})
        + "\n"
        + json.dumps({"question": "Which opera did Verdi write in Paris?", "answerable": False})
    )
    told = json.loads(run("evaluate", str(file), "--answers", "--way", "text", "--json").stdout)
    found, answered = told["means"]
    assert (found["way"], answered["way"]) == ("text", "answer")
    names = ("cited", "grounded", "refused", "not_refused", "right_document")
    assert {name: answered[name] for name in names} == dict.fromkeys(names, 1.0)
    assert answered["resolved"] is None  # no model wrote a marker


def test_what_can_not_be_measured_is_a_matter_of_usage(run: Run, space: Space, tmp_path: Path) -> None:
    run("sync")
    file = tmp_path / "questions.jsonl"
    file.write_text('{"question": "x"}')
    assert run("evaluate", str(file)).exit_code == 2
    file.write_text('{"question": "x", "answerable": false}')
    assert run("evaluate", str(file), "--way", "reranked").exit_code == 2
    assert run("evaluate", str(file), "--split", "held-out").exit_code == 2
