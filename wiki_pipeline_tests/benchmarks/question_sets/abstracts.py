"""Cranfield: 1,400 abstracts of aerodynamics, 225 questions of their authors, and what was judged to answer them."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from wiki_pipeline.evaluation import Question
from wiki_pipeline.model import CleanPage, SourceKey
from wiki_pipeline_tests.benchmarks.question_sets.made import QuestionSet

_LEAST_RELEVANT = 4  # 1 answers it all, 4 is of minimal interest, -1 of none


def cranfield(folder: Path) -> QuestionSet:
    """The abstracts as pages; judged by, never tuned on."""
    documents = json.loads((folder / "cranfield_data.json").read_text("utf-8"))
    pages = [
        CleanPage(document_id=str(each["id"]), title=" ".join(each["title"].split()), url="", markdown=each["body"])
        for each in documents
        if each["body"].strip()
    ]
    there = {page.document_id for page in pages}
    right: dict[int, list[str]] = defaultdict(list)
    for judged in json.loads((folder / "cranqrel.json").read_text("utf-8")):
        if 1 <= judged["position"] <= _LEAST_RELEVANT and str(judged["id"]) in there:
            right[int(judged["query_num"])].append(str(judged["id"]))
    # Judgements count questions from 1 in their order; the numbers beside the questions are others.
    asked = enumerate(json.loads((folder / "cran.qry.json").read_text("utf-8")), 1)
    questions = [
        Question(
            id=f"cranfield {number}",
            question=" ".join(each["query"].split()),
            documents=tuple(dict.fromkeys(right[number])),
            kind="question",
        )
        for number, each in asked
        if right[number]
    ]
    return QuestionSet("Cranfield", {SourceKey("default", "confluence", "CRAN"): pages}, questions, tuned=False)
