"""A sync: one source being brought up to date by one writer, with its progress reported and its outcome recorded."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from types import TracebackType
from typing import Self

from wiki_pipeline.catalog import FailureRecord, Lease, SyncMode
from wiki_pipeline.errors import ConfigurationError, LeaseHeldError, SyncInterruptedError, WikiPipelineError
from wiki_pipeline.limits import DocumentLimits
from wiki_pipeline.machine import memory
from wiki_pipeline.model import Progress, SourceKey, Stage, StageReport
from wiki_pipeline.store import Batch, StageTable
from wiki_pipeline.sync import figures
from wiki_pipeline.sync.allocator import limit_allocators
from wiki_pipeline.sync.changes import record_changes
from wiki_pipeline.sync.claim import ClaimSession
from wiki_pipeline.sync.mentions import record_mentions
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.sync.workers import Workers
from wiki_pipeline.text.embed import Embedder, open_embedder

logger = logging.getLogger(__name__)

Listener = Callable[[Progress], None]
_NO_DOCUMENTS = {Stage.ATTACHMENTS, "repository_wiki"}  # stages whose ids are not those of documents


@dataclass
class SourceTables:
    """One source's tables, to look at."""

    pipeline: Pipeline
    source: SourceKey

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.pipeline.settings

    @cached_property
    def embedder(self) -> Embedder:
        """The embedding model in force; loads nothing until it is used."""
        return open_embedder(self.settings)

    def table(self, stage: Stage) -> StageTable:
        """The source's table of a stage; of `vectors`, the serving table of the model in force."""
        store = self.pipeline.store
        if stage is Stage.VECTORS:
            return store.vectors(self.embedder.model, self.embedder.dimension, self.source)
        return store.table(stage, self.source)


