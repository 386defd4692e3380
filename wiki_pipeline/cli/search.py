"""`wiki-pipeline search`: the best chunks, with where they stand and where to read on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args

import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from wiki_pipeline.access import local
from wiki_pipeline.cli.output import console, json_option, print_json, printable, progress_console, tenant_option
from wiki_pipeline.cli.restricting import filters, restricting
from wiki_pipeline.cli.selection import select
from wiki_pipeline.errors import SearchError
from wiki_pipeline.freshness import StaleDocument, StalenessCache
from wiki_pipeline.gateway.wiki_reader import Place, WikiReader
from wiki_pipeline.running import running
from wiki_pipeline.settings import load
from wiki_pipeline.store import Found, Hit, find
from wiki_pipeline.store.search import MAX_HITS, MAX_QUERY, Mode
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.text.embed import open_embedder
from wiki_pipeline.text.rerank import open_reranker
from wiki_pipeline.wiki.snippet import pieces_of

_CODE_LINES = 6


@dataclass(frozen=True, slots=True)
class Shown:
    """A chunk, where it is read in our wiki, and how its document is behind its source.

    Attributes:
        wiki_url: empty while nothing serves the wiki.
    """

    hit: Hit
    place: Place
    wiki_url: str
    stale: StaleDocument | None


@click.command("search")
@click.argument("query", nargs=-1, required=True)
@click.option("-k", "count", type=click.IntRange(1, MAX_HITS), default=5, show_default=True, help="How many chunks.")
@restricting
@click.option("--mode", type=click.Choice(get_args(Mode)), default="hybrid", show_default=True, help="How to match.")
@click.option(
    "--per-document", type=click.IntRange(1, MAX_HITS), default=None, help="At most so many chunks of one document."
)
@tenant_option
@json_option
def command(
    *,
    query: tuple[str, ...],
    count: int,
    sources: tuple[str, ...],
    mode: Mode,
    per_document: int | None,
    tenant: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Search the tenant's sources.

    \b
    '"on call" rota'   words next to each other
    'rota -weekend'    without a word (behind --, if it comes first)
    title:rota         in the title; likewise label:howto, path:docs/, author:ana, kind:code, after:2026-10-01
    """
    settings = load(Settings)
    words = " ".join(query)
    if len(words) > MAX_QUERY:
        raise SearchError(f"The query is longer than {MAX_QUERY} characters.", "Ask for the words that matter.")
    with Pipeline.open(settings, tenant) as pipeline:
        scope = replace(local(settings).scope, tenant=pipeline.tenant)
        records = [record for record in pipeline.catalog.sources(scope.tenant) if scope.allows(record.key)]
        chosen = scope.narrow(select([record.key for record in records], sources) if sources else ())
        answer = Found()
        if chosen is not None:
            answer = find(
                pipeline.store,
                open_embedder(settings),
                words,
                k=count,
                mode=mode,
                filters=filters(chosen, options),
                per_document=per_document,
                reranker=open_reranker(settings),
            )
        hits = answer.hits
        reader = WikiReader(pipeline.catalog, pipeline.store, StalenessCache(pipeline, background=False))
        places, stale = reader.places(hits), reader.stale(hits)
    served = running(settings.home)
    root = served.gateway if served else ""
    found = [
        Shown(hit, place, f"{root}{place.page}{place.fragment}" if root else "", behind)
        for hit, place, behind in zip(hits, places, stale, strict=True)
    ]
    if as_json:
        print_json([{**asdict(each.hit), "wiki_url": each.wiki_url, "stale": _staleness(each.stale)} for each in found])
        return
    _remark(answer)
    _print(
        console(),
        found,
        answer.did_you_mean or words,
        {str(record.key): record.title or record.key.name for record in records},
    )


def _remark(answer: Found) -> None:
    """What the search has to say of the query, beside the results."""
    out = progress_console()
    if answer.did_you_mean:
        out.print(Text(printable(f"No document holds what was typed; searched for: {answer.did_you_mean}")))
    if answer.unknown:
        out.print(Text(printable(f"No document holds: {', '.join(answer.unknown)}")))
    if answer.nearest_only:
        out.print("Nothing was found. Nearest in meaning:")


def _staleness(stale: StaleDocument | None) -> dict[str, object] | None:
    if stale is None:
        return None
    shown = ("reason", "since", "upstream_version", "served_version", "detail")
    return {name: getattr(stale, name) for name in shown}


def _print(out: Console, found: Sequence[Shown], query: str, sources: Mapping[str, str]) -> None:
    """The documents in the order of their best chunks, each with all its chunks below it."""
    if not found:
        out.print("Nothing was found.")
    documents: dict[tuple[str, str], list[Shown]] = {}
    for each in found:
        documents.setdefault((each.hit.source, each.hit.document_id), []).append(each)
    for number, chunks in enumerate(documents.values()):
        if number:
            out.print()
        hit = chunks[0].hit
        changed = f", changed {hit.last_modified_iso[:10]}" if hit.last_modified_iso else ""
        in_source = printable(f"  {sources.get(hit.source, hit.source)}{changed}")
        out.print(Text.assemble((printable(hit.title), "bold"), (in_source, "dim")))
        if behind := chunks[0].stale:
            out.print(Text(printable(f"  out of date: {behind.detail}"), style="red"))
        for chunk in chunks:
            _print_chunk(out, chunk, query)
        if hit.url and hit.url.startswith(("http://", "https://")):
            out.print(Text(f"  from {printable(hit.url)}", style="dim"), soft_wrap=True)


def _print_chunk(out: Console, found: Shown, query: str) -> None:
    hit, code = found.hit, found.place.code
    above = [name for name in hit.heading_path if name != hit.title]
    if code:
        above.append(f"lines {hit.start_line} to {hit.end_line}")
    if above:
        out.print(Padding(Text(printable(" › ".join(above)), style="cyan"), (0, 0, 0, 2), expand=False))
    excerpt = Text()
    for piece in pieces_of(hit.text, query, code=code):
        excerpt.append(printable(piece.text), style="bold yellow" if piece.found else "")
    excerpt.rstrip()
    lines = list(excerpt.split("\n"))[:_CODE_LINES]
    while len(lines) > 1 and not lines[-1].plain.strip():
        lines.pop()
    for line in lines:
        out.print(Padding(line, (0, 0, 0, 4), expand=False), no_wrap=code, overflow="ellipsis" if code else "fold")
    if found.wiki_url:
        out.print(Text(f"  {printable(found.wiki_url)}", style="blue"), soft_wrap=True)
