"""What stages report of their work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from wiki_pipeline.model.source import SourceKey
from wiki_pipeline.model.stage import Stage


@dataclass(frozen=True, slots=True)
class DocumentFailure:
    """One document that could not be brought up to date. It keeps its old rows and is tried again next time.

    Attributes:
        parent_id: of an attachment: the document that shows it.
        over_limit: it took more time or memory than one document may, and would again: it is not tried again before it
            changes, or the program or the limits do.
    """

    document_id: str
    title: str
    stage: Stage
    message: str
    parent_id: str = ""
    over_limit: bool = False


@dataclass(frozen=True, slots=True)
class Warnings:
    """What could not be read beside documents that were: they keep what was known of it.

    Attributes:
        counts: numbers of documents concerned, by what it was and why ("labels: ...").
        retry: whether asking again soon may help.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    retry: bool = False


@dataclass(frozen=True, slots=True)
class LostWords:
    """A document whose text lacks words of its source."""

    document_id: str
    title: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """What one stage did for one source.

    Attributes:
        added, updated, deleted, unchanged, failed: numbers of documents.
        rows: rows the source has in the stage's table afterwards.
        commits: commits written to the table (0 when nothing differed).
        seconds: wall time.
        tokens: tokens embedded (0 outside `vectors`).
        embedded: texts embedded; `reused`: vectors taken over by text hash.
        bytes: bytes of text taken in.
        skipped: documents the source left out, by reason ("binary": 12).
        warnings: numbers of documents of which something beside the text could not be read (labels, names of people,
            attachments), by what and why. They keep what was known of it.
        retry: whether reading that again soon may help.
        dependency_changed: documents made again only because something that they depend on changed: a page that they
            include, the name of a person. They count as `updated` too.
        dependents: ids of the first hundred of those.
        unknown_macros: macros in the source's pages that no handler knows, by name (`clean_pages`).
        lossy: documents whose text lacks words of their source (`clean_pages`).
        lost_words: the first hundred of those, with the words.
        broken_links: links in the source's documents to documents that exist nowhere (`wiki_pages`).
        counts: what else the stage counts, by name; stages name what they count in their declarations.
        failures: the first hundred, by name.
        data_version: hash of the source's state in the table; equal means same content.
    """

    stage: Stage
    source: SourceKey
    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    failed: int = 0
    rows: int = 0
    commits: int = 0
    seconds: float = 0.0
    tokens: int = 0
    embedded: int = 0
    reused: int = 0
    bytes: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    retry: bool = False
    dependency_changed: int = 0
    dependents: tuple[str, ...] = ()
    unknown_macros: dict[str, int] = field(default_factory=dict)
    lossy: int = 0
    lost_words: tuple[LostWords, ...] = ()
    broken_links: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    failures: tuple[DocumentFailure, ...] = ()
    data_version: str = ""

    def count(self, name: str) -> int:
        """A number by the name of its field, of numbers by name their sum; or by its name in `counts`, 0 if it is not
        there."""
        value = getattr(self, name) if name in COUNTED else self.counts.get(name, 0)
        return sum(value.values()) if isinstance(value, dict) else int(value)


COUNTED = frozenset(each.name for each in fields(StageReport) if each.type in {"int", "dict[str, int]"}) - {"counts"}
"""Names of the report's fields that are numbers, or numbers by name."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come. `total` is None until it is known."""

    stage: Stage
    source: SourceKey
    done: int
    total: int | None
    failed: int = 0
