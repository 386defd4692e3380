"""Reading questions, figures counted by hand, runs kept and compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.evaluation import Question, Run, compared, drawn, evaluated, read_questions, summed
from wiki_pipeline.evaluation.questions import Passage
from wiki_pipeline.evaluation.retrieval import measures
from wiki_pipeline.store import Found, Store, find
from wiki_pipeline_tests.store.test_search import EMBEDDER, fill

OURS = Path(__file__).parent / "handbook.jsonl"


def test_our_questions_are_as_many_and_as_mixed_as_they_should_be() -> None:
    questions = read_questions(OURS)
    hard = [q for q in questions if not q.answerable or len(q.documents) > 1]
    assert len(questions) >= 120
    assert len(hard) >= len(questions) / 3
    assert {q.language for q in questions} == {"en", "de", "fr", "tr", "ja"}
    assert abs(sum(q.split == "tune" for q in questions) - len(questions) / 2) <= 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no question"),
        ("{", "line 1 is no question"),
        ('{"question": "a"}', "name the right documents"),
        ('{"question": "a", "documents": ["1"], "answerable": false}', "nothing can be right"),
        ('{"question": "a", "documents": ["1"], "docs": []}', "docs: Extra inputs"),
        ('{"question": "a", "documents": ["1"]}\n{"question": "a", "documents": ["2"]}', "two questions are named 'a'"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        read_questions(file)


def test_figures_are_those_that_are_counted_by_hand(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    fill(store, {name: [f"coffee {'coffee ' * n} {name}"] for n, name in enumerate(("a", "b", "c"))})
    hits = find(store, EMBEDDER, "coffee", mode="text").hits
    order = [hit.document_id for hit in hits]

    def right(*places: int) -> list[float]:
        wanted = [lambda hit, name=order[place]: hit.document_id == name for place in places]
        return list(measures(wanted, hits).values())

    assert right(0) == [1, 1, 1, 1]
    assert right(1) == pytest.approx([1, 1, 0.5, 0.6309], abs=1e-4)
    assert right(0, 2) == pytest.approx([1, 1, 1, 1.5 / 1.6309], abs=1e-4)
    assert list(measures([lambda _: False], hits).values()) == [0, 0, 0, 0]


QUESTIONS = [
    Question(question="coffee", documents=("a",), kind="keyword"),
    Question(question="tea", passages=(Passage(document="b", text="Tea  is"),), kind="passage"),
    Question(question="qwertz", answerable=False, kind="unanswerable"),
]


def rows(folder: Path, answers: bool = False) -> pd.DataFrame:
    store = Store(str(folder), "default")
    fill(store, {"a": ["some coffee"], "b": ["tea is hot"]})

    def ask(query: str, per_document: int | None) -> Found:
        return find(store, EMBEDDER, query, per_document=per_document)

    def answered(questions: Sequence[Question]) -> pd.DataFrame:
        return pd.DataFrame({"id": [q.name for q in questions], "cited": [1.0, 0.5, None]})

    return evaluated(QUESTIONS, {"hybrid": ask}, answers=answered if answers else None)


def test_every_question_is_a_row_and_answers_stand_beside(tmp_path: Path) -> None:
    frame = rows(tmp_path, answers=True)
    found, answered = frame[frame["way"] == "hybrid"], frame[frame["way"] == "answer"]
    assert list(found["ndcg@10"][:2]) == [1, 1]
    assert list(found["nothing"].dropna()) == [1]
    assert list(answered["cited"].dropna()) == [1.0, 0.5]
    assert summed(frame, ("way",)).set_index("way").loc["answer", "cited"] == 0.75


def test_runs_are_kept_and_compared_over_the_questions_of_both(tmp_path: Path) -> None:
    before = rows(tmp_path / "lance")
    Run(before, {"model": "m"}).save(tmp_path / "run.json")
    again = Run.load(tmp_path / "run.json")
    assert again.facts == {"model": "m"}
    now = before.assign(**{"mrr@10": [0.5, 1.0, None]}).iloc[:2]
    changes = compared(now, again.rows).set_index("measure")
    assert changes.loc["mrr@10", ["questions", "before", "now", "change", "better", "worse"]].tolist() == [
        2, 1.0, 0.75, -0.25, 0, 1,
    ]  # fmt: skip
    picture = ET.fromstring(drawn(now, again.rows))  # noqa: S314 - our own
    assert picture.tag.endswith("svg")
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(ConfigurationError, match="no saved run"):
        Run.load(tmp_path / "run.json")
