"""What stages are, and what they report of their work."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from wiki_pipeline.model.source import SourceKey


class Stage(StrEnum):
    """The stages in the order of the flow; `clean_pages` and `attachments` feed both `chunks` and `wiki_pages`."""

    RAW_PAGES = "raw_pages"
    CLEAN_PAGES = "clean_pages"
    ATTACHMENTS = "attachments"
    CHUNKS = "chunks"
    VECTORS = "vectors"
    WIKI_PAGES = "wiki_pages"


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
        dependency_changed: documents made again only because something that they depend on changed: a page that they
            include, the name of a person. They count as `updated` too.
        dependents: ids of the first hundred of those.
        unknown_macros: macros in the source's pages that no handler knows, by name (`clean_pages`).
        lossy: documents whose text lacks words of their source (`clean_pages`).
        lost_words: the first hundred of those, with the words.
        broken_links: links in the source's documents to documents that exist nowhere (`wiki_pages`).
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
    dependency_changed: int = 0
    dependents: tuple[str, ...] = ()
    unknown_macros: dict[str, int] = field(default_factory=dict)
    lossy: int = 0
    lost_words: tuple[LostWords, ...] = ()
    broken_links: int = 0
    failures: tuple[DocumentFailure, ...] = ()
    data_version: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come. `total` is None until it is known."""

    stage: Stage
    source: SourceKey
    done: int
    total: int | None
    failed: int = 0
