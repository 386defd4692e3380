"""What the stages that read another stage's table have in common: rows in, rows and failures out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib import metadata
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.model import Document, DocumentFailure, Stage, StageReport, digests
from wiki_pipeline.store import Batch, Compute, Plan, StageTable, compare, reconcile
from wiki_pipeline.sync.conversion import Conversion, Convert, Converted
from wiki_pipeline.sync.session import SourceTables, Sync
from wiki_pipeline.sync.settings import Settings

version = cache(metadata.version)  # which reads a file each time, and is asked for every portion of documents
_DOCUMENTS_A_PART = 8  # at least, where processes share the work
Input = TypeVar("Input", bound=Document)


def each_document(sync: Sync, inputs: tuple[Stage, type[Input]], stage: Stage, convert: Convert[Input]) -> Compute:
    """A batch by one document after the other, in processes that a document may break down.

    Args:
        sync: the open sync.
        inputs: the stage whose table is read, and what its rows are.
        stage: whose rows are made.
        convert: a document's row or rows from its row in the input; a function of `text` or `wiki`, which other
            processes can unpickle. Raises `DocumentError` where it can't.
    """
    table = sync.table(inputs[0])
    conversion = Conversion(sync.source, inputs[1], stage, _columns(sync, stage), convert)

    def compute(document_ids: Sequence[str]) -> Batch:
        taken = table.read(document_ids)
        made = converted(sync, conversion, taken)
        return Batch(made.rows, made.failures, bytes=taken.nbytes)

    return compute


def _columns(sync: Sync, stage: Stage) -> pa.Schema:
    """What a stage makes of a document; the reconciliation adds the rest."""
    return pa.schema([f for f in sync.table(stage).schema if f.name not in {"fingerprint", "content_hash"}])


def converted(sync: Sync, conversion: Conversion[Any], taken: pa.Table) -> Converted:
    """What rows become, in the sync's other processes.

    Raises:
        WorkerError: none can be started.
    """
    parts = sync.workers.map(conversion, taken, _DOCUMENTS_A_PART)
    failures = [failure for part in parts for failure in part.failures]
    return Converted(pa.concat_tables([part.rows for part in parts]), failures)


class ShownChange(NamedTuple):
    """That a row is behind only for what it shows of other documents.

    Attributes:
        titles: of those that changed.
        since: when the last of them did, as its source says; None if that is not known.
    """

    titles: tuple[str, ...]
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a stage's table should be made from.

    Attributes:
        desired: columns document_id and input_hash: the documents that the table before holds now.
        code_version, parameters: of the stage; what its output depends on besides the documents.
        shown: says of documents that are behind which of them are for what they show of others alone; None where a
            stage's rows show nothing of others.
    """

    desired: pa.Table
    code_version: str
    parameters: tuple[object, ...] = ()
    shown: Callable[[Sequence[str]], Mapping[str, ShownChange]] | None = None

    def hashes(self, stage: Stage, settings: Settings, document_ids: Sequence[str]) -> dict[str, str]:
        """Of some documents, a hash of all that decides whether they take more than one may."""
        some = self.desired.filter(pc.is_in(self.desired["document_id"], pa.array(document_ids, pa.string())))
        ids, hashes = (some[name].to_pylist() for name in ("document_id", "input_hash"))
        limits = (settings.document_seconds, settings.document_memory)
        common = (str(stage), self.code_version, self.parameters, limits, version("wiki-pipeline"))
        return dict(zip(ids, digests(common, hashes), strict=True))

    def behind(self, table: StageTable, stage: Stage) -> Plan:
        """What differs between a stage's table and what it should be."""
        return compare(table, self.desired, stage, self.code_version, self.parameters)


def input_state(tables: SourceTables, stage: Stage) -> pa.Table:
    """What a stage's table holds now, as the next stage's input: document_id and input_hash."""
    state = tables.table(stage).state()
    return pa.table({"document_id": state["document_id"], "input_hash": state["content_hash"]})


def update_from_table(
    sync: Sync,
    stage: Stage,
    inputs: Inputs,
    compute: Compute,
    finish: Callable[[StageReport], StageReport] = lambda report: report,
) -> StageReport:
    """Bring a stage's table up to date with its input, under the leases that it needs.

    A document that took more than one may (`limits`) fails again without being tried, as long as nothing is different.

    Args:
        finish: adds to the report what only this stage counts.

    Raises:
        StoreError, LeaseLostError: the table could not be written.
        EmbeddingError: the embedding endpoint failed. What was committed before stands.
    """

    failed_before = sync.over_limit(stage)
    hashes = inputs.hashes(stage, sync.settings, list(failed_before))
    left_out = {id_: each for id_, each in failed_before.items() if each.tried == hashes.get(id_)}

    def tried(document_ids: Sequence[str]) -> Batch:
        if stage is Stage.CLEAN_PAGES:
            sync.remade.update(document_ids)
        again = [document_id for document_id in document_ids if document_id not in left_out]
        batch = compute(again) if again else Batch(_columns(sync, stage).empty_table())
        over_limit = [failure.document_id for failure in batch.failures if failure.over_limit]
        batch = sync.tried(stage, again, batch, inputs.hashes(stage, sync.settings, over_limit))
        still = [left_out[document_id] for document_id in document_ids if document_id in left_out]
        failures = [DocumentFailure(each.document_id, each.title, stage, each.message) for each in still]
        return replace(batch, failures=[*batch.failures, *failures])

    report = reconcile(
        sync.table(stage),
        inputs.desired,
        tried,
        stage=stage,
        source=sync.source,
        code_version=inputs.code_version,
        parameters=inputs.parameters,
        batch_documents=sync.settings.batch_documents,
        batch_bytes=sync.settings.batch_bytes,
        progress=sync.tell,
        lease={Stage.VECTORS: sync.writing_vectors, Stage.CLEAN_PAGES: sync.writing_clean_pages}.get(
            stage, sync.writing
        ),
        background=sync.background,
    )
    return sync.done(finish(report))
