"""vectors: the serving table. A passage whose text the tenant has embedded before, anywhere, keeps that vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from wiki_pipeline.model import Stage, StageReport
from wiki_pipeline.stages.derived import Inputs, input_state, update_from_table
from wiki_pipeline.stages.sync import SourceTables, Sync
from wiki_pipeline.store import Batch, KnownVectors, vector_rows
from wiki_pipeline.text.chunk import embedding_text

CODE_VERSION = "1"


def inputs(tables: SourceTables) -> Inputs:
    """What `vectors` should be made from."""
    embedder = tables.embedder
    return Inputs(input_state(tables, Stage.CHUNKS), CODE_VERSION, (embedder.model, embedder.dimension))


def update(sync: Sync) -> StageReport:
    """Bring `vectors` up to date with `chunks`, and take the source out of other models' serving tables.

    For errors see `update_from_table`.
    """
    known = KnownVectors(sync.table(Stage.VECTORS))

    def compute(document_ids: Sequence[str]) -> Batch:
        return _embed(sync, sync.table(Stage.CHUNKS).read(document_ids), known)

    report = update_from_table(sync, Stage.VECTORS, inputs(sync), compute)
    if report.added:  # as after a change of the model
        with sync.writing_vectors():
            sync.pipeline.store.forget_other_models(sync.table(Stage.VECTORS))
    return report


def _embed(sync: Sync, chunks: pa.Table, known: KnownVectors) -> Batch:
    embedder = sync.embedder
    hashes: list[str] = chunks["text_hash"].to_pylist()
    vectors = dict(known.lookup(hashes))
    # One text a hash: a passage that stands in many documents is embedded once.
    texts = {
        text_hash: embedding_text(text)
        for text_hash, text in zip(hashes, chunks["search_text"].to_pylist(), strict=True)
        if text_hash not in vectors
    }
    embedded = embedder.embed(list(texts.values())) if texts else None
    if embedded is not None:
        vectors.update(zip(texts, embedded.vectors, strict=True))
    matrix = np.stack([vectors[text_hash] for text_hash in hashes])
    return Batch(
        vector_rows(chunks, matrix, sync.source, embedder.model),
        tokens=embedded.tokens if embedded else 0,
        embedded=len(texts),
        reused=len(hashes) - len(texts),
        bytes=chunks["search_text"].nbytes,
    )
