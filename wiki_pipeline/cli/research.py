"""`wiki-pipeline research`: a question is looked into while its steps are told, and ends in a report.

It is the same row of the catalog that the gateway shows: what a killed command leaves behind, a running gateway goes on
with.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

from wiki_pipeline.access import local
from wiki_pipeline.answers.llm import open_chat
from wiki_pipeline.answers.research.markdown import markdown_of
from wiki_pipeline.answers.research.report import Report
from wiki_pipeline.answers.research.running import Researching
from wiki_pipeline.answers.research.settings import ResearchSettings
from wiki_pipeline.answers.retrieve import MAX_QUESTION, Library, Question
from wiki_pipeline.catalog import AnswerRecord
from wiki_pipeline.cli.output import console, json_option, print_json, printable, progress_console
from wiki_pipeline.cli.restricting import filters, restricting
from wiki_pipeline.cli.selection import select
from wiki_pipeline.errors import SearchError
from wiki_pipeline.freshness import StalenessCache
from wiki_pipeline.running import running
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.text.embed import open_embedder

_LISTED = 8


class CommandSettings(Settings, ResearchSettings):
    """All that it takes to look into a question."""


@click.command("research")
@click.argument("question", nargs=-1, required=True)
@restricting
@click.option("--no-model", is_flag=True, help="Quote the pages, even if a language model is set up.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report into this file, as Markdown."
)
@json_option
def command(
    *,
    question: tuple[str, ...],
    sources: tuple[str, ...],
    no_model: bool,
    output: Path | None,
    as_json: bool,
    **restrictions: Any,
) -> None:
    """Look into a question step by step; ends in a report with its sources. Ctrl-C ends it with what was found."""
    settings = load(CommandSettings)
    text = " ".join(question)
    if len(text) > MAX_QUESTION:
        raise SearchError(f"The question is longer than {MAX_QUESTION} characters.", "Ask it in fewer words.")
    with Pipeline.open(settings) as pipeline:
        who = local(settings)
        staleness = StalenessCache(pipeline, background=False)
        library = Library(pipeline.catalog, pipeline.store, open_embedder(settings), staleness, who.scope)
        model = None if no_model else open_chat(settings, pipeline.catalog.model_calls)
        known = [record.key for record in library.sources()]
        chosen = filters(select(known, sources) if sources else (), restrictions)
        researching = Researching(pipeline.catalog, lambda _: library, model, settings)
        asked = Question(text=text, filters=chosen, chunks=settings.answer_chunks)
        record = researching.begin(who, asked, no_model=no_model)
        researching.listen(record.answer_id, _told(researching, record))
        try:
            report = researching.run(record, who.scope)
        except KeyboardInterrupt:  # what was found becomes the report, from the steps that are recorded
            progress_console().print("Stopping: what was found becomes the report.")
            researching.cancel(record.answer_id)
            report = researching.run(record, who.scope)
        researching.close()
    served = running(settings.home)
    if as_json:
        print_json({"research_id": record.answer_id, **report.to_json()})
        return
    written = markdown_of(report, root=served.gateway if served else "")
    if output:
        output.write_text(written, "utf-8")
    _print(console(), report, written)
    if served:
        progress_console().print(Text(f"{served.gateway}/research/{record.answer_id}", style="blue"), soft_wrap=True)


def _print(out: Console, report: Report, written: str) -> None:
    if out.is_terminal:
        out.print(Markdown(printable(written), hyperlinks=False))
    else:
        click.echo(printable(written), nl=False)
    if report.summary is None and not report.sections:
        out.print("Nothing here answers this.")


def _told(researching: Researching, record: AnswerRecord) -> Callable[[], None]:
    """Prints each event once, on standard error."""
    out, seen = progress_console(), 0

    def tell() -> None:
        nonlocal seen
        for event in researching.streams.read(record.answer_id, seen):
            seen = event.number
            for line, style in _lines(event.event, event.data):
                out.print(Text(printable(line), style=style))

    return tell


def _lines(event: str, data: Any) -> list[tuple[str, str]]:
    """What is said of an event: lines with their style."""
    lines: list[tuple[str, str]] = []
    if event == "step":
        lines = [(f"{data['message']} …", "dim")]
    elif event == "plan":
        lines = [("Plan:", "bold"), *((f"  {one['title']}", "") for one in data["questions"])]
    elif event == "looked":
        step = data["step"]
        found = f"  {len(step['kept'])} passages read, {step['seen']} known, {step['others']} left out"
        lines = [(f"  {', '.join(step['queries'])}", "cyan"), (found, "dim" if step["answers"] else "yellow")]
    elif event == "gaps" and data["questions"]:
        lines = [("Still open:", "bold"), *((f"  {one['title']}", "") for one in data["questions"][:_LISTED])]
    elif event == "contradictions" and data["found"]:
        lines = [("Sources disagree:", "bold"), *((f"  {one['about']}", "red") for one in data["found"])]
    elif event == "note":
        lines = [(data["message"], "yellow")]
    return lines
