"""Confluence pages, in the storage or the view representation, as Markdown."""

from __future__ import annotations

import re

from wiki_pipeline.model import CleanPage, RawPage
from wiki_pipeline.text.clean import elements, links, lists, macros, tables, view  # noqa: F401 - most register handlers
from wiki_pipeline.text.clean.html import parse_html
from wiki_pipeline.text.clean.known import Known
from wiki_pipeline.text.clean.page import finished
from wiki_pipeline.text.clean.registry import Element
from wiki_pipeline.text.clean.storage import parse_storage
from wiki_pipeline.text.clean.stray import settle
from wiki_pipeline.text.clean.upstream import Upstream
from wiki_pipeline.text.clean.writer import PageWriter

# Some editors and importers save what a server once rendered: formulas drawn by KaTeX, copied panels.
_RENDERED = re.compile(r'class="[^"]*\b(?:katex-html|confluence-information-macro|expand-container)\b')


def clean_storage(raw: RawPage, known: Known) -> CleanPage:
    """A page in the storage format."""
    root, repair = parse_storage(raw.body)
    if _RENDERED.search(raw.body):
        view.adapt(root)
    return written(root, raw, known, (repair,) if repair else ())


def clean_html(raw: RawPage, known: Known) -> CleanPage:
    """An HTML document, or a Confluence page as its server renders it (`view`)."""
    root, loss = parse_html(raw.body)
    view.adapt(root)
    return written(root, raw, known, (loss,) if loss else (), title_from_heading=bool(raw.path))


def written(
    root: Element, raw: RawPage, known: Known, notes: tuple[str, ...] = (), *, title_from_heading: bool = False
) -> CleanPage:
    """A tree of elements as a page."""
    settle(root)
    page = PageWriter(root, Upstream(raw), raw.title, known.users)
    text = page.blocks(root)
    unknown = [f"Unknown macro: {name} ({count})." for name, count in sorted(page.unknown.items())]
    return finished(
        raw,
        text,
        title=page.headings[0].text if title_from_heading and page.headings else "",
        headings=page.headings,
        links=page.links,
        dependencies=page.dependencies,
        notes=[*notes, *page.notes, *unknown],
    )
