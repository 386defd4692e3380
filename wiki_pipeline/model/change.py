"""What sources tell: which documents and files they hold, which are gone, and what may have changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from wiki_pipeline.model.source import SourceKey


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """One line of a source's listing. Equal `version_key`: nothing to fetch."""

    document_id: str
    version_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRef:
    """One line of a source's listing of files beside its documents. Equal `version_key`: nothing to download.

    Attributes:
        attachment_id: the source's own stable id: Confluence's `att123`, a repository path.
        document_id: the document that it hangs on; empty if it is a file of the source as a whole.
        name: of the file, without folders.
        url: where people open it upstream; the address by which pages refer to it. No credentials.
        path: the path in the repository; empty for Confluence.
        version: what people call its version.
        media_type: as the source says; not to be trusted.
        size: in bytes, as the source says; None if it does not.
    """

    attachment_id: str
    name: str
    url: str
    version_key: str
    document_id: str = ""
    path: str = ""
    version: str = ""
    media_type: str = ""
    size: int | None = None
    author: str = ""
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DocumentGone:
    """The source confirms that a document is deleted, in the trash, archived, or out of the source's scope."""

    document_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChangeHint:
    """Word that something may have changed: a reason to look, never a fact to store.

    Attributes:
        kind: kind of the source.
        source: None where only the document is known: some webhooks name no more.
        document_id: empty for the source as a whole.
        what: in the words of who said it, as "page_updated" or "push".
        version: the document's `version` from which on the change is in it; empty where none tells that.
        connection: where the source is not known: name of the connection by which it must be opened; empty: by any.
    """

    kind: str
    source: SourceKey | None
    document_id: str = ""
    what: str = ""
    version: str = ""
    connection: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a cheap look at a source found since the look before.

    Attributes:
        cursor: to be handed in next time.
        documents: ids of documents that may have changed; ids of unchanged ones do no harm.
        attachments: files beside documents that may have changed.
        whole: something changed, and only a complete listing tells what.
        exact: nothing else can have changed; otherwise deletions, moves and labels may have been missed.
    """

    cursor: str
    documents: tuple[str, ...] = ()
    attachments: tuple[AttachmentRef, ...] = ()
    whole: bool = False
    exact: bool = False
