"""Puts a converted document's parts together as a `CleanPage`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields, replace
from pathlib import PurePosixPath

from wiki_pipeline.model import CleanPage, Dependency, Document, Heading, Link, RawPage
from wiki_pipeline.text.words import count_words

_LOST_SHOWN = 20
_LONGEST_SHOWN = 50
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


def title_of(raw: RawPage, own: str) -> str:
    """The title of a file: what its source calls it; what it calls itself, where the source knows its name only."""
    path = PurePosixPath(raw.path)
    return raw.title if raw.title not in {"", raw.path, path.name, path.stem} else own


def noted(page: CleanPage, note: str) -> CleanPage:
    """The page with one more note for people."""
    return replace(page, notes=(*page.notes, note))


def with_losses(page: CleanPage, lost: Counter[str]) -> CleanPage:
    """The page with a note of the words that its conversion lost."""
    if not lost:
        return page
    most = sorted(lost, key=lambda word: (-lost[word], word))[:_LOST_SHOWN]
    named = tuple(word if len(word) <= _LONGEST_SHOWN else f"{word[:_LONGEST_SHOWN]}…" for word in most)
    more = f" and {len(lost) - len(named)} more" if len(lost) > len(named) else ""
    note = f"Words were lost in the conversion: {', '.join(named)}{more}."
    return replace(noted(page, note), lost_words=named)
