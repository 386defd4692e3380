"""How well questions are answered: right documents and passages against what is found, run against run.

Questions come from a JSONL file that anyone can write (`questions`). Each is asked in several ways (`retrieval`), which
gives one row a question and way, as a pandas DataFrame; `runs` sums rows up, saves them and compares them with those of
another day, `figure` draws them. Answers are measured elsewhere: whoever makes them hands `evaluated` a function from
the questions to rows of its own (`AnswerMetrics`).
"""

from __future__ import annotations

from wiki_pipeline.evaluation.figure import drawn
from wiki_pipeline.evaluation.questions import Passage, Question, read_questions
from wiki_pipeline.evaluation.retrieval import AnswerMetrics, Finder, evaluated
from wiki_pipeline.evaluation.runs import Run, compared, summed

__all__ = [
    "AnswerMetrics",
    "Finder",
    "Passage",
    "Question",
    "Run",
    "compared",
    "drawn",
    "evaluated",
    "read_questions",
    "summed",
]
