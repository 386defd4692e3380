"""What a source answered to a fetch: pages, failures and confirmed deletions, on their way into `raw_pages`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from wiki_pipeline.model import (
    RAW_PAGES,
    DocumentFailure,
    DocumentGone,
    DocumentRef,
    RawPage,
    Stage,
    rows_to_arrow,
)
from wiki_pipeline.sources.protocol import Fetched
from wiki_pipeline.store import Batch, Reconciliation
from wiki_pipeline.sync.names import People
from wiki_pipeline.sync.session import Sync


@dataclass
class FetchedBatch:
    """Some of the source's answers: at most `batch_documents`, or the first to exceed `batch_bytes`."""

    pages: list[RawPage] = field(default_factory=list)
    failures: list[DocumentFailure] = field(default_factory=list)
    gone: list[DocumentGone] = field(default_factory=list)
    bytes: int = 0

    def add(self, answer: Fetched) -> None:
        match answer:
            case RawPage():
                self.pages.append(answer)
                self.bytes += len(answer.body)
            case DocumentFailure():
                self.failures.append(answer)
            case DocumentGone():
                self.gone.append(answer)

    def observe(self, sync: Sync, listed: Mapping[str, str]) -> None:
        """Record what changed upstream since it was listed, as version keys by document id say."""
        found = [DocumentRef(page.document_id, page.version_key) for page in self.pages]
        changed = [ref for ref in found if listed.get(ref.document_id) != ref.version_key]
        gone = [answer.document_id for answer in self.gone]
        if changed or gone:
            sync.pipeline.catalog.upstream.observe(sync.source, changed, gone)

    def meet(self, people: People) -> None:
        """Record whom the pages mention."""
        for page in self.pages:
            people.meet(page)

    def __len__(self) -> int:
        return len(self.pages) + len(self.failures) + len(self.gone)

    def write(self, sync: Sync, work: Reconciliation) -> None:
        """Commit it with the work's next commit, and record what failed."""
        gone = [answer.document_id for answer in self.gone]
        work.delete(gone)
        sync.gone(gone)
        sync.changed.update(gone, (page.document_id for page in self.pages))
        schema = pa.schema([f for f in RAW_PAGES if f.name not in {"fingerprint", "content_hash"}])
        # A page that was edited since it was listed is what it was brought as; one of which a part is missing is not
        # what was listed, and is brought again.
        made_of = {page.document_id: page.version_key for page in self.pages}
        rows = Batch(rows_to_arrow(self.pages, schema), self.failures, bytes=self.bytes, input_hashes=made_of)
        tried = [page.document_id for page in self.pages] + [failure.document_id for failure in self.failures]
        work.write(sync.tried(Stage.RAW_PAGES, tried, rows))


async def fetched_batches(sync: Sync, answers: AsyncIterator[Sequence[Fetched]]) -> AsyncIterator[FetchedBatch]:
    """The source's answers in batches, limited in number and in size, so that memory stays bounded."""
    settings, batch = sync.settings, FetchedBatch()
    async for some in answers:
        for answer in some:
            batch.add(answer)
            if len(batch) >= settings.batch_documents or batch.bytes >= settings.batch_bytes:
                yield batch
                batch = FetchedBatch()
    if len(batch):
        yield batch
