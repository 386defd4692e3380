"""Documents made for these tests: a document's rows are told by its id, its edition and its number of chunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from wiki_pipeline.model import CHUNKS, CLEAN_PAGES, Chunk, CleanPage, DocumentFailure, SourceKey, Stage, digest
from wiki_pipeline.model import rows_to_arrow as to_arrow
from wiki_pipeline.store import Batch, StageTable, Store, vector_rows
from wiki_pipeline.store.content import content_hashes
from wiki_pipeline.text.embed import Embedded

SOURCE = SourceKey("default", "confluence", "ENG")
OTHER = SourceKey("default", "git", "org/repo")
MODEL = "test-model"
DIMENSION = 16
STATE_COLUMNS = ("fingerprint", "content_hash")


def without_state(schema: pa.Schema) -> pa.Schema:
    return pa.schema([field for field in schema if field.name not in STATE_COLUMNS])


def with_state(rows: pa.Table, fingerprint: str = "made") -> pa.Table:
    """Rows as a reconciliation would hand them to the table, all with one fingerprint."""
    hashes = content_hashes(rows, range(rows.num_rows + 1))
    return rows.append_column("fingerprint", pa.array([fingerprint] * rows.num_rows)).append_column(
        "content_hash", pa.array(hashes, pa.string())
    )


def pages(texts: Mapping[str, str]) -> pa.Table:
    """Clean pages: a document id and its Markdown each."""
    made = [CleanPage(document_id=id_, title=f"Page {id_}", url="", markdown=text) for id_, text in texts.items()]
    return to_arrow(made, without_state(CLEAN_PAGES))


def chunk_table(texts: Mapping[str, Sequence[str]], source: SourceKey = SOURCE, **columns: object) -> pa.Table:
    """Chunks: a document id and the texts of its chunks each; `columns` are fields of all of them."""
    made = [
        Chunk(
            document_id=id_,
            url="",
            chunk_id=digest(str(source), id_, text, i),
            chunk_index=i,
            total_chunks=len(chunks),
            text=text,
            search_text=text,
            text_hash=digest(text),
            **{"title": f"Page {id_}", **columns},  # type: ignore[arg-type]
        )
        for id_, chunks in texts.items()
        for i, text in enumerate(chunks)
    ]
    return to_arrow(made, without_state(CHUNKS))


def vector_of(text: str, dimension: int = DIMENSION) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A direction of the text's own: equal texts are at distance 0, others far apart."""
    numbers = np.random.default_rng(int(digest(text)[:8], 16)).standard_normal(dimension).astype(np.float32)
    return numbers / np.linalg.norm(numbers)


class Directions:
    """An embedder after `vector_of`: no meaning, but equal texts meet."""

    model = MODEL
    dimension = DIMENSION
    local = False
    weight = 1.0

    def embed(self, texts: Sequence[str]) -> Embedded:
        return Embedded(np.stack([vector_of(text) for text in texts]), tokens=len(texts))


def vector_table(texts: Mapping[str, Sequence[str]], source: SourceKey = SOURCE, **columns: object) -> pa.Table:
    """Rows of the serving table, as `chunk_table`."""
    chunks = chunk_table(texts, source, **columns)
    vectors = np.stack([vector_of(text) for text in chunks["search_text"].to_pylist()])
    return vector_rows(chunks, vectors, source, MODEL)


def clean_pages(folder: Path, source: SourceKey = SOURCE) -> StageTable:
    return Store(str(folder), "default").table(Stage.CLEAN_PAGES, source)


def desired(inputs: Mapping[str, str]) -> pa.Table:
    """What a stage's input holds: a document id and the hash of its input each."""
    return pa.table(
        {"document_id": pa.array(list(inputs), pa.string()), "input_hash": pa.array(list(inputs.values()), pa.string())}
    )


def failure(document_id: str) -> DocumentFailure:
    return DocumentFailure(document_id, f"Page {document_id}", Stage.CLEAN_PAGES, "can't be converted")


def page_batch(texts: Mapping[str, str], failed: Sequence[str] = ()) -> Batch:
    return Batch(pages(texts), [failure(id_) for id_ in failed])
