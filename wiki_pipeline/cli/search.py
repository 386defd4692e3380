"""`wiki-pipeline search`: the best passages, with where they stand."""

from __future__ import annotations

from dataclasses import asdict
from typing import get_args

import click
from rich.text import Text

from wiki_pipeline.cli.output import console, json_option, print_json, printable
from wiki_pipeline.cli.selection import select
from wiki_pipeline.settings import Settings, load
from wiki_pipeline.stages.pipeline import Pipeline
from wiki_pipeline.store import Filters, Hit, search
from wiki_pipeline.store.search import MAX_HITS, Mode
from wiki_pipeline.text.embed import open_embedder

_LINES_SHOWN = 6


@click.command("search")
@click.argument("query", nargs=-1, required=True)
@click.option("-k", "count", type=click.IntRange(1, MAX_HITS), default=5, show_default=True, help="How many passages.")
@click.option("--source", "sources", multiple=True, metavar="SOURCE", help="Only this source; may be given again.")
@click.option("--mode", type=click.Choice(get_args(Mode)), default="hybrid", show_default=True, help="How to match.")
@json_option
def command(*, query: tuple[str, ...], count: int, sources: tuple[str, ...], mode: Mode, as_json: bool) -> None:
    """Search the tenant's sources."""
    settings = load(Settings)
    with Pipeline.open(settings) as pipeline:
        known = [record.key for record in pipeline.catalog.sources(settings.tenant)]
        filters = Filters(sources=tuple(select(known, sources)) if sources else ())
        hits = search(pipeline.store, open_embedder(settings), " ".join(query), k=count, mode=mode, filters=filters)
    if as_json:
        print_json([asdict(hit) for hit in hits])
        return
    if not hits:
        console().print("Nothing was found.")
    for hit in hits:
        _show(hit)


def _show(hit: Hit) -> None:
    lines = printable(hit.text).strip().splitlines()
    more = ["..."] if len(lines) > _LINES_SHOWN else []
    shown = Text.assemble(
        (printable(hit.title), "bold"),
        (f" ({hit.score:.3f})\n", "dim"),
        (printable(" > ".join(hit.heading_path) or hit.path) + "\n", "cyan"),
        "\n".join(lines[:_LINES_SHOWN] + more) + "\n",
        (f"{hit.url} (version {printable(hit.version)})\n", "dim"),
    )
    console().print(shown, soft_wrap=True)
