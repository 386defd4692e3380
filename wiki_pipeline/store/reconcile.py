"""Bringing a table up to date with its input: compare fingerprints, compute what differs, delete what nothing explains.

Every stage works by this one function. A document's fingerprint is a hash of the stage, its code version, its
parameters and the document's input; where the table has the same, there is nothing to do. Each batch is one commit, so
whatever is interrupted is simply called again; where nothing differs, nothing is committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.model import SourceKey, Stage, StageReport
from wiki_pipeline.store.reconciliation import (
    BATCH_BYTES,
    BackgroundTasks,
    Batch,
    Lease,
    Listener,
    Reconciliation,
    at_once,
)
from wiki_pipeline.store.stage_table import StageTable


class Compute(Protocol):
    """What a stage does: from ids of documents to what they become, all of them in any order."""

    def __call__(self, document_ids: Sequence[str], /) -> Batch: ...


def reconcile(  # noqa: PLR0913 - each by its name; this is the contract of every stage
    output: StageTable,
    desired: pa.Table,
    compute: Compute,
    *,
    stage: Stage,
    source: SourceKey,
    code_version: str,
    parameters: Sequence[object] = (),
    delete_missing: bool = True,
    batch_documents: int = 500,
    batch_bytes: int = BATCH_BYTES,
    progress: Listener | None = None,
    lease: Lease = nullcontext,
    background: BackgroundTasks = at_once,
) -> StageReport:
    """Bring `output` up to date with `desired`. While a batch is being written, the next one is being computed.

    Args:
        output: the stage's table.
        desired: columns document_id and input_hash: the documents that the stage's input holds now.
        compute: called with at most `batch_documents` ids at a time, in this thread.
        code_version, parameters: of the stage; what its output depends on besides the documents.
        delete_missing: whether documents that are not desired go; False if `desired` is only a part.
        batch_bytes: batches of large documents are made smaller, to about so much output.
        progress: called after each batch.
        lease: entered around each commit, for a table that others write too.
        background: given the table's maintenance once everything is committed; may do it meanwhile, in another thread.

    Raises:
        StoreError: the table can't be read or written.
        Exception: whatever `compute` raises. What was committed before stays, and is not computed again.
    """
    work = Reconciliation(
        output,
        desired,
        stage=stage,
        source=source,
        code_version=code_version,
        parameters=parameters,
        delete_missing=delete_missing,
        progress=progress,
        lease=lease,
        background=background,
    )
    with work:
        for document_ids in work.batches(batch_documents, batch_bytes):
            work.write(_complete(compute(document_ids), document_ids))
    return work.report


def _complete(batch: Batch, document_ids: Sequence[str]) -> Batch:
    """The batch, which has to answer for every document: one left out would be computed for ever."""
    answered = set(pc.unique(batch.rows["document_id"]).to_pylist()) | {f.document_id for f in batch.failures}
    if answered != set(document_ids):
        raise ValueError(f"A batch left out or added documents: {sorted(answered ^ set(document_ids))[:3]}")
    return batch
