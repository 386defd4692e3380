"""What the stages that read another stage's table have in common: rows in, rows and failures out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa

from wiki_pipeline.errors import DocumentError
from wiki_pipeline.model import Document, DocumentFailure, Stage, StageReport, rows_from_arrow, rows_to_arrow
from wiki_pipeline.stages.sync import SourceTables, Sync
from wiki_pipeline.store import Batch, Compute, Plan, StageTable, compare, reconcile

_LOG = logging.getLogger(__name__)
Input = TypeVar("Input", bound=Document)


def each_document(
    sync: Sync, inputs: tuple[Stage, type[Input]], stage: Stage, convert: Callable[[Input], Iterable[Document]]
) -> Compute:
    """A batch by one document after the other: a document that can't be converted fails alone.

    Args:
        sync: the open sync.
        inputs: the stage whose table is read, and what its rows are.
        stage: whose rows are made.
        convert: a document's rows from its row in the input; raises `DocumentError` where it can't.
    """
    table = sync.table(inputs[0])
    schema = pa.schema([f for f in sync.table(stage).schema if f.name not in {"fingerprint", "content_hash"}])

    def compute(document_ids: Sequence[str]) -> Batch:
        rows: list[Document] = []
        failures: list[DocumentFailure] = []
        taken = table.read(document_ids)
        for document in rows_from_arrow(inputs[1], taken):
            try:
                rows.extend(convert(document))
            except DocumentError as error:
                failures.append(DocumentFailure(document.document_id, document.title, stage, str(error)))
            except Exception as error:
                # A defect of ours that one page brings to light must not keep the others from being served.
                _LOG.exception("%s of document %s of %s", stage, document.document_id, sync.source)
                failures.append(DocumentFailure(document.document_id, document.title, stage, _defect(error)))
        return Batch(rows_to_arrow(rows, schema), failures, bytes=taken.nbytes)

    return compute


def _defect(error: Exception) -> str:
    return (
        f"An unexpected {type(error).__name__} stopped its conversion. "
        "This is a defect of wiki-pipeline: please report it, with the log and the document if you may."
    )


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a stage's table should be made from.

    Attributes:
        wanted: columns document_id and input_hash: the documents that the table before holds now.
        code_version, parameters: of the stage; what its output depends on besides the documents.
    """

    wanted: pa.Table
    code_version: str
    parameters: tuple[object, ...] = ()

    def behind(self, table: StageTable, stage: Stage) -> Plan:
        """What differs between a stage's table and what it should be."""
        return compare(table, self.wanted, stage, self.code_version, self.parameters)


def input_state(tables: SourceTables, stage: Stage) -> pa.Table:
    """What a stage's table holds now, as the next stage's input: document_id and input_hash."""
    state = tables.table(stage).state()
    return pa.table({"document_id": state["document_id"], "input_hash": state["content_hash"]})


def update_from_table(sync: Sync, stage: Stage, inputs: Inputs, compute: Compute) -> StageReport:
    """Bring a stage's table up to date with its input, under the leases that it needs.

    Raises:
        StoreError, LeaseLostError: the table could not be written.
        EmbeddingError: the embedding endpoint failed. What was committed before stands.
    """

    def tried(document_ids: Sequence[str]) -> Batch:
        return sync.tried(stage, document_ids, compute(document_ids))

    report = reconcile(
        sync.table(stage),
        inputs.wanted,
        tried,
        stage=stage,
        source=sync.source,
        code_version=inputs.code_version,
        parameters=inputs.parameters,
        batch_documents=sync.settings.batch_documents,
        batch_bytes=sync.settings.batch_bytes,
        progress=sync.tell,
        lease=sync.writing_vectors if stage is Stage.VECTORS else sync.writing,
    )
    return sync.done(report)
