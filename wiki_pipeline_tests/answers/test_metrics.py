"""Figures over questions."""

from __future__ import annotations

import math

from wiki_pipeline.answers.answer import Answer, Method, Outcome, Passage, Sentence
from wiki_pipeline.answers.metrics import Asked, evaluate, rates

ANSWERS = {
    "good": Answer(
        outcome=Outcome.ANSWERED,
        method=Method.MODEL,
        question="good",
        text="One [c1]. Two 15 [c1]. Three.",
        sentences=(
            Sentence(begin=0, end=9, citations=("c1",)),
            Sentence(begin=10, end=22, citations=("c1",), missing=("15",)),
            Sentence(begin=23, end=29),
        ),
        unknown_ids=2,
    ),
    "quoted": Answer(
        outcome=Outcome.ANSWERED,
        method=Method.PASSAGES,
        question="quoted",
        passages=(Passage(citation="c1", kind="sentence", text="One."),),
    ),
    "nothing": Answer(outcome=Outcome.NOTHING, method=Method.PASSAGES, question="nothing"),
}


def test_rates_stand_beside_what_they_are_of() -> None:
    questions = [
        Asked(question="good", answerable=True, documents=("1",)),
        Asked(question="quoted", answerable=False),
        Asked(question="nothing", answerable=False),
        Asked(question="nothing", answerable=True),
    ]
    found = rates(evaluate(questions, ANSWERS.__getitem__))
    assert found.loc["sentences_cited"].tolist() == [3 / 4, 4]
    assert found.loc["markers_resolved"].tolist() == [2 / 4, 4]
    assert found.loc["facts_grounded"].tolist() == [2 / 3, 3]
    assert found.loc["unanswerable_refused"].tolist() == [1 / 2, 2]
    assert found.loc["answerable_not_refused"].tolist() == [1 / 2, 2]
    assert found.loc["right_document_cited"].tolist() == [0, 1]


def test_a_rate_of_nothing_is_missing() -> None:
    found = rates(evaluate([Asked(question="nothing")], ANSWERS.__getitem__))
    assert math.isnan(found.loc["unanswerable_refused", "rate"])
