"""Files of a repository that are no documents, but that its documents may show or link: pictures, PDF, Word."""

from __future__ import annotations

from collections.abc import Iterator

from pathspec import GitIgnoreSpec

from wiki_pipeline.model import AttachmentRef
from wiki_pipeline.sources.git.page import PageMaker, printable, time_of
from wiki_pipeline.sources.git.snapshot import File, Snapshot

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