@dataclass
class Sync(SourceTables):
    """What a stage is given. Its source's lease is held as long as the sync is open.

    Attributes:
        listener: called with how far a stage has come.
        claim: the freshness events that it settles.
        workers: the processes that convert documents.
        background: runs tasks beside the stages that follow; all have ended when the sync ends.
        named: the documents that it looks at; None: the whole source.
        cursor: by which a poll finds what changed since the listing that `raw_pages` saw; empty if there was none.
        changed: documents that `raw_pages` wrote, or took out.
        remade: documents that `clean_pages` made again, as far as it committed anything.
        recorded: whether all changes of before were in the log of changes when `clean_pages` first committed; None
            while it has not.
        upgraded: stages whose tables an older version of the program had made: all their documents are made again.
        reports: what the stages have done so far.
        error: why the sync failed; None while it did not.
    """

    listener: Listener
    lease: Lease
    claim: ClaimSession
    workers: Workers
    background: BackgroundTasks
    named: Sequence[str] | None = None
    cursor: str = ""
    changed: set[str] = field(default_factory=set)
    remade: set[str] = field(default_factory=set)
    recorded: bool | None = None
    upgraded: set[Stage] = field(default_factory=set)
    reports: list[StageReport] = field(default_factory=list)
    error: WikiPipelineError | None = None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Entered around each commit to a table of the source's own.

        Raises:
            LeaseLostError: another process took over meanwhile.
            SyncTerminatedError: someone asked for the sync to stop.
        """
        self.lease.check()
        self.claim.check()
        yield

    @contextmanager
    def writing_clean_pages(self) -> Iterator[None]:
        """As `writing`, for the table whose changes are logged: should this process die before it has recorded them,
        the next sync knows that some are missing."""
        with self.writing():
            if self.recorded is None:
                self.recorded = self.pipeline.catalog.changes.begin(self.source)
            yield

    @contextmanager
    def writing_vectors(self) -> Iterator[None]:
        """Entered around each commit to the serving table, which the tenant's sources write in turn.

        Raises:
            LeaseLostError: another process took over this source meanwhile.
            LeaseHeldError: others wrote the table for ten times the lease's duration.
            SyncTerminatedError: someone asked for the sync to stop.
        """
        self.lease.check()
        self.claim.check()
        seconds = self.settings.lease_seconds
        with self.pipeline.catalog.lease(vectors_lease(self.source.tenant), seconds, wait=10 * seconds):
            yield

    def upgrade(self) -> None:
        """Bring tables that an older version of the program made to the columns of this one: the source's own and the
        serving table, and those of other sources, which stages read, as far as no other process writes them.

        Raises:
            StoreError: a table can't be written, or a newer version made it. Then nothing was changed.
            LeaseHeldError, LeaseLostError, SyncTerminatedError: as `writing` and `writing_vectors`.
        """
        pipeline, model = self.pipeline, self.embedder.model
        older = pipeline.store.older(self.source, model)
        for stage, table in older.items():
            logger.info("%s is brought to the columns of this version of wiki-pipeline.", table.name)
            with self.writing_vectors() if stage is Stage.VECTORS else self.writing():
                table.upgrade()
        self.upgraded.update(older)
        if not older and self.table(Stage.RAW_PAGES).dataset() is not None:
            return  # no first sync by this version
        for record in pipeline.catalog.sources(self.source.tenant):
            with suppress(LeaseHeldError):
                if record.key != self.source and (tables := pipeline.store.older(record.key, model)):
                    with pipeline.catalog.lease(lease_name(record.key), self.settings.lease_seconds):
                        for table in tables.values():
                            table.upgrade()

    def tell(self, progress: Progress) -> None:
        """Say how far a stage has come."""
        self.listener(progress)
        self.claim.tell(progress)

    def tried(
        self, stage: Stage, document_ids: Sequence[str], batch: Batch, tried: Mapping[str, str] | None = None
    ) -> Batch:
        """Record which of the documents failed, and which no longer do. Returns the batch.

        Args:
            tried: of documents that took more than one may: hash of what was tried.
        """
        if batch.failures or not self._failing[stage].keys().isdisjoint(document_ids):
            self.pipeline.catalog.record_failures(self.source, stage, batch.failures, document_ids, tried)
        return batch

    def over_limit(self, stage: Stage) -> Mapping[str, FailureRecord]:
        """Documents that took a stage more than one document may, before this sync."""
        return {id_: failure for id_, failure in self._failing[stage].items() if failure.tried}

    def explained(self, stage: Stage, document_ids: Collection[str]) -> None:
        """Record that a stage makes these rows and no others: what else failed in it fails no more."""
        if vanished := self._failing[stage].keys() - set(document_ids):
            self.pipeline.catalog.record_failures(self.source, stage, (), sorted(vanished))

    def gone(self, document_ids: Sequence[str]) -> None:
        """Record that documents are gone upstream: they fail no more, in any stage."""
        for stage, failing in self._failing.items():
            if vanished := failing.keys() & set(document_ids):
                self.pipeline.catalog.record_failures(self.source, stage, (), vanished)

    def failing(self) -> set[str]:
        """Documents that any stage failed on before this sync; of attachments see `failing_attachments`. Rows that are
        made of many documents are none (`explained`)."""
        return set().union(*(ids for stage, ids in self._failing.items() if stage not in _NO_DOCUMENTS))

    def failing_attachments(self) -> set[str]:
        """Attachments that failed before this sync."""
        return set(self._failing[Stage.ATTACHMENTS])

    def done(self, report: StageReport) -> StageReport:
        """Record what a stage did. Returns the report."""
        self.reports.append(report)
        return report

    def record_changes(self) -> None:
        """Record which documents changed, once the sync has brought them to their readers.

        Raises:
            CatalogError, StoreError: as `changes.record_changes`.
        """
        reports = {report.stage: report for report in self.reports}
        if self.error is None and reports.keys() >= {Stage.CLEAN_PAGES, Stage.WIKI_PAGES}:
            clean, report = self.table(Stage.CLEAN_PAGES), reports[Stage.CLEAN_PAGES]
            # First: where the log of changes is complete, so is this.
            mentions, version = self.pipeline.catalog.mentions, report.data_version
            record_mentions(mentions, clean, self.source, version, self.remade, complete=bool(self.recorded))
            record_changes(self.pipeline.catalog, clean, report, self.remade, self.recorded)

    @property
    def complete(self) -> bool:
        """Whether all stages did their work."""
        return {report.stage for report in self.reports} == set(Stage)

    def fail(self, error: BaseException) -> None:
        """Record what ended the sync; of a defect or an interruption, what people should know."""
        if isinstance(error, WikiPipelineError):
            self.error = error
        elif isinstance(error, Exception):
            self.error = WikiPipelineError(
                f"An unexpected {type(error).__name__} ended the sync of {self.source}.",
                "What was committed before stands. This is a defect of wiki-pipeline: please report it, with the log.",
            )
        else:
            self.error = SyncInterruptedError(
                f"The sync of {self.source} was interrupted.",
                "What was committed before stands; the next sync does the rest.",
            )

    @cached_property
    def _failing(self) -> dict[Stage, dict[str, FailureRecord]]:
        failing: dict[Stage, dict[str, FailureRecord]] = defaultdict(dict)
        for failure in self.pipeline.catalog.failures(self.source):
            failing[failure.stage][failure.document_id] = failure
        return failing


def lease_name(source: SourceKey) -> str:
    """What the lease of the source's one writer is called in the catalog."""
    return f"source {source}"


