"""Recall and nDCG by kind of question, over the public sets of `question_sets`, for text, vectors and both.

The bound is that both together are no worse than the better side alone, in every kind, but for what chance moves. Sets
that were tuned on are told apart from those that the search is judged by.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from typing import get_args

from wiki_pipeline.evaluation import evaluated, summed
from wiki_pipeline.evaluation.retrieval import finder
from wiki_pipeline.store import Store, find
from wiki_pipeline.store.search import Mode
from wiki_pipeline.text.embed.static import StaticEmbedder
from wiki_pipeline_tests.benchmarks.figures import Figure
from wiki_pipeline_tests.benchmarks.measure import tell
from wiki_pipeline_tests.benchmarks.question_sets import question_sets
from wiki_pipeline_tests.benchmarks.question_sets.made import QuestionSet, filled

_CHANCE = 1.0  # points of nDCG


def measure(_: int | None = None) -> Iterator[Figure]:
    """Every set whose files are there."""
    found = False
    for questions in question_sets():
        found = True
        yield from _figures(questions)
    if not found:
        tell("relevance: no question sets beside the repository")


def _figures(of: QuestionSet) -> Iterator[Figure]:
    embedder = StaticEmbedder()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder, "default")
        chunks = filled(store, embedder, of.pages)
        tell(f"relevance, {of.name}: {chunks} chunks, {len(of.questions)} questions")
        ways = {mode: finder(partial(find, store, embedder, mode=mode)) for mode in get_args(Mode)}
        means = summed(evaluated(of.questions, ways), ("kind", "way")).set_index(["kind", "way"])
    for kind in dict.fromkeys(question.kind for question in of.questions):
        told = {way: 100 * means.loc[(kind, way)] for way in ways}
        basis = ", ".join(f"{way} {row['recall@10']:.1f} / {row['ndcg@10']:.1f}" for way, row in told.items())
        least = max(told["text"]["ndcg@10"], told["vector"]["ndcg@10"]) - _CHANCE
        share = f"{means.loc[(kind, 'hybrid')]['questions']:.0f} questions{', tuned on' if of.tuned else ''}"
        yield Figure(
            f"Relevance, {of.name}, {kind}: nDCG@10 of both sides",
            float(told["hybrid"]["ndcg@10"]),
            "%",
            f"{share}; R@10 / nDCG@10: {basis}",
            least=float(least),
        )
