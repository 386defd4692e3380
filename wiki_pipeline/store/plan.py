"""What a table lacks: its state against what is desired, column against column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True)
class Plan:
    """What differs between a table and what is desired. Ids are Arrow arrays of strings.

    Attributes:
        todo: documents to compute, in the order in which they were desired.
        added: how many of them are new to the table.
        deleted: documents that the table has and no input explains; empty where those were to stay.
        unchanged: number of documents that are as desired.
        before: ids of all documents of the table.
        todo_fingerprints: what the rows of `todo` will carry.
    """

    todo: pa.Array
    added: int
    deleted: pa.Array
    unchanged: int
    before: pa.Array
    todo_fingerprints: pa.Array

    @property
    def changed(self) -> int:
        """How many of `todo` are in the table in another state."""
        return len(self.todo) - self.added

    def fingerprints(self, document_ids: pa.Array | pa.ChunkedArray) -> pa.Array:
        """The fingerprints that the documents' rows will carry.

        Raises:
            ValueError: one of them is not to be done.
        """
        positions = pc.index_in(document_ids, value_set=self.todo)
        if positions.null_count:
            strangers = document_ids.filter(pc.is_null(positions)).to_pylist()
            raise ValueError(f"Rows of documents that were not to be done: {strangers[:3]}")
        return self.todo_fingerprints.take(positions)

    def known(self, document_ids: Sequence[str]) -> list[str]:
        """Those of the documents that the table had."""
        ids = pa.array(document_ids, pa.string())
        known: list[str] = ids.filter(pc.is_in(ids, value_set=self.before)).to_pylist()
        return known


def make_plan(
    state: pa.Table,
    desired: pa.ChunkedArray,
    fingerprints: Sequence[str],
    *,
    delete_missing: bool,
    redo: bool = False,
) -> Plan:
    """Compare.

    Args:
        state: rows of `STATE`, one a document.
        desired: ids; of an id that comes twice (a listing that shifted while it was read) the last one counts.
        fingerprints: one for each of `desired`.
        delete_missing: whether documents that are not desired are to go.
        redo: do the documents that are as desired, too.
    """
    ids = desired.cast(pa.string()).combine_chunks()
    last = _last_of_each(ids)
    ids, goals = ids.take(last), pa.array(fingerprints, pa.string()).take(last)
    before = state["document_id"].combine_chunks()
    place = pc.index_in(ids, value_set=before)
    same = pc.fill_null(pc.equal(state["fingerprint"].combine_chunks().take(place), goals), False)
    if redo:
        same = pc.and_(same, False)
    differs = pc.invert(same)
    missing = pc.invert(pc.is_in(before, value_set=ids))
    return Plan(
        todo=ids.filter(differs),
        added=place.null_count,
        deleted=before.filter(missing) if delete_missing else before.slice(0, 0),
        unchanged=pc.sum(same).as_py() or 0,
        before=before,
        todo_fingerprints=goals.filter(differs),
    )


def _last_of_each(ids: pa.Array) -> pa.Array:
    """Positions of the last occurrence of each id, in order."""
    codes = ids.dictionary_encode().indices.to_numpy()
    _, from_the_end = np.unique(codes[::-1], return_index=True)
    return pa.array(np.sort(len(codes) - 1 - from_the_end))
