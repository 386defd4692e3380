"""raw_pages: what the source has, one row a document, brought over where its version key differs.

A full sync lists the source and may delete what a complete listing lacks; an incremental one looks at named documents
and deletes those that the source confirms gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.errors import MassDeletionError
from wiki_pipeline.model import (
    DocumentRef,
    Progress,
    Stage,
    StageReport,
)
from wiki_pipeline.sources.protocol import Source, UnprovenListingError
from wiki_pipeline.store import Reconciliation
from wiki_pipeline.sync import signals
from wiki_pipeline.sync.commits import read_commits
from wiki_pipeline.sync.fetched import fetched_batches
from wiki_pipeline.sync.names import People
from wiki_pipeline.sync.quotas import room_for_pages
from wiki_pipeline.sync.session import Sync
from wiki_pipeline.sync.stage import Bars, DeclaredStage
from wiki_pipeline.tracing import span

CODE_VERSION = "1"

# A source this small may lose most of its documents without anyone having to confirm it.
_SMALL = 10
# Documents that a listing without proof may lack; beyond, it is given up.
_MOST_ASKED_FOR = 2_000
OVER_QUOTA = "over the tenant's quota"
_SUMS = ("added", "updated", "deleted", "unchanged", "failed", "commits", "seconds", "bytes")


def update(
    sync: Sync,
    documents: Sequence[str] = (),
    *,
    allow_mass_deletion: bool = False,
    full: bool = False,
    since: datetime | None = None,
) -> StageReport:
    """Bring `raw_pages` up to date with the source.

    Args:
        sync: the open sync of the source.
        documents: ids to look at; none, or more than a batch holds: the whole source, as after an upgrade of tables.
        allow_mass_deletion: go on although a complete listing would drop more than half of the source.
        full: list the whole source and fetch every document, also where its version key is the one that is known.
        since: look only at what was changed at or after this moment, as far as the source says, and delete nothing.

    Raises:
        SourceError: the source could not be read, or listed only in part. What was committed before stands.
        MassDeletionError: see `allow_mass_deletion`. Nothing was changed.
        StoreError, LeaseLostError: the table could not be written.
    """
    if since is not None and not full and not sync.upgraded:
        return sync.done(signals.run_interruptibly(_changed_since(sync, since)))
    whole = full or not 0 < len(documents) <= sync.settings.batch_documents or bool(sync.upgraded)
    sync.named = None if whole else documents
    work = _everything(sync, allow_mass_deletion, full) if whole else _named(sync, documents)
    with span("fetch", source=str(sync.source), documents=len(documents)):
        return sync.done(signals.run_interruptibly(work))


async def _everything(sync: Sync, allow_mass_deletion: bool, full: bool) -> StageReport:
    async with aclosing(sync.pipeline.open_source(sync.source)) as source:
        sync.pipeline.describe(sync.source, await source.describe())
        listing, doubtful = await _list(sync, source)
        listing, left_out = _within_quota(sync, listing)
        work = _reconciliation(sync, listing, delete_missing=True, redo=full)
        if not allow_mass_deletion:
            lacking = len(doubtful.lacking) if doubtful and not doubtful.problem else 0
            # What must not be kept is known to be so, however much it is: it does not look like a listing gone wrong.
            withheld = len(set(source.withheld).intersection(work.plan.deleted.to_pylist()))
            _refuse_mass_deletion(sync, len(work.plan.before), len(work.plan.deleted) - withheld + lacking)
        sync.pipeline.catalog.upstream.observe_all(sync.source, listing)
        listed = {ref.document_id: ref.version_key for ref in listing}
        if todo := len(work.plan.todo):
            sync.workers.start(todo)  # ready by the time that there are pages to convert
        people = People()
        with work:
            async for batch in fetched_batches(sync, source.fetch(work.plan.todo.to_pylist())):
                batch.observe(sync, listed)
                batch.meet(people)
                await asyncio.to_thread(batch.write, sync, work)
        report = work.report
        if doubtful is not None:
            report = await _look_for(sync, source, doubtful, people, report)
        await people.learn(sync, source, everyone=True)
        await read_commits(sync, source)
        sync.gone(sorted(sync.failing().difference(ref.document_id for ref in listing)))
        sync.cursor = source.cursor
        over = {OVER_QUOTA: left_out} if left_out else {}
        return _with_warnings(replace(report, skipped={**source.skipped, **over}), source)


async def _named(sync: Sync, documents: Sequence[str]) -> StageReport:
    people = People()
    sync.workers.start(len(documents))
    async with aclosing(sync.pipeline.open_source(sync.source)) as source:
        report = await _bring(sync, source, documents, people)
        await people.learn(sync, source, everyone=False)
        await read_commits(sync, source)
        return _with_warnings(report, source)


async def _changed_since(sync: Sync, moment: datetime) -> StageReport:
    people, size = People(), sync.settings.batch_documents
    async with aclosing(sync.pipeline.open_source(sync.source)) as source:
        sync.pipeline.describe(sync.source, await source.describe())
        sync.named = changed = await source.changed_since(moment)
        report = await _bring(sync, source, changed[:size], people, delete=False)
        for start in range(size, len(changed), size):
            report = _sum(report, await _bring(sync, source, changed[start : start + size], people, delete=False))
        await people.learn(sync, source, everyone=False)
        await read_commits(sync, source)
        return _with_warnings(report, source)


async def _bring(
    sync: Sync, source: Source, documents: Sequence[str], people: People, *, delete: bool = True
) -> StageReport:
    """Fetch documents by their ids, whatever a listing says; those that are gone are deleted, if anything is."""
    batches = [batch async for batch in fetched_batches(sync, source.fetch(list(dict.fromkeys(documents))))]
    for batch in batches:
        batch.gone = batch.gone if delete else []
        batch.meet(people)
        batch.observe(sync, {})
    found = [DocumentRef(page.document_id, page.version_key) for batch in batches for page in batch.pages]
    found, _ = _within_quota(sync, found)
    with _reconciliation(sync, found, delete_missing=False) as work:
        todo = set(work.plan.todo.to_pylist())
        for batch in batches:
            batch.pages = [page for page in batch.pages if page.document_id in todo]
            batch.write(sync, work)
    return work.report


@dataclass(frozen=True, slots=True)
class _Doubtful:
    """Why a listing may not be complete, and the known documents that it lacks. Without a problem it is complete as far
    as an index goes that lags behind."""

    problem: str
    lacking: Sequence[str]


async def _look_for(
    sync: Sync, source: Source, doubtful: _Doubtful, people: People, report: StageReport
) -> StageReport:
    """Ask for the documents that a listing without proof lacks, one by one: what is gone is confirmed that way."""
    size = sync.settings.batch_documents
    for start in range(0, len(doubtful.lacking), size):
        more = await _bring(sync, source, doubtful.lacking[start : start + size], people)
        unchanged = report.unchanged - more.deleted - more.updated
        report = replace(_sum(report, more), unchanged=unchanged)
    if not doubtful.problem:
        return report
    warning = f"listing: {doubtful.problem} What it lacks was asked for by name; documents that are new may be missing."
    return replace(report, warnings={warning: max(1, len(doubtful.lacking))})


def _sum(one: StageReport, more: StageReport) -> StageReport:
    """Both reports of one table as one; the second tells how the table is now."""
    counted = {name: getattr(one, name) + getattr(more, name) for name in _SUMS}
    return replace(more, **counted, failures=(*one.failures, *more.failures)[:100])


def _with_warnings(report: StageReport, source: Source) -> StageReport:
    """The report with the source's warnings."""
    found = source.warnings
    return replace(report, warnings={**report.warnings, **found.counts}, retry=found.retry)


