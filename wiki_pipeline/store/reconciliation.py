"""A reconciliation in parts, for inputs that come by themselves: a source's listing, then its answers in portions.

    with Reconciliation(table, listed, stage=..., source=..., code_version=...) as work:
        if work.plan.deleted ...: raise MassDeletionError(...)
        async for portion in fetch(work.plan.todo.to_pylist()):
            work.write(Batch(rows, failures))
            work.delete(gone)
    return work.report

`reconcile` is a loop around it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.model import DocumentFailure, Progress, SourceKey, Stage, StageReport, digests
from wiki_pipeline.store.content import content_hashes
from wiki_pipeline.store.maintenance import UNINDEXED_ROWS_IN_SYNC, index_rows, maintain
from wiki_pipeline.store.plan import Plan, make_plan
from wiki_pipeline.store.stage_table import StageTable
from wiki_pipeline.store.state import data_version, run_starts

logger = logging.getLogger(__name__)

FAILURES_SHOWN = 100
BATCH_BYTES = 32_000_000
_FIRST_BATCH = 64  # documents; how large they are is known after it, more or less
_GROWTH = 4  # a batch has at most so many times the documents of the one before

Lease = Callable[[], AbstractContextManager[None]]
Listener = Callable[[Progress], None]
BackgroundTasks = Callable[[Callable[[], None]], None]


def at_once(maintenance: Callable[[], None]) -> None:
    """The simplest `BackgroundTasks`."""
    maintenance()


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch of documents became: rows or a failure for each.

    Attributes:
        rows: columns of the output table; `fingerprint` and `content_hash` are filled in by the reconciliation.
        failures: documents that keep the rows they have and are tried again next time.
        input_hashes: of documents of which only the work itself shows what they are made from, the hash of that; it
            takes the place of the one that was desired.
        tokens, embedded, reused, bytes: for the report, see `StageReport`.
    """

    rows: pa.Table
    failures: Sequence[DocumentFailure] = ()
    input_hashes: Mapping[str, str] = field(default_factory=dict)
    tokens: int = 0
    embedded: int = 0
    reused: int = 0
    bytes: int = 0


@dataclass(slots=True)
class _Tally:
    added: int = 0
    updated: int = 0
    deleted: int = 0
    failed: int = 0
    commits: int = 0
    tokens: int = 0
    embedded: int = 0
    reused: int = 0
    bytes: int = 0
    failures: list[DocumentFailure] = field(default_factory=list)


def fingerprint(stage: Stage, code_version: str, parameters: Sequence[object], input_hash: str) -> str:
    """What the rows of a document carry that a stage made from an input of this hash; 32 hex digits."""
    return _fingerprints(stage, code_version, parameters, [input_hash])[0]


