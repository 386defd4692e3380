"""From a file and its content to a row: of a document, or of a file that documents show or link."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pathspec import GitIgnoreSpec

from wiki_pipeline.links.forges import Forge
from wiki_pipeline.links.repository import Address
from wiki_pipeline.model import AttachmentRef, RawPage, SourceKey, digest
from wiki_pipeline.sources.git.encoding import decode
from wiki_pipeline.sources.git.names import media_type_of
from wiki_pipeline.sources.git.snapshot import File, Snapshot

# To be raised when the same file becomes another row: by a change here, in `encoding`, in media types or in `forges`.
ROW_VERSION = 1


@dataclass(frozen=True, slots=True)
class PageMaker:
    """Makes the rows of one repository."""

    key: SourceKey
    address: Address
    forge: Forge

    @property
    def shape(self) -> str:
        """Equal shapes: the same file becomes the same row."""
        return digest(ROW_VERSION, self.key.name, self.address.display, self.forge.name)[:8]

    def version_key(self, file: File) -> str:
        """What changes when a document's row does: its blob, the commit that last changed it, and how rows are made."""
        return f"{file.oid}@{file.commit}+{self.shape}"

    def page(self, file: File, content: bytes) -> RawPage:
        """The row of a file."""
        decoded = decode(content)
        return RawPage(
            document_id=file.document_id,
            title=file.document_id.rpartition("/")[2],
            url=self.forge.file_page(self.address, file.commit, file.path),
            version=file.commit,
            path=file.document_id,
            space_key=self.key.name,
            space_name=self.key.name,
            author=printable(file.author),
            created_at=time_of(file.created_at),
            modified_at=time_of(file.changed_at),
            media_type=media_type_of(file.document_id, decoded.text),
            version_key=self.version_key(file),
            body=decoded.text,
            notes=(decoded.note,) if decoded.note else (),
        )


def printable(name: str) -> str:
    """A name without what is not to be seen."""
    return " ".join("".join(character if character.isprintable() else " " for character in name).split())


def time_of(seconds: int) -> datetime | None:
    """A moment from Unix seconds; None for 0."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


# A picture and a text at once: left out as a document by default, but shown by pages all the same.
_DRAWINGS = "*.svg"


def attachments(snapshot: Snapshot, pages: PageMaker, exclude: tuple[str, ...]) -> Iterator[AttachmentRef]:
    """The files that pages may show, in the order of their paths. What the settings leave out is left out here too."""
    others = GitIgnoreSpec.from_lines(pattern for pattern in exclude if pattern != _DRAWINGS)
    for _, file in sorted(snapshot.files.items()):
        drawing = file.left_out == "excluded" and file.document_id.lower().endswith(".svg")
        if file.left_out == "binary" or (drawing and not others.match_file(file.document_id)):
            yield _ref(file, pages)


def _ref(file: File, pages: PageMaker) -> AttachmentRef:
    return AttachmentRef(
        attachment_id=file.document_id,
        name=file.document_id.rpartition("/")[2],
        url=pages.forge.file_page(pages.address, file.commit, file.path),
        path=file.document_id,
        version_key=file.oid,
        version=file.commit,
        author=printable(file.author),
        modified_at=time_of(file.changed_at),
    )
