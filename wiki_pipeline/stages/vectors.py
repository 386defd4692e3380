"""vectors: the serving table. A chunk whose text the tenant has embedded before, anywhere, keeps that vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

import numpy as np
import pyarrow as pa

from wiki_pipeline.model import Stage, StageReport
from wiki_pipeline.stages.chunks import CHUNKS_A_DOCUMENT
from wiki_pipeline.store import Batch, KnownVectors, vector_rows
from wiki_pipeline.sync.conversion import Embedding
from wiki_pipeline.sync.drivers import Inputs, input_state, update_from_table
from wiki_pipeline.sync.session import SourceTables, Sync
from wiki_pipeline.sync.stage import DeclaredStage
from wiki_pipeline.sync.workers import LARGE
from wiki_pipeline.text.chunk import embedding_text
from wiki_pipeline.text.embed.protocol import Embedded
from wiki_pipeline.tracing import span

CODE_VERSION = "1"

_TEXTS_A_PART = 32  # at least, where processes share the work
Embed = Callable[[list[str]], list[Embedded]]


def inputs(tables: SourceTables) -> Inputs:
    """What `vectors` should be made from."""
    embedder = tables.embedder
    return Inputs(input_state(tables, Stage.CHUNKS), CODE_VERSION, (embedder.model, embedder.dimension))


def update(sync: Sync) -> StageReport:
    """Bring `vectors` up to date with `chunks`, and take the source out of other models' serving tables.

    For errors see `update_from_table`.
    """
    known = KnownVectors(sync.table(Stage.VECTORS))
    embed = _embed(sync)

    def compute(document_ids: Sequence[str]) -> Batch:
        return _rows(sync, sync.table(Stage.CHUNKS).read(document_ids), known, embed)

    report = update_from_table(sync, Stage.VECTORS, inputs(sync), compute)
    if report.added:  # as after a change of the model
        sync.background(partial(_forget_other_models, sync))
    return report


def _forget_other_models(sync: Sync) -> None:
    with sync.writing_vectors():
        sync.pipeline.store.forget_other_models(sync.table(Stage.VECTORS))


def _rows(sync: Sync, chunks: pa.Table, known: KnownVectors, embed: Embed) -> Batch:
    hashes: list[str] = chunks["text_hash"].to_pylist()
    vectors = dict(known.lookup(hashes))
    # One text a hash: a chunk that stands in many documents is embedded once.
    texts = {
        text_hash: embedding_text(text)
        for text_hash, text in zip(hashes, chunks["search_text"].to_pylist(), strict=True)
        if text_hash not in vectors
    }
    embedded = embed(list(texts.values())) if texts else []
    vectors.update(zip(texts, chain.from_iterable(part.vectors for part in embedded), strict=True))
    matrix = np.stack([vectors[text_hash] for text_hash in hashes])
    return Batch(
        vector_rows(chunks, matrix, sync.source, sync.embedder.model),
        tokens=sum(part.tokens for part in embedded),
        embedded=len(texts),
        reused=len(hashes) - len(texts),
        bytes=chunks["search_text"].nbytes,
    )


def _embed(sync: Sync) -> Embed:
    """How texts become vectors: by an endpoint, which has batches of its own, here, or many of them by the workers."""
    embedder, embedding = sync.embedder, Embedding(sync.embedder)

    def embed(texts: list[str]) -> list[Embedded]:
        with span("embed", model=embedder.model, texts=len(texts)):
            if len(texts) < LARGE or not embedder.local or not sync.workers.several:
                return [embedder.embed(texts)]
            return sync.workers.map(embedding, pa.table({"text": texts}), _TEXTS_A_PART)

    return embed


def _summary(report: StageReport) -> str:
    if not report.embedded + report.reused:
        return ""
    embedded = "1 chunk" if report.embedded == 1 else f"{report.embedded} chunks"
    return f"{embedded} embedded" + (f", {report.reused} known" if report.reused else "")


DECLARED = DeclaredStage(
    stage=Stage.VECTORS,
    code_version=CODE_VERSION,
    update=update,
    inputs=inputs,
    preview=["document_id", "title", "heading_path", "chunk_index", "total_chunks", "embedding_model"],
    picture=CHUNKS_A_DOCUMENT,
    counts=["embedded", "reused"],
    summary=_summary,
)
