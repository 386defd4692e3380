"""Conversion, chunking, embedding and rendering of generated pages in memory, each by itself, on one core.

Usage: `python -m ...hot_paths PAGES`; prints the seconds of each.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TypeVar

from wiki_pipeline.demo.confluence.spaces import body, title
from wiki_pipeline.links.index import COLUMNS, LinkIndex
from wiki_pipeline.model import RawPage, SourceKey, Stage, rows_to_arrow
from wiki_pipeline.settings import load
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.text.chunk import chunk_page, embedding_text
from wiki_pipeline.text.clean import clean_page
from wiki_pipeline.text.embed import open_embedder
from wiki_pipeline.wiki.render import render_page
from wiki_pipeline_tests.benchmarks.measure import Clock

_KEY = SourceKey("default", "confluence", "ENG")
_WARM = 50
Result = TypeVar("Result")


def main(pages: int) -> None:
    """Time each path over all pages, after a few for nothing (imports, compiled patterns)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    settings = load(Settings)
    sizes = settings.chunk_sizes(_KEY.kind)
    embedder = open_embedder(settings)
    raw = [_page(number, pages) for number in range(pages)]
    clock = Clock()
    took: dict[str, float] = {}

    def timed(name: str, work: Callable[[int | None], Result]) -> Result:
        work(_WARM)
        began = clock.seconds
        result = work(None)
        took[name] = clock.seconds - began
        return result

    clean = timed("conversion", lambda count: [clean_page(page) for page in raw[:count]])
    chunks = timed("chunking", lambda count: [c for page in clean[:count] for c in chunk_page(page, _KEY, sizes)])
    texts = [embedding_text(chunk.search_text) for chunk in chunks]
    timed("embedding", lambda count: embedder.embed(texts[:count]))
    schema = Stage.CLEAN_PAGES.schema
    filled = {"fingerprint": [""] * pages, "content_hash": [""] * pages}
    links = LinkIndex({_KEY: rows_to_arrow(clean, schema, **filled).select(COLUMNS)})
    timed("rendering", lambda count: [render_page(page, _KEY, links) for page in clean[:count]])
    clock.stop(
        **took,
        bytes=sum(len(page.body.encode()) for page in raw),
        texts=len(texts),
        characters=sum(len(text) for text in texts),
    )


def _page(number: int, pages: int) -> RawPage:
    return RawPage(
        document_id=str(number),
        title=title("ENG", number),
        url=f"https://confluence.example.org/pages/viewpage.action?pageId={number}",
        space_key="ENG",
        space_name="Engineering",
        version="1",
        media_type="application/vnd.atlassian.confluence.storage+xml",
        version_key=str(number),
        body=body("ENG", 0, number, pages),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
