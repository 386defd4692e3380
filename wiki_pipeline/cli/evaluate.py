"""`wiki-pipeline evaluate`: how well the questions of a file are answered, now and against an earlier run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wiki_pipeline.access import local
from wiki_pipeline.answers.ask import Asker, silent
from wiki_pipeline.answers.llm import open_chat
from wiki_pipeline.answers.metrics import Asked, figures_of, shares_of
from wiki_pipeline.answers.retrieve import Question as AnswerQuestion
from wiki_pipeline.cli.ask import AskSettings, open_library
from wiki_pipeline.cli.output import json_option, print_json, print_table, progress_console
from wiki_pipeline.cli.selection import select
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.evaluation import Finder, Question, Run, compared, drawn, evaluated, read_questions, summed
from wiki_pipeline.evaluation.retrieval import finder
from wiki_pipeline.settings import load
from wiki_pipeline.store import Filters, find
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.text.embed import open_embedder
from wiki_pipeline.text.rerank import open_reranker

if TYPE_CHECKING:
    import pandas as pd

_WAYS = ("text", "vector", "hybrid")
_RERANKED = "reranked"
_GROUPS = ("kind", "language", "split")


@click.command("evaluate")
@click.argument("questions", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--way", "ways", multiple=True, type=click.Choice((*_WAYS, _RERANKED)), help="Only this; may be repeated."
)
@click.option("--answers", "with_answers", is_flag=True, help="Answer each question too, and measure the answers.")
@click.option("--source", "sources", multiple=True, metavar="SOURCE", help="Only this source; may be given again.")
@click.option("--split", default="", help="Only questions of this split, as tune or held-out.")
@click.option("--by", "groups", multiple=True, type=click.Choice(_GROUPS), help="Tell figures apart; may be repeated.")
@click.option("--save", type=click.Path(dir_okay=False, path_type=Path), help="Keep the run in this file.")
@click.option("--compare", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Against a saved run.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the run into this SVG file.")
@json_option
def command(  # noqa: PLR0913 - the options, each by its name
    *,
    questions: Path,
    ways: tuple[str, ...],
    with_answers: bool,
    sources: tuple[str, ...],
    split: str,
    groups: tuple[str, ...],
    save: Path | None,
    compare: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Measure how well questions of a file are answered, against an earlier run too.

    A line is like {"question": "...", "documents": ["98487"]}; instead of documents "passages", or "answerable": false.
    """
    asked = [question for question in read_questions(questions) if not split or question.split == split]
    if not asked:
        raise ConfigurationError(f"{questions} has no question of the split {split!r}.", "Leave --split away.")
    before = Run.load(compare) if compare else None
    run = _run(asked, ways, sources, questions, with_answers=with_answers)
    if save:
        run.save(save)
    if plot:
        _draw(plot, run, before)
    by = ("way", *groups)
    means = summed(run.rows, by)
    changes = compared(run.rows, before.rows, by) if before else None
    if as_json:
        told = {"facts": run.facts, "means": _records(means)}
        print_json(
            told if changes is None else {**told, "before": before and before.facts, "changes": _records(changes)}
        )
        return
    _print(means)
    if changes is not None:
        click.echo()
        _print(changes, empty="The two runs have no question in common.")


def _run(
    questions: Sequence[Question], ways: Sequence[str], sources: Sequence[str], file: Path, *, with_answers: bool
) -> Run:
    settings = load(AskSettings)
    out = progress_console()
    with Pipeline.open(settings) as pipeline, out.status("") as status:
        scope = local(settings).scope
        known = [record.key for record in pipeline.catalog.sources(scope.tenant) if scope.allows(record.key)]
        chosen = scope.narrow(select(known, sources) if sources else ())
        if chosen is None:
            raise ConfigurationError("None of these sources may be read.", "`wiki-pipeline sources list` shows them.")
        embedder, reranker = open_embedder(settings), open_reranker(settings)
        search = partial(find, pipeline.store, embedder)
        filters = Filters(sources=chosen)
        finders: dict[str, Finder] = {way: finder(partial(search, mode=way), filters) for way in _WAYS}
        if reranker is not None:
            finders[_RERANKED] = finder(partial(search, reranker=reranker), filters)
        elif _RERANKED in ways:
            raise ConfigurationError("There is no reranking endpoint.", "Set WIKI_PIPELINE_RERANK_URL.")
        number = 0

        def told(way: str, question: Question) -> None:
            nonlocal number
            number += 1
            status.update(f"{number}: {way}: {question.question[:60]}")

        asker = Asker(open_library(pipeline, scope, settings), open_chat(settings, pipeline.catalog.model_calls))

        def answers(asked: Sequence[Question]) -> pd.DataFrame:
            import pandas as pd

            rows = []
            for question in asked:
                told("answer", question)
                given = Asked(question=question.question, answerable=question.answerable, documents=question.documents)
                wanted = AnswerQuestion(text=question.question, filters=filters, chunks=settings.answer_chunks)
                answer = asker.answer(wanted, silent)
                rows.append({"id": question.name, **shares_of(figures_of(given, answer))})
            return pd.DataFrame(rows)

        wanted = {way: ask for way, ask in finders.items() if not ways or way in ways}
        rows = evaluated(questions, wanted, answers=answers if with_answers else None, told=told)
    facts = {
        "questions": file.name,
        "model": embedder.model,
        "version": version("wiki-pipeline"),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Run(rows, facts)


def _draw(path: Path, run: Run, before: Run | None) -> None:
    try:
        path.write_text(drawn(run.rows, before.rows if before else None), "utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}.") from None


def _print(frame: pd.DataFrame, empty: str = "") -> None:
    shown = [[_shown(value) for value in row] for row in frame.itertuples(index=False)]
    print_table([str(name) for name in frame.columns], shown, empty=empty)


def _shown(value: object) -> object:
    if isinstance(value, float):
        return "" if value != value else round(value, 3)  # noqa: PLR0124 - what is not a number equals nothing
    return value


def _records(frame: pd.DataFrame) -> list[dict[str, object]]:
    records: list[dict[str, object]] = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return records