class Reconciliation:
    """One table's way to a desired state. Made, it only looks (`plan`); entered, it writes; left, it has a `report`.

    Left by an exception, it finishes the commit that is under way and does no more: nothing is deleted that was not
    already. One thread uses it at a time; commits happen in another one, at most one ahead.

    Attributes:
        plan: what differs.
    """

    def __init__(  # noqa: PLR0913 - as `reconcile`
        self,
        output: StageTable,
        desired: pa.Table,
        *,
        stage: Stage,
        source: SourceKey,
        code_version: str,
        parameters: Sequence[object] = (),
        delete_missing: bool = True,
        redo: bool = False,
        progress: Listener | None = None,
        lease: Lease = nullcontext,
        background: BackgroundTasks = at_once,
    ) -> None:
        self._began = time.perf_counter()
        self._output = output
        self._stage = stage
        self._source = source
        self._progress = progress
        self._lease = lease
        self._background = background
        self._state = output.state()
        self._fingerprint = partial(fingerprint, stage, code_version, parameters)
        fingerprints = _fingerprints(stage, code_version, parameters, desired["input_hash"].to_pylist())
        self.plan: Plan = make_plan(
            self._state, desired["document_id"], fingerprints, delete_missing=delete_missing, redo=redo
        )
        self._leaving = self.plan.deleted.to_pylist()
        self._tally = _Tally()
        self._written: set[str] = set()
        self._done = 0
        self._unindexed = 0
        self._bytes_a_document = 0.0
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")
        self._writing: Future[None] | None = None
        self._report: StageReport | None = None

    def __enter__(self) -> Reconciliation:
        self._tell()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                if self._leaving:
                    self._submit(None, [])
                self._wait()
                self._finish()
        finally:
            self._writer.shutdown()
            if error is not None and self._writing is not None and (other := self._writing.exception()) is not None:
                error.add_note(f"The batch before could not be written either: {other}")

    @property
    def report(self) -> StageReport:
        """What was done; there once the work is left without an exception."""
        if self._report is None:
            raise RuntimeError("A reconciliation has its report once it is finished.")
        return self._report

    def batches(self, documents: int, size: int = BATCH_BYTES) -> Iterator[list[str]]:
        """The ids to do, `documents` at a time; fewer where what was written so far came to more than `size` bytes."""
        todo = self.plan.todo
        start, count = 0, min(documents, _FIRST_BATCH)
        while start < len(todo):
            yield todo[start : start + count].to_pylist()
            start += count
            fitting = int(size / self._bytes_a_document) if self._bytes_a_document else documents
            count = max(1, min(documents, fitting, _GROWTH * count))

    def write(self, batch: Batch) -> None:
        """Take a batch: it is committed while the next one is being made.

        Raises:
            StoreError: an earlier batch could not be written. That and this one are not in the table.
            ValueError: rows of a document that is not in the plan: a defect of the caller.
        """
        self._wait()
        failures = list(batch.failures)
        self._tally.failed += len(failures)
        self._tally.failures += failures[: FAILURES_SHOWN - len(self._tally.failures)]
        self._tally.tokens += batch.tokens
        self._tally.embedded += batch.embedded
        self._tally.reused += batch.reused
        self._tally.bytes += batch.bytes
        documents: list[str] = pc.unique(batch.rows["document_id"]).to_pylist()
        if documents:
            self._bytes_a_document = batch.rows.nbytes / len(documents)
        self._submit(batch if documents else None, documents)
        self._done += len(documents) + len(failures)
        self._tell()

    def delete(self, document_ids: Iterable[str]) -> None:
        """Documents that are gone, as it turned out: they leave the table with the next commit."""
        gone = list(document_ids)
        self._leaving += self.plan.known(gone)
        self._done += len(gone)

    def _submit(self, batch: Batch | None, documents: list[str]) -> None:
        if batch is None and not self._leaving:
            return
        leaving, self._leaving = self._leaving, []
        self._writing = self._writer.submit(self._commit, batch, documents, leaving)

    def _commit(self, batch: Batch | None, documents: list[str], leaving: list[str]) -> None:
        stamped = self._output.schema.empty_table() if batch is None else self._stamped(batch)
        known = self.plan.known(documents)
        again = self._written.intersection(documents)  # a source may answer for a document twice
        with self._lease():
            committed = self._output.replace(stamped, leaving, [*known, *again])
            self._written.update(documents)
            self._unindexed += stamped.num_rows
            if self._unindexed >= UNINDEXED_ROWS_IN_SYNC:
                index_rows(self._output, 0)
                self._unindexed = 0
        self._tally.added += len(documents) - len(known)
        self._tally.updated += len(known)
        self._tally.deleted += len(leaving)
        self._tally.commits += committed

    def _stamped(self, batch: Batch) -> pa.Table:
        """The batch's rows with their fingerprints and content hashes."""
        given = [name for name in ("fingerprint", "content_hash") if name in batch.rows.column_names]
        rows = batch.rows.drop_columns(given)
        starts = run_starts([rows["document_id"]])
        bounds = np.append(starts, rows.num_rows)
        of_document = np.repeat(np.arange(len(starts)), np.diff(bounds))  # for each row, which document it belongs to
        documents = rows["document_id"].take(starts)
        fingerprints = self.plan.fingerprints(documents)
        if batch.input_hashes:
            made_of = map(batch.input_hashes.get, documents.to_pylist())
            own = [None if input_hash is None else self._fingerprint(input_hash) for input_hash in made_of]
            fingerprints = pc.coalesce(pa.array(own, pa.string()), fingerprints)
        hashes = pa.array(content_hashes(rows, bounds.tolist()), pa.string())
        return rows.append_column("fingerprint", fingerprints.take(of_document)).append_column(
            "content_hash", hashes.take(of_document)
        )

    def _wait(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def _finish(self) -> None:
        tally = self._tally
        if tally.commits:
            self._background(self._keep_up)
            self._state = self._output.state()
        self._tell()
        self._report = StageReport(
            stage=self._stage,
            source=self._source,
            added=tally.added,
            updated=tally.updated,
            deleted=tally.deleted,
            unchanged=self.plan.unchanged,
            failed=tally.failed,
            rows=self._output.row_count(),
            commits=tally.commits,
            seconds=time.perf_counter() - self._began,
            tokens=tally.tokens,
            embedded=tally.embedded,
            reused=tally.reused,
            bytes=tally.bytes,
            failures=tuple(tally.failures),
            data_version=data_version(self._state),
        )

    def _keep_up(self) -> None:
        try:
            with self._lease():
                maintain(self._output, self._tally.commits)
        except WikiPipelineError as error:
            # The table is right, only slower to read; the next sync that commits anything tries again.
            logger.warning("Maintenance of %s is left for the next sync. %s", self._output.name, error)

    def _tell(self) -> None:
        if self._progress is not None:
            done, total = self._done, len(self.plan.todo)
            self._progress(Progress(self._stage, self._source, done, total, self._tally.failed))


def compare(
    table: StageTable, desired: pa.Table, stage: Stage, code_version: str, parameters: Sequence[object] = ()
) -> Plan:
    """What differs between a stage's table and what it should be; nothing is done about it."""
    fingerprints = _fingerprints(stage, code_version, parameters, desired["input_hash"].to_pylist())
    return make_plan(table.state(), desired["document_id"], fingerprints, delete_missing=True)


def _fingerprints(
    stage: Stage, code_version: str, parameters: Sequence[object], input_hashes: Iterable[str]
) -> list[str]:
    return digests((str(stage), code_version, tuple(parameters)), input_hashes)
