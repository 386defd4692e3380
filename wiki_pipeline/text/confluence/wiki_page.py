"""Confluence pages, in the storage or the view representation, as Markdown."""

from __future__ import annotations

from dataclasses import replace

from wiki_pipeline.links.confluence import Upstream
from wiki_pipeline.model import CleanPage, Named, Person, RawPage, UnknownMacro
from wiki_pipeline.text.confluence import elements, links, lists, macros, tables  # noqa: F401 - they register handlers
from wiki_pipeline.text.confluence.registry import Element
from wiki_pipeline.text.confluence.trees import tree_of
from wiki_pipeline.text.confluence.writer import PageWriter
from wiki_pipeline.text.known import Known
from wiki_pipeline.text.page import finished, title_of


def clean_storage(raw: RawPage, known: Known) -> CleanPage:
    """A page in the storage format."""
    root, repair = tree_of(raw)
    return written(root, raw, known, (repair,) if repair else ())


def clean_html(raw: RawPage, known: Known) -> CleanPage:
    """An HTML document, or a Confluence page as its server renders it (`view`)."""
    root, loss = tree_of(raw)
    return written(root, raw, known, (loss,) if loss else (), title_from_heading=bool(raw.path))


def written(
    root: Element, raw: RawPage, known: Known, notes: tuple[str, ...] = (), *, title_from_heading: bool = False
) -> CleanPage:
    """A tree of elements as a page."""
    page = PageWriter(root, Upstream(raw), raw.title, known)
    text = page.blocks(root)
    unknown = [f"Unknown macro: {name} ({count})." for name, count in sorted(page.unknown.items())]
    clean = finished(
        raw,
        text,
        title=title_of(raw, page.headings[0].text) if title_from_heading and page.headings else "",
        headings=page.headings,
        links=page.links,
        dependencies=page.dependencies,
        notes=[*notes, *page.notes, *unknown],
    )
    return replace(
        clean,
        people=tuple(Person(person_id, name) for person_id, name in page.people.items()),
        names=tuple(Named(prefix, address) for prefix, address in page.named.items()),
        unknown_macros=tuple(UnknownMacro(name, count) for name, count in sorted(page.unknown.items())),
    )
