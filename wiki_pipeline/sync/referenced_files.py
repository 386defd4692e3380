"""The files that a source's pages refer to: which of them the source has, and which of those are to be kept.

What a page refers to stands in the links of `clean_pages`; what there is, and in which version, the source lists in one
go. That listing may lag behind, so a file that it lacks is looked for at its page before it is believed to be gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import pyarrow.compute as pc

from wiki_pipeline.errors import IncompleteListingError, SourceError
from wiki_pipeline.links.files import Files, file_place, is_gallery, may_mean_files
from wiki_pipeline.model import AttachmentRef, DocumentFailure, Progress, Stage
from wiki_pipeline.sources.protocol import Source
from wiki_pipeline.store import Batch, Reconciliation
from wiki_pipeline.sync import downloads
from wiki_pipeline.sync.downloads import Desired, Kept
from wiki_pipeline.sync.session import Sync


@dataclass
class References:
    """What the source's pages refer to that may be a file.

    Attributes:
        targets: documents that refer to it, by target.
        documents: all documents of the source.
    """

    targets: dict[str, set[str]] = field(default_factory=dict)
    documents: set[str] = field(default_factory=set)

    def documents_with_files(self) -> set[str]:
        """Documents that refer to anything that may be a file."""
        return set().union(*self.targets.values())

    @classmethod
    def of(cls, sync: Sync) -> References:
        found = cls()
        for batch in sync.table(Stage.CLEAN_PAGES).batches(["document_id", "links"]):
            ids, links = batch.column("document_id"), batch.column("links")
            found.documents.update(ids.to_pylist())
            targets = links.flatten().field("target")
            hits = may_mean_files(targets)
            owners = ids.take(pc.list_parent_indices(links).filter(hits))
            for target, document in zip(targets.filter(hits).to_pylist(), owners.to_pylist(), strict=True):
                found.targets.setdefault(target, set()).add(document)
        return found


class FileListing:
    """What the source has of what its pages refer to.

    Attributes:
        problem: why none or not all of it could be listed; None if it could. All that is kept counts as there
            then.
        unlisted: why the files of single pages could not be listed, by page. Those that are kept count as
            there.
    """

    def __init__(self, sync: Sync, references: References, before: Mapping[str, Kept]) -> None:
        self.problem: SourceError | None = None
        self.unlisted: dict[str, DocumentFailure] = {}
        self._sync = sync
        self._references = references
        self._before = before
        self._refs: dict[str, AttachmentRef] = {}
        self._listed: Files[AttachmentRef] = Files()
        self._kept: Files[Kept] = Files()
        for row in before.values():
            self._kept.add(row, row.url, row.path)
        self._shown = {place for target in references.targets if (place := file_place(target))}
        self._looked_at: set[str] = set()  # pages whose files were listed exactly

    async def read(self, source: Source) -> None:
        """List: a whole source in one go and then the pages that this leaves in doubt, or the pages concerned."""
        try:
            await self._read(source)
        except SourceError as error:
            self.problem = error

    async def _read(self, source: Source) -> None:
        if self._sync.named is not None:
            named = set(self._sync.named)
            targets = (target for target, documents in self._references.targets.items() if documents & named)
            await self._take(source, named | _owners(targets))
            return
        try:
            await self._take(source, None)
        except IncompleteListingError:
            await self._take(source, _owners(self._references.targets))
        else:
            await self._take(source, set(self._in_doubt()))

    def desired(self) -> list[Desired]:
        """The files that pages refer to, within the limits."""
        shown_by: dict[str, set[str]] = {}
        for target, documents in self._references.targets.items():
            pictures_only = is_gallery(target)
            for ref in (*self._listed.find(target), *self._unseen(target)):
                if pictures_only and not ref.media_type.startswith("image/"):
                    continue
                shown_by.setdefault(ref.attachment_id, set()).update(documents)
                self._refs.setdefault(ref.attachment_id, ref)
        found = [Desired(self._refs[key], self._parent(self._refs[key], by)) for key, by in shown_by.items()]
        others = sum(row.size for key, row in self._before.items() if row.file_hash and key not in shown_by)
        return downloads.within_limits(self._sync.settings, found, others if self._sync.named is not None else 0)

    def gone(self, desired: Iterable[Desired]) -> list[str]:
        """Rows of files that are known not to be there, or not to be shown, any more; the rest a full sync decides."""
        ids = {item.ref.attachment_id for item in desired}
        known = self._looked_at - self.unlisted.keys()
        looked_at = (key for key, row in self._before.items() if row.path or row.owner in known)
        return [] if self._sync.named is None or self.problem else [key for key in looked_at if key not in ids]

    def record_failures(self, work: Reconciliation) -> None:
        """Record the pages whose files could not be listed, and that those of others could."""
        looked_at = sorted(self._looked_at) if self.problem is None else sorted(self.unlisted)
        batch = self._sync.tried(
            Stage.ATTACHMENTS, looked_at, Batch(downloads.table_of([]), list(self.unlisted.values()))
        )
        if batch.failures:
            work.write(batch)

    def _parent(self, ref: AttachmentRef, shown_by: set[str]) -> str:
        """The page that the file hangs on; for files of no page of the source, the first one that shows it."""
        return ref.document_id if ref.document_id in self._references.documents else min(shown_by)

    def _in_doubt(self) -> Iterator[str]:
        """Pages whose files the listing may know too little of: something is shown of them that it lacks, and that
        was there before or is new. (What never was there would be asked for in every sync.)"""
        for target, documents in self._references.targets.items():
            place = file_place(target)
            if place is None:
                continue
            vanished = any(row.document_id not in self._refs for row in self._kept.find(target))
            unlisted = not self._listed.find(target)
            if (vanished and place.page_id in self._references.documents) or (
                unlisted and documents & self._sync.changed
            ):
                yield place.page_id

    def _unseen(self, target: str) -> Iterator[AttachmentRef]:
        """Files that are kept though nothing lists them: of pages whose files can't be listed this time, and of other
        spaces' pages, until the page that shows them changes."""
        for row in self._kept.find(target):
            elsewhere = row.owner and row.owner not in self._references.documents and row.owner not in self._looked_at
            if self.problem or row.owner in self.unlisted or (elsewhere and self._sync.named is None):
                yield row.ref

    async def _take(self, source: Source, pages: set[str] | None) -> None:
        if pages is not None:
            self._looked_at |= pages
            if not pages:
                return
        async for portion in source.list_attachments(None if pages is None else sorted(pages)):
            for item in portion:
                if isinstance(item, DocumentFailure):
                    self.unlisted[item.document_id] = item
                elif self._is_shown(item):
                    self._refs[item.attachment_id] = item
                    self._listed.add(item, item.url, item.path)
            self._sync.tell(Progress(Stage.ATTACHMENTS, self._sync.source, len(self._refs), None))

    def _is_shown(self, ref: AttachmentRef) -> bool:
        """Whether some page refers to the file: memory is for those only."""
        place = file_place(ref.url)
        return bool(ref.path) or place in self._shown or (place is not None and replace(place, name="") in self._shown)


def _owners(targets: Iterable[str]) -> set[str]:
    return {place.page_id for target in targets if (place := file_place(target))}
