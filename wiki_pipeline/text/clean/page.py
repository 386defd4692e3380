"""Puts a converted document's parts together as a `CleanPage`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

from wiki_pipeline.model import CleanPage, Dependency, Document, Heading, Link, RawPage
from wiki_pipeline.text.clean.words import count_words

_SHARED = tuple(field.name for field in fields(Document))


def finished(
    raw: RawPage,
    markdown: str,
    *,
    title: str = "",
    code_language: str = "",
    headings: Iterable[Heading] = (),
    links: Iterable[Link] = (),
    dependencies: Iterable[Dependency] = (),
    notes: Iterable[str] = (),
) -> CleanPage:
    """The document with its text and structure; each link, dependency and note once, notes of the source first."""
    shared = {name: getattr(raw, name) for name in _SHARED}
    if title:
        shared["title"] = title
    return CleanPage(
        **shared,
        markdown=markdown,
        code_language=code_language,
        headings=tuple(headings),
        links=tuple(dict.fromkeys(links)),
        dependencies=tuple(dict.fromkeys(dependencies)),
        notes=tuple(dict.fromkeys((*raw.notes, *notes))),
        words=count_words(markdown),
    )


def noted(page: CleanPage, note: str) -> CleanPage:
    """The page with one more note for people."""
    return replace(page, notes=(*page.notes, note))