async def _list(sync: Sync, source: Source) -> tuple[list[DocumentRef], _Doubtful | None]:
    """All documents of the source, each once; of one that moved while it was listed the last entry counts.

    A listing that can't be proven to be complete is completed by what is known, if the documents that it lacks are few
    enough to be asked for by name.

    Raises:
        IncompleteListingError: they are not.
    """
    refs: dict[str, DocumentRef] = {}
    is_first = not sync.table(Stage.RAW_PAGES).row_count()
    try:
        async for some in source.list_documents():
            refs.update((ref.document_id, ref) for ref in some)
            if is_first:
                sync.workers.start(len(refs))
            sync.tell(Progress(Stage.RAW_PAGES, sync.source, len(refs), None))
    except UnprovenListingError as error:
        refs = {ref.document_id: ref for ref in error.found}
        lacking = _lacking(sync, refs)
        if len(lacking) > _MOST_ASKED_FOR:
            raise
        return [*refs.values(), *lacking.values()], _Doubtful(error.message, sorted(lacking))
    if source.confirms_missing and (lacking := _lacking(sync, refs)):
        return [*refs.values(), *lacking.values()], _Doubtful("", sorted(lacking))
    return list(refs.values()), None


def _lacking(sync: Sync, listed: Mapping[str, DocumentRef]) -> dict[str, DocumentRef]:
    """The known documents that a listing lacks, as they are known."""
    known = sync.table(Stage.RAW_PAGES).read(columns=["document_id", "version_key"]).to_pylist()
    rows = ((row["document_id"], row["version_key"]) for row in known)
    return {id_: DocumentRef(id_, key) for id_, key in rows if id_ not in listed}


def _within_quota(sync: Sync, refs: list[DocumentRef]) -> tuple[list[DocumentRef], int]:
    """Documents without those that are new and for which the tenant's quotas leave no room; and how many those are.
    What is here goes on being brought up to date, and deleted."""
    room = room_for_pages(sync.pipeline, sync.source)
    if room is None:
        return refs, 0
    known = set(sync.table(Stage.RAW_PAGES).read(columns=["document_id"])["document_id"].to_pylist())
    new = [ref.document_id for ref in refs if ref.document_id not in known]
    left_out = set(new[room:])
    return [ref for ref in refs if ref.document_id not in left_out], len(left_out)


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


def _refuse_mass_deletion(sync: Sync, had: int, leaving: int) -> None:
    if had > _SMALL and leaving > had / 2:
        raise MassDeletionError(
            f"The listing of {sync.source} lacks {leaving} of the {had} documents that are known; nothing was deleted.",
            "If they are really gone, sync with --allow-mass-deletion "
            "(in Dagster: the config allow_mass_deletion of raw_pages).",
        )


def _months(rows: pa.Table) -> list[tuple[str, int]]:
    """How many documents changed last in each of the last sixty months that have any."""
    counts = pc.value_counts(pc.strftime(rows["modified_at"].drop_null(), format="%Y-%m"))
    return sorted((item["values"], item["counts"]) for item in counts.to_pylist())[-60:]


DECLARED = DeclaredStage(
    stage=Stage.RAW_PAGES,
    code_version=CODE_VERSION,
    update=update,
    preview=["document_id", "title", "version", "author", "modified_at", "url"],
    picture=Bars("Documents by the month of their last change", ["modified_at"], _months),
)
