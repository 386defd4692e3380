"""chunks: clean documents, and the text of files that hang on them, as chunks that retrieve well."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.model import CleanPage, Stage, StageReport, digest
from wiki_pipeline.store import Batch
from wiki_pipeline.sync.drivers import Inputs, each_document, input_state, update_from_table
from wiki_pipeline.sync.session import SourceTables, Sync
from wiki_pipeline.sync.stage import DeclaredStage, Histogram
from wiki_pipeline.text import chunk

CODE_VERSION = chunk.CODE_VERSION


class _File(NamedTuple):
    """An attachment whose text is searched, and what distinguishes that text from another."""

    title: str
    document_id: str
    file_hash: str
    text_by: str


_Files = dict[str, list[_File]]  # by the document that they hang on, in the order of their names


def inputs(tables: SourceTables, files: _Files | None = None) -> Inputs:
    """What `chunks` should be made from."""
    files = _files(tables) if files is None else files
    sizes = tables.settings.chunk_sizes(tables.source.kind)
    return Inputs(_desired(tables, files), CODE_VERSION, (sizes,))


def update(sync: Sync) -> StageReport:
    """Bring `chunks` up to date with `clean_pages` and `attachments`. For errors see `update_from_table`."""
    sizes, files = sync.settings.chunk_sizes(sync.source.kind), _files(sync)

    def compute(document_ids: Sequence[str]) -> Batch:
        texts = _texts(sync, {document: files[document] for document in document_ids if document in files})
        convert = partial(chunk.chunk_page, source=sync.source, sizes=sizes, files=texts)
        return each_document(sync, (Stage.CLEAN_PAGES, CleanPage), Stage.CHUNKS, convert)(document_ids)

    return update_from_table(sync, Stage.CHUNKS, inputs(sync, files), compute)


def _files(tables: SourceTables) -> _Files:
    """The files that have a text."""
    rows = tables.table(Stage.ATTACHMENTS).read(columns=["parent_id", "words", *_File._fields])
    files: _Files = defaultdict(list)
    for row in rows.filter(pc.greater(rows["words"], 0)).to_pylist():
        files[row["parent_id"]].append(_File(*(row[name] for name in _File._fields)))
    return {document: sorted(found) for document, found in files.items()}


def _desired(tables: SourceTables, files: _Files) -> pa.Table:
    """Each document with the hash of its text and of its files' texts."""
    state = input_state(tables, Stage.CLEAN_PAGES)
    if not files:
        return state
    ids, hashes = state["document_id"].to_pylist(), state["input_hash"].to_pylist()
    both = [digest(own, files[id_]) if id_ in files else own for id_, own in zip(ids, hashes, strict=True)]
    return pa.table({"document_id": state["document_id"], "input_hash": pa.array(both, pa.string())})


def _texts(tables: SourceTables, files: _Files) -> dict[str, list[tuple[str, str]]]:
    """Name and text of the files of each document."""
    if not files:
        return {}
    desired = [file.document_id for found in files.values() for file in found]
    rows = tables.table(Stage.ATTACHMENTS).read(desired, ["document_id", "text"])
    texts = dict(zip(rows["document_id"].to_pylist(), rows["text"].to_pylist(), strict=True))
    return {document: [(file.title, texts[file.document_id]) for file in found] for document, found in files.items()}


def _a_document(rows: pa.Table) -> list[int]:
    counts: list[int] = rows.filter(pc.equal(rows["chunk_index"], 0))["total_chunks"].to_pylist()
    return counts


CHUNKS_A_DOCUMENT = Histogram("Chunks a document", ["chunk_index", "total_chunks"], _a_document)

DECLARED = DeclaredStage(
    stage=Stage.CHUNKS,
    code_version=CODE_VERSION,
    update=update,
    inputs=inputs,
    preview=["document_id", "title", "heading_path", "chunk_index", "total_chunks"],
    picture=CHUNKS_A_DOCUMENT,
)
