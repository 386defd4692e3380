"""Rows of the serving table: made from chunks and their vectors, and looked up again to reuse vectors by text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.model import SourceKey, vectors_schema
from wiki_pipeline.store.stage_table import StageTable
from wiki_pipeline.store.storage import explained
from wiki_pipeline.text.normalise import cjk_bigrams, normalise

Vectors = npt.NDArray[np.float32]
_KEY_DIGITS = 16  # of a text hash: the part that is kept in memory, as a number of 64 bits


def vector_rows(chunks: pa.Table, vectors: Vectors, source: SourceKey, model: str) -> pa.Table:
    """Rows of the serving table.

    Args:
        chunks: rows of `CHUNKS`; `fingerprint` and `content_hash` may be missing and are not taken over.
        vectors: float32 [chunks, dimension], in the chunks' order.
        source: whose chunks they are.
        model: the embedder's name of its model.

    Returns:
        Columns of `vectors_schema` but for `fingerprint` and `content_hash`, which `reconcile` fills in.
    """
    rows, dimension = vectors.shape
    search_texts = chunks["search_text"].to_pylist()
    modified = chunks["modified_at"]
    columns = {
        **{name: chunks[name] for name in chunks.column_names},
        "tenant": _same(source.tenant, rows),
        "source": _same(str(source), rows),
        "source_type": _same(source.kind, rows),
        "page_id": chunks["document_id"] if source.kind == "confluence" else pa.nulls(rows, pa.string()),
        "created_date": chunks["created_at"].cast(pa.int64()),
        "last_modified": modified.cast(pa.int64()),
        "last_modified_iso": pc.strftime(modified, format="%Y-%m-%dT%H:%M:%SZ"),
        "search_text": pa.array([normalise(text) for text in search_texts], pa.large_string()),
        "search_cjk": pa.array([cjk_bigrams(text) for text in search_texts], pa.large_string()),
        "embedding_model": _same(model, rows),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1), pa.float32()), dimension),
    }
    schema = pa.schema([f for f in vectors_schema(dimension) if f.name not in {"fingerprint", "content_hash"}])
    return pa.table({field.name: columns[field.name] for field in schema}).cast(schema)


class KnownVectors:
    """The vectors that the tenant has of this model, by text hash, over all its sources.

    Keeps 8 bytes a row in memory (the hashes' first half) and looks only at what was added since the last look-up. The
    vectors themselves are read from the rows whose whole hash is right.

    Args:
        table: the serving table, seen through any source.
    """

    def __init__(self, table: StageTable) -> None:
        self._table = table
        self._keys: dict[int, npt.NDArray[np.uint64]] = {}

    def lookup(self, text_hashes: Sequence[str]) -> Mapping[str, Vectors]:
        """Vectors of the hashes that are known; made for a few thousand hashes at a time.

        Raises:
            StoreError: the storage is out of reach.
        """
        with explained(f"read {self._table.name}"):
            dataset = self._table.dataset()
            if dataset is None or not text_hashes:
                return {}
            hashes = pa.array(set(text_hashes), pa.string())
            desired = _keys(hashes)
            fragments = {fragment.fragment_id: fragment for fragment in dataset.get_fragments()}
            self._keys = {number: keys for number, keys in self._keys.items() if number in fragments}
            for number, fragment in fragments.items():
                if number not in self._keys:
                    self._keys[number] = _keys(fragment.to_table(columns=["text_hash"])["text_hash"].combine_chunks())
            holding = [fragments[number] for number, keys in self._keys.items() if np.isin(desired, keys).any()]
            if not holding:
                return {}
            scanner = dataset.scanner(
                columns=["text_hash", "vector"],
                filter=pc.field("text_hash").isin(hashes),
                fragments=holding,
                late_materialization=True,
            )
            known: dict[str, Vectors] = {}
            for batch in scanner.to_batches():
                vectors = batch.column("vector")
                matrix = vectors.flatten().to_numpy().reshape(-1, vectors.type.list_size)
                known.update(zip(batch.column("text_hash").to_pylist(), matrix, strict=True))
            return known


def _keys(hashes: pa.Array) -> npt.NDArray[np.uint64]:
    """The first 64 bits of hashes in hexadecimal."""
    joined = "".join(pc.utf8_slice_codeunits(hashes, 0, _KEY_DIGITS).to_pylist())
    return np.frombuffer(bytes.fromhex(joined), ">u8").astype(np.uint64)


def _same(value: str, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), rows)
