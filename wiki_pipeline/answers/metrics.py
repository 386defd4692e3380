"""How good answers are, as far as a program can tell: figures over a list of questions, with or without a model.

A rate says little without what it is a rate of, so each question is a row with its counts, and `rates` sums them up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from wiki_pipeline.answers.answer import Answer, Outcome

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question of an evaluation.

    Attributes:
        answerable: whether the sources hold its answer; None: not known.
        documents: ids of the documents that hold it; empty: not known.
        kind, language: for figures by group.
    """

    question: str
    answerable: bool | None = None
    documents: tuple[str, ...] = ()
    kind: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was counted of one answer.

    Attributes:
        sentences: that say something; of quoted passages, the passages.
        cited: of those, with a citation that resolves.
        markers, resolved: ids in the model's text, and those that were issued.
        grounded: cited sentences whose numbers, dates, paths and names all stand in what they cite.
        refused: it was said that nothing answers it.
        right_document: one of the documents that hold the answer is cited; None where those are not known.
    """

    question: str
    kind: str
    language: str
    answerable: bool | None
    outcome: str
    method: str
    sentences: int
    cited: int
    markers: int
    resolved: int
    grounded: int
    refused: bool
    right_document: bool | None


def figures_of(asked: Asked, answer: Answer) -> Figures:
    """What can be counted of an answer."""
    quoted = len(answer.passages) if not answer.text else 0
    cited = sum(bool(sentence.citations) for sentence in answer.sentences)
    resolved = sum(len(sentence.citations) for sentence in answer.sentences)
    found = {citation.document_id for citation in answer.used}
    return Figures(
        question=asked.question,
        kind=asked.kind,
        language=asked.language,
        answerable=asked.answerable,
        outcome=answer.outcome.value,
        method=answer.method.value,
        sentences=len(answer.sentences) + quoted,
        cited=cited + quoted,
        markers=resolved + answer.unknown_ids,
        resolved=resolved,
        grounded=quoted + sum(bool(one.citations) and not one.missing for one in answer.sentences),
        refused=answer.outcome is Outcome.NOTHING,
        right_document=bool(found.intersection(asked.documents)) if asked.documents else None,
    )


def shares_of(figures: Figures) -> dict[str, float | None]:
    """The same as shares of this one answer, 0 to 1; None where there is nothing to count."""
    answerable = figures.answerable
    return {
        "cited": _share(figures.cited, figures.sentences),
        "resolved": _share(figures.resolved, figures.markers),
        "grounded": _share(figures.grounded, figures.cited),
        "refused": float(figures.refused) if answerable is False else None,
        "not_refused": float(not figures.refused) if answerable else None,
        "right_document": None if figures.right_document is None else float(figures.right_document),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def evaluate(questions: Iterable[Asked], answer: Callable[[str], Answer]) -> pd.DataFrame:
    """Ask all questions. One row each, with the columns of `Figures`."""
    import pandas as pd

    return pd.DataFrame([asdict(figures_of(asked, answer(asked.question))) for asked in questions])


def rates(figures: pd.DataFrame) -> pd.DataFrame:
    """Rates of `evaluate`'s figures: `rate` (0 to 1, missing where there is nothing to count) and the count that it is
    `of`, by name:

    - `sentences_cited`: of the sentences that say something
    - `markers_resolved`: of the ids that were written
    - `facts_grounded`: of the cited sentences
    - `unanswerable_refused`: of the questions that the sources don't answer
    - `answerable_not_refused`: of those that they do; both belong together, or silence wins
    - `right_document_cited`: of the questions whose documents are known
    """
    import pandas as pd

    unanswerable = figures[figures["answerable"].eq(False)]
    answerable = figures[figures["answerable"].eq(True)]
    known = figures[figures["right_document"].notna()]
    counts = {
        "sentences_cited": (figures["cited"].sum(), figures["sentences"].sum()),
        "markers_resolved": (figures["resolved"].sum(), figures["markers"].sum()),
        "facts_grounded": (figures["grounded"].sum(), figures["cited"].sum()),
        "unanswerable_refused": (unanswerable["refused"].sum(), len(unanswerable)),
        "answerable_not_refused": ((~answerable["refused"].astype(bool)).sum(), len(answerable)),
        "right_document_cited": (known["right_document"].astype(bool).sum(), len(known)),
    }
    rows = {name: {"rate": part / of if of else float("nan"), "of": int(of)} for name, (part, of) in counts.items()}
    return pd.DataFrame.from_dict(rows, orient="index")