def vectors_lease(tenant: str) -> str:
    """What the lease on the tenant's serving table is called in the catalog."""
    return f"vectors of {tenant}"


@contextmanager
def open_sync(
    pipeline: Pipeline, source: SourceKey, mode: SyncMode, listener: Listener, *, run_id: str = "", claim_id: str = ""
) -> Iterator[Sync]:
    """Be the source's one writer, across processes and machines, keep the sync's history, and settle its claim.

    Raises:
        LeaseHeldError: another process writes the source; says which and since when. Nothing was done.
        LeaseLostError: another process took over meanwhile. What was committed before stands.
        StoreError: a newer version of the program made one of the tables. Nothing was done.
    """
    limit_allocators()
    catalog, settings = pipeline.catalog, pipeline.settings
    # In a container that has less, the document is to fail, and not the container.
    limits = DocumentLimits(settings.document_seconds, min(settings.document_memory, memory() // 2))
    workers = Workers(settings.processes, limits)
    with catalog.lease(lease_name(source), settings.lease_seconds) as lease, workers:
        if source.tenant not in catalog.tenancy.active():  # who drops it waits for this lease, and then removes all
            raise ConfigurationError(f"The tenant {source.tenant} is not served here any more.")
        sync_id = catalog.start_sync(source, mode, run_id)
        claim = ClaimSession.start(catalog, settings, source, mode, run_id, claim_id)
        background = BackgroundTasks()
        sync = Sync(pipeline, source, listener, lease, claim, workers, background)
        try:
            sync.upgrade()
            folder = pipeline.folder_of(source)
            with folder.kept() if folder else nullcontext(), background:
                yield sync
            sync.record_changes()
        except BaseException as error:
            sync.fail(error)
            raise
        finally:
            catalog.finish_sync(sync_id, sync.reports, sync.error)
            claim.finish(sync.reports, sync.error, sync.cursor, sync.named or ())
            figures.record(
                catalog,
                source,
                mode,
                sync.reports,
                claim.claim_id,
                lambda: sync.table(Stage.VECTORS),
                failed=sync.error is not None,
            )


class BackgroundTasks:
    """What can wait, done in a thread beside the stages: maintenance of tables, which is mostly done outside Python.

    A stage's rows are there for everyone once they are committed; the next stage need not wait until its table is quick
    to read again. It does one thing after the other. Left, it has done everything; left by an exception, what it had
    begun.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="background")
        self._given: list[Future[None]] = []

    def __call__(self, work: Callable[[], None]) -> None:
        self._given.append(self._thread.submit(work))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait.

        Raises:
            Exception: the first that was raised by what was given, if none is on its way already.
        """
        self._thread.shutdown(cancel_futures=error is not None)
        if error is None:
            for given in self._given:
                given.result()
