"""Asking every question, and holding what is found against what is right.

Documents are ranked by their best chunk, as a page of results shows them; where a question names passages, chunks
are. Of the first ten: recall (the part of what is right that is among the first 5, and 10), MRR (one over the
rank of the first that is right) and nDCG (what is right counts less the later it comes: 1/log2(rank + 1), against the
best order there could be). A question that nothing answers has no such figures, but whether the search said so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import log2
from typing import TYPE_CHECKING

from wiki_pipeline.evaluation.questions import Question, is_document
from wiki_pipeline.store import Filters, Found, Hit

if TYPE_CHECKING:
    import pandas as pd

DEPTH = 10
MEASURES = ("recall@5", "recall@10", "mrr@10", "ndcg@10")
ANSWER = "answer"  # the way under which rows about answers stand

Finder = Callable[[str, int | None], Found]
"""From a question and how many chunks of one document may come to what is found, the ten best chunks at least."""

AnswerMetrics = Callable[[Sequence[Question]], "pd.DataFrame"]
"""From the questions to a DataFrame with the column `id` (`Question.name`), a row a question, and a number or nothing
in each other column: shares as 0 to 1, such as `cited`, `resolved`, `grounded`, `refused`."""


def evaluated(
    questions: Sequence[Question],
    ways: Mapping[str, Finder],
    *,
    answers: AnswerMetrics | None = None,
    told: Callable[[str, Question], None] | None = None,
) -> pd.DataFrame:
    """Every question asked in every way.

    Args:
        ways: a finder each, by its name: text, vector, hybrid, reranked.
        answers: measures answers too; its columns stand in rows whose way is `answer`.
        told: called before each question is asked, with the way.

    Returns:
        A row a question and way: `id`, `question`, `kind`, `language`, `split`, `way`; of questions that can be
        answered `MEASURES`; of the others `nothing` (1.0 if the search said that nothing was found); `ms`.
    """
    import pandas as pd

    rows = []
    for way, finder in ways.items():
        for question in questions:
            if told:
                told(way, question)
            rows.append({**_facts(question), "way": way, **_measured(question, finder)})
    frame = pd.DataFrame(rows)
    if answers is not None:
        facts = pd.DataFrame([_facts(question) for question in questions])
        told_of = answers(questions)
        frame = pd.concat([frame, facts.merge(told_of, on="id").assign(way=ANSWER)], ignore_index=True)
    return frame


def finder(search: Callable[..., Found], filters: Filters | None = None) -> Finder:
    """A search that is bound but for its query, as a way to ask."""
    return lambda query, per_document: search(query, k=DEPTH, filters=filters, per_document=per_document)


def measures(right: Sequence[Callable[[Hit], bool]], ranked: Iterable[Hit]) -> dict[str, float]:
    """The figures of one answer.

    Args:
        right: what is wanted, each as what tells whether a hit is it; each counts once.
        ranked: hits, best first.
    """
    missing = list(right)
    at: list[int] = []  # ranks at which something right came up, one for each
    for rank, hit in enumerate(list(ranked)[:DEPTH], 1):
        found = [one for one in missing if one(hit)]
        at += [rank] * len(found)
        missing = [one for one in missing if one not in found]
    ideal = sum(1 / log2(rank + 1) for rank in range(1, min(len(right), DEPTH) + 1))
    gained = sum(1 / log2(rank + 1) for rank in dict.fromkeys(at))
    return {
        "recall@5": sum(rank <= 5 for rank in at) / len(right),
        "recall@10": len(at) / len(right),
        "mrr@10": 1 / at[0] if at else 0.0,
        "ndcg@10": min(1.0, gained / ideal),
    }


def _measured(question: Question, ask: Finder) -> dict[str, float]:
    start = time.perf_counter()
    found = ask(question.question, None if question.passages else 1)
    ms = 1_000 * (time.perf_counter() - start)
    if not question.answerable:
        return {"nothing": float(found.nearest_only or not found.hits), "ms": ms}
    return {**measures(_right(question), found.hits), "ms": ms}


def _right(question: Question) -> list[Callable[[Hit], bool]]:
    if question.passages:
        return [passage.holds for passage in question.passages]
    return [lambda hit, named=named: is_document(named, hit) for named in question.documents]  # type: ignore[misc]


def _facts(question: Question) -> dict[str, str]:
    return {
        "id": question.name,
        "question": question.question,
        "kind": question.kind,
        "language": question.language,
        "split": question.split,
    }
