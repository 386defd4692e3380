"""What the stages that read another stage's table have in common: rows in, rows and failures out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa

from wiki_pipeline.model import Document, Stage, StageReport
from wiki_pipeline.store import Batch, Compute, Plan, StageTable, compare, reconcile
from wiki_pipeline.sync.conversion import Conversion, Convert
from wiki_pipeline.sync.session import SourceTables, Sync
from wiki_pipeline.sync.workers import LARGE

_DOCUMENTS_A_PART = 8  # at least, where processes share the work
Input = TypeVar("Input", bound=Document)


def each_document(sync: Sync, inputs: tuple[Stage, type[Input]], stage: Stage, convert: Convert[Input]) -> Compute:
    """A batch by one document after the other, shared with other processes where there is much to do.

    Args:
        sync: the open sync.
        inputs: the stage whose table is read, and what its rows are.
        stage: whose rows are made.
        convert: a document's row or rows from its row in the input; a function of `text` or `wiki`, which other
            processes can unpickle. Raises `DocumentError` where it can't.
    """
    table = sync.table(inputs[0])
    schema = pa.schema([f for f in sync.table(stage).schema if f.name not in {"fingerprint", "content_hash"}])
    conversion = Conversion(sync.source, inputs[1], stage, schema, convert)

    def compute(document_ids: Sequence[str]) -> Batch:
        if len(document_ids) >= LARGE:
            sync.workers.start()
        taken = table.read(document_ids)
        parts = sync.workers.map(conversion, taken, _DOCUMENTS_A_PART)
        failures = [failure for part in parts for failure in part.failures]
        return Batch(pa.concat_tables([part.rows for part in parts]), failures, bytes=taken.nbytes)

    return compute


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a stage's table should be made from.

    Attributes:
        desired: columns document_id and input_hash: the documents that the table before holds now.
        code_version, parameters: of the stage; what its output depends on besides the documents.
    """

    desired: pa.Table
    code_version: str
    parameters: tuple[object, ...] = ()

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

    Args:
        finish: adds to the report what only this stage counts.

    Raises:
        StoreError, LeaseLostError: the table could not be written.
        EmbeddingError: the embedding endpoint failed. What was committed before stands.
    """

    def tried(document_ids: Sequence[str]) -> Batch:
        if stage is Stage.CLEAN_PAGES:
            sync.remade.update(document_ids)
        return sync.tried(stage, document_ids, compute(document_ids))

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
