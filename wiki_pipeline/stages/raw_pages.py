"""raw_pages: what the source has, one row a document, brought over where its version key differs.

A full sync lists the source and may delete what a complete listing lacks; an incremental one looks at named documents
and deletes those that the source confirms gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import pyarrow as pa

from wiki_pipeline.errors import MassDeletionError
from wiki_pipeline.model import (
    RAW_PAGES,
    DocumentFailure,
    DocumentGone,
    DocumentRef,
    Progress,
    RawPage,
    Stage,
    StageReport,
    rows_to_arrow,
)
from wiki_pipeline.sources.protocol import Fetched, Source
from wiki_pipeline.store import Batch, Plan, Reconciliation
from wiki_pipeline.sync import signals
from wiki_pipeline.sync.names import People
from wiki_pipeline.sync.session import Sync
from wiki_pipeline.sync.stage import DeclaredStage

CODE_VERSION = "1"

# A source this small may lose most of its documents without anyone having to confirm it.
_SMALL = 10


def update(
    sync: Sync, documents: Sequence[str] = (), *, allow_mass_deletion: bool = False, full: bool = False
) -> StageReport:
    """Bring `raw_pages` up to date with the source.

    Args:
        sync: the open sync of the source.
        documents: ids to look at; none, or more than a batch holds: the whole source, as after an upgrade of tables.
        allow_mass_deletion: go on although a complete listing would drop more than half of the source.
        full: list the whole source and fetch every document, also where its version key is the one that is known.

    Raises:
        SourceError: the source could not be read, or listed only in part. What was committed before stands.
        MassDeletionError: see `allow_mass_deletion`. Nothing was changed.
        StoreError, LeaseLostError: the table could not be written.
    """
    whole = full or not 0 < len(documents) <= sync.settings.batch_documents or bool(sync.upgraded)
    sync.named = None if whole else documents
    work = _everything(sync, allow_mass_deletion, full) if whole else _named(sync, documents)
    return sync.done(signals.run_interruptibly(work))


async def _everything(sync: Sync, allow_mass_deletion: bool, full: bool) -> StageReport:
    async with aclosing(sync.pipeline.open_source(sync.source)) as source:
        sync.pipeline.describe(sync.source, await source.describe())
        listing = await _list(sync, source)
        work = _reconciliation(sync, listing, delete_missing=True, redo=full)
        if not allow_mass_deletion:
            _refuse_mass_deletion(sync, work.plan)
        sync.pipeline.catalog.upstream.observe_all(sync.source, listing)
        listed = {ref.document_id: ref.version_key for ref in listing}
        if todo := len(work.plan.todo):
            sync.workers.start(todo)  # ready by the time that there are pages to convert
        people = People()
        with work:
            async for portion in _portions(sync, source.fetch(work.plan.todo.to_pylist())):
                portion.observe(sync, listed)
                portion.meet(people)
                await asyncio.to_thread(portion.write, sync, work)
        await people.learn(sync, source, everyone=True)
        sync.gone(sorted(sync.failing().difference(ref.document_id for ref in listing)))
        sync.cursor = source.cursor
        return replace(work.report, skipped=dict(source.skipped))


async def _named(sync: Sync, documents: Sequence[str]) -> StageReport:
    people = People()
    sync.workers.start(len(documents))
    async with aclosing(sync.pipeline.open_source(sync.source)) as source:
        portions = [portion async for portion in _portions(sync, source.fetch(list(dict.fromkeys(documents))))]
        for portion in portions:
            portion.meet(people)
        await people.learn(sync, source, everyone=False)
    found = [DocumentRef(page.document_id, page.version_key) for portion in portions for page in portion.pages]
    for portion in portions:
        portion.observe(sync, {})
    with _reconciliation(sync, found, delete_missing=False) as work:
        todo = set(work.plan.todo.to_pylist())
        for portion in portions:
            portion.pages = [page for page in portion.pages if page.document_id in todo]
            portion.write(sync, work)
    return work.report


async def _list(sync: Sync, source: Source) -> list[DocumentRef]:
    """All documents of the source, each once; of one that moved while it was listed the last entry counts."""
    refs: dict[str, DocumentRef] = {}
    is_first = not sync.table(Stage.RAW_PAGES).row_count()
    async for portion in source.list_documents():
        refs.update((ref.document_id, ref) for ref in portion)
        if is_first:
            sync.workers.start(len(refs))
        sync.tell(Progress(Stage.RAW_PAGES, sync.source, len(refs), None))
    return list(refs.values())


def _reconciliation(
    sync: Sync, refs: Sequence[DocumentRef], *, delete_missing: bool, redo: bool = False
) -> Reconciliation:
    desired = pa.table(
        {
            "document_id": pa.array([ref.document_id for ref in refs], pa.string()),
            "input_hash": pa.array([ref.version_key for ref in refs], pa.string()),
        }
    )
    return Reconciliation(
        sync.table(Stage.RAW_PAGES),
        desired,
        stage=Stage.RAW_PAGES,
        source=sync.source,
        code_version=CODE_VERSION,
        delete_missing=delete_missing,
        redo=redo,
        progress=sync.tell,
        lease=sync.writing,
        background=sync.background,
    )


def _refuse_mass_deletion(sync: Sync, plan: Plan) -> None:
    had, leaving = len(plan.before), len(plan.deleted)
    if had > _SMALL and leaving > had / 2:
        raise MassDeletionError(
            f"The listing of {sync.source} lacks {leaving} of the {had} documents that are known; nothing was deleted.",
            "If they are really gone, sync with --allow-mass-deletion "
            "(in Dagster: the config allow_mass_deletion of raw_pages).",
        )


@dataclass
class _Portion:
    """What the source answered, up to a batch."""

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
        """Commit the portion with the work's next commit, and record what failed."""
        gone = [answer.document_id for answer in self.gone]
        work.delete(gone)
        sync.gone(gone)
        sync.changed.update(gone, (page.document_id for page in self.pages))
        schema = pa.schema([f for f in RAW_PAGES if f.name not in {"fingerprint", "content_hash"}])
        batch = Batch(rows_to_arrow(self.pages, schema), self.failures, bytes=self.bytes)
        tried = [page.document_id for page in self.pages] + [failure.document_id for failure in self.failures]
        work.write(sync.tried(Stage.RAW_PAGES, tried, batch))


async def _portions(sync: Sync, answers: AsyncIterator[Sequence[Fetched]]) -> AsyncIterator[_Portion]:
    """The source's answers in portions of at most a batch, by number and by size, so that memory stays bounded."""
    settings, portion = sync.settings, _Portion()
    async for some in answers:
        for answer in some:
            portion.add(answer)
            if len(portion) >= settings.batch_documents or portion.bytes >= settings.batch_bytes:
                yield portion
                portion = _Portion()
    if len(portion):
        yield portion


DECLARED = DeclaredStage(Stage.RAW_PAGES, CODE_VERSION, update)
