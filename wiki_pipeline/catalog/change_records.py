"""Rows of the log of changes. All times are timezone-aware, in UTC, by the database's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wiki_pipeline.model import SourceKey


class ChangeKind(StrEnum):
    """What became of a document, or that a source is gone with all its documents."""

    ADDED = "added"
    UPDATED = "updated"
    DELETED = "deleted"
    SOURCE_REMOVED = "source_removed"


class SetKind(StrEnum):
    """What made some changes together: the first sync of a source, a later one, or that it was removed."""

    FIRST = "first"
    SYNC = "sync"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentChange:
    """What became of a document, to be recorded.

    Attributes:
        version: of a document that was deleted, the last that there was; as `previous_version` empty for a new one.
        content_hash: of its row in `clean_pages`; empty if it was deleted.
    """

    document_id: str
    kind: ChangeKind
    version: str
    previous_version: str = ""
    title: str
    path: str = ""
    url: str = ""
    author: str = ""
    modified_at: datetime | None = None
    content_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord(DocumentChange):
    """A change that was recorded.

    Attributes:
        document_id: empty for a source as a whole.
        recorded_at: when it arrived here.
    """

    change_id: int
    set_id: int
    source: SourceKey
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A document as the log knows it."""

    version: str
    content_hash: str
    title: str
    path: str
    url: str


@dataclass(frozen=True, slots=True)
class ChangePage:
    """A part of the log.

    Attributes:
        cursor: after the last of them; where there are no more, after all that there are.
        more: whether there are more at the moment.
    """

    changes: Sequence[ChangeRecord]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """The changes of one sync as a whole; `title` is the source's."""

    set_id: int
    source: SourceKey
    kind: SetKind
    title: str
    added: int
    updated: int
    deleted: int
    recorded_at: datetime

    @property
    def size(self) -> int:
        """Number of its changes."""
        return self.added + self.updated + self.deleted
