"""`wiki-pipeline ask`: an answer on the terminal, with where it is from; a model's text appears while it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from wiki_pipeline.access import Principal, Scope, local
from wiki_pipeline.answers.answer import Answer, Outcome, Passage
from wiki_pipeline.answers.ask import silent
from wiki_pipeline.answers.cite import Citation, by_id
from wiki_pipeline.answers.llm import open_chat
from wiki_pipeline.answers.retrieve import MAX_QUESTION, Library, Question
from wiki_pipeline.answers.running import Answering
from wiki_pipeline.answers.settings import AnswerSettings
from wiki_pipeline.answers.words import marked
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

_CODE_LINES = 12


class AskSettings(Settings, AnswerSettings):
    """All that it takes to answer."""


@click.command("ask")
@click.argument("question", nargs=-1, required=True)
@click.option("--follow-up", is_flag=True, help="Go on with your last conversation.")
@restricting
@click.option("--no-model", is_flag=True, help="Quote the pages, even if a language model is set up.")
@json_option
def command(
    *,
    question: tuple[str, ...],
    follow_up: bool,
    sources: tuple[str, ...],
    no_model: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Ask a question; the answer says where it is from.

    The conversation is kept: --follow-up goes on with it, and the wiki's ask page shows it.
    """
    settings = load(AskSettings)
    text = " ".join(question)
    if len(text) > MAX_QUESTION:
        raise SearchError(f"The question is longer than {MAX_QUESTION} characters.", "Ask it in fewer words.")
    with Pipeline.open(settings) as pipeline:
        who: Principal = local(settings)
        model = None if no_model else open_chat(settings, pipeline.catalog.model_calls)
        library = open_library(pipeline, who.scope, settings)
        known = [record.key for record in library.sources()]
        asked = Question(
            text=text,
            filters=filters(select(known, sources) if sources else (), options),
            chunks=settings.answer_chunks,
        )
        out = console()
        live = out.is_terminal and not as_json
        with closing(Answering(pipeline.catalog, lambda _: library, model, settings)) as answering:
            conversation = _last(pipeline, who) if follow_up else ""
            record = answering.begin(who, asked, conversation)
            answer = answering.run(record, who.scope, _live(out) if live else silent)
    if as_json:
        print_json(answer.to_json())
        return
    served = running(settings.home)
    _print(out, answer, served.gateway if served else "", shown=live and bool(answer.text))


def _last(pipeline: Pipeline, who: Principal) -> str:
    """The conversation that was gone on with last."""
    known = pipeline.catalog.answers.conversations(who.tenant, who.owner, 1)
    if not known:
        raise SearchError("Nothing was asked before.", "Ask without --follow-up first.")
    return known[0].conversation_id


def open_library(pipeline: Pipeline, scope: Scope, settings: AskSettings) -> Library:
    """What may be read with a scope, for questions."""
    staleness = StalenessCache(pipeline, background=False)
    return Library(pipeline.catalog, pipeline.store, open_embedder(settings), staleness, scope)


def _live(out: Console) -> Callable[[str, Any], None]:
    """Prints a model's text as it comes."""

    def emit(event: str, data: Any) -> None:
        if event == "step":
            progress_console().print(Text(printable(f"{data['message']} …"), style="dim"))
        if event == "text":
            for piece in data["pieces"]:
                said = printable(piece["text"]) if "text" in piece else f"[{piece['cite'][1:]}]"
                out.print(Text(said), end="", soft_wrap=True)

    return emit


def _print(out: Console, answer: Answer, root: str, *, shown: bool) -> None:
    known = by_id(answer.citations)
    if answer.outcome is Outcome.NOTHING:
        out.print("Nothing here answers this." + (" The nearest that there is:" if answer.passages else ""))
    for note in answer.notes:
        out.print(Text(printable(note.message), style="yellow"))
    if answer.text:
        if not shown:
            out.print(Text(printable(_numbered(answer))))
        out.print()
        _print_doubts(out, answer)
        out.print(Text(f"Written by {printable(answer.model)}, from:", style="dim"))
        for citation in answer.used:
            _print_source(out, citation, root, number=True)
        return
    for number, passage in enumerate(answer.passages):
        if number:
            out.print()
        _print_passage(out, passage, answer.terms)
        _print_source(out, known[passage.citation], root, number=False)


def _numbered(answer: Answer) -> str:
    """The text with its markers as numbers."""
    text = answer.text
    for citation in answer.citations:
        text = text.replace(f"[{citation.id}]", f"[{citation.id[1:]}]")
    return text


def _print_doubts(out: Console, answer: Answer) -> None:
    for sentence in answer.sentences:
        if sentence.missing:
            said = printable(answer.text[sentence.begin : sentence.end])[:80]
            out.print(
                Text(f"Not in its source: {', '.join(map(printable, sentence.missing))} (“{said} …”)", style="red")
            )
    if uncited := sum(not sentence.citations for sentence in answer.sentences):
        out.print(Text(f"{uncited} {'sentence names' if uncited == 1 else 'sentences name'} no source.", style="red"))


def _print_passage(out: Console, passage: Passage, terms: Sequence[str]) -> None:
    shown = Text()
    if passage.before and passage.kind != "code":
        shown.append(printable(passage.before) + " ", style="dim")
    for piece, is_term in marked(printable(passage.text), terms):
        shown.append(piece, style="bold yellow" if is_term else "")
    if passage.after and passage.kind != "code":
        shown.append(" " + printable(passage.after), style="dim")
    for line in list(shown.split("\n"))[:_CODE_LINES]:
        out.print(Padding(line, (0, 0, 0, 2), expand=False))


def _print_source(out: Console, citation: Citation, root: str, *, number: bool) -> None:
    title = printable(citation.title) + (f" › {printable(citation.place)}" if citation.place else "")
    facts = [citation.source_title]
    if citation.modified_at:
        facts.append(f"changed {citation.modified_at[:10]}{f' by {citation.author}' if citation.author else ''}")
    if citation.version:
        facts.append(f"version {citation.short_version}")
    mark = f"[{citation.id[1:]}] " if number else "  "
    out.print(Text.assemble((mark, "cyan"), (title, "bold"), (printable(f"  {', '.join(facts)}"), "dim")))
    if citation.stale:
        out.print(Text(printable(f"    out of date: {citation.stale.detail}"), style="red"))
    if root:
        out.print(Text(f"    {printable(root + citation.wiki_url)}", style="blue"), soft_wrap=True)
    if citation.url:
        out.print(Text(f"    from {printable(citation.url)}", style="dim"), soft_wrap=True)
