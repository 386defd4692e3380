"""What rows hold: the content hash of a document, equal for equal rows however Arrow lays them out; sound vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.errors import EmbeddingError

Integers = npt.NDArray[np.int64]
_NULL = -1  # as the length of a null text or list
_NULL_NUMBER = np.iinfo(np.int64).min


def content_hashes(rows: pa.Table, bounds: Sequence[int]) -> list[str]:
    """Hash of each document's rows, 32 hex digits.

    All columns are brought down to a few flat buffers of lengths, numbers and characters, in which a document is one
    range of bytes: about ten microseconds a document, where a Python object a value would cost a millisecond.

    Args:
        rows: the columns that count.
        bounds: document i has the rows from bounds[i] to bounds[i + 1]; one more than there are documents.
    """
    columns = [column.combine_chunks() for column in rows.columns]
    # The number of rows first: with it the lengths are distinct from the characters, so no two contents run together.
    hashers = [hashlib.blake2b(b"%d:" % (stop - start), digest_size=16) for start, stop in pairwise(bounds)]
    for data, cuts in _buffers(columns, np.asarray(bounds, np.int64)):
        for hasher, (start, stop) in zip(hashers, pairwise(cuts.tolist()), strict=True):
            hasher.update(data[start:stop])
    return [hasher.hexdigest() for hasher in hashers]


def _buffers(columns: Sequence[pa.Array], bounds: Integers) -> Iterator[tuple[memoryview, Integers]]:
    """Columns of equal length as flat buffers, each with the byte positions that belong to `bounds`."""
    numbers: list[Integers] = []
    texts: list[pa.Array] = []
    nested: list[tuple[list[pa.Array], Integers]] = []
    for column in columns:
        kind = column.type
        if pa.types.is_fixed_size_list(kind):
            nested.append(([column.flatten()], bounds * kind.list_size))
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
            lengths = _integers(pc.list_value_length(column), _NULL)
            numbers.append(lengths)
            values = column.flatten()
            children = values.flatten() if pa.types.is_struct(values.type) else [values]
            nested.append((children, _ends(lengths)[bounds]))
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            numbers.append(_integers(pc.binary_length(column), _NULL))
            texts.append(pc.fill_null(column, "").cast(pa.large_string()))
        elif pa.types.is_large_binary(kind):
            lengths = _integers(pc.binary_length(column), _NULL)
            numbers.append(lengths)
            yield _characters(column), _ends(lengths)[bounds]
        elif pa.types.is_floating(kind):
            values = column.to_numpy(zero_copy_only=False)
            yield _bytes(values), bounds * values.itemsize
        else:
            numbers.append(_integers(column, _NULL_NUMBER))
    if numbers:
        matrix = np.stack(numbers, axis=1)
        yield _bytes(matrix), bounds * matrix.shape[1] * matrix.itemsize
    if texts:
        joined = pc.binary_join_element_wise(*texts, pa.scalar("", pa.large_string())) if len(texts) > 1 else texts[0]
        yield _characters(joined), _ends(_integers(pc.binary_length(joined), 0))[bounds]
    for children, cuts in nested:
        yield from _buffers(children, cuts)


def _integers(column: pa.Array, null: int) -> Integers:
    return np.asarray(pc.fill_null(column.cast(pa.int64()), null), np.int64)


def _bytes(values: npt.NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8).data


def _characters(texts: pa.Array) -> memoryview:
    """The characters of all texts, one after the other, as UTF-8."""
    _, offsets, data = texts.buffers()
    if data is None:
        return memoryview(b"")
    ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return memoryview(data)[int(ends[0]) : int(ends[-1])]


def _ends(lengths: Integers) -> Integers:
    """Where each value ends and the next begins, from 0."""
    return np.concatenate([[0], np.cumsum(np.maximum(lengths, 0))]).astype(np.int64)


def check_vectors(rows: pa.Table) -> None:
    """Refuse vectors that would be stored without complaint and never found.

    Raises:
        EmbeddingError: a vector is null, zero, NaN or infinite; names its document.
    """
    column = rows["vector"].combine_chunks()
    vectors = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, column.type.list_size)
    lengths = np.linalg.norm(vectors, axis=1)
    good = np.isfinite(lengths) & (lengths > 0)
    if column.null_count or not good.all():
        document = rows["document_id"][0 if column.null_count else int(np.argmin(good))]
        raise EmbeddingError(
            f"The embedding model gave a vector without direction (zero, NaN or infinite) for document {document}.",
            "Nothing of its batch was stored. Check the model or endpoint, then sync again.",
        )
