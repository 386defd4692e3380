"""Replacing documents in one commit: the gate for every upgrade of lancedb and pylance.

The tables here have full-text and vector indexes, deltas of them, joined fragments and deleted rows, in any order.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lancedb import query

from wiki_pipeline.errors import EmbeddingError, StoreError
from wiki_pipeline.store import StageTable, Store
from wiki_pipeline.store.indexes import create_vector_index, index_names, index_statistics
from wiki_pipeline.store.maintenance import Tier, index_rows, join_fragments
from wiki_pipeline.store.replace import addresses, replace
from wiki_pipeline_tests.store.made import (
    DIMENSION,
    MODEL,
    OTHER,
    SOURCE,
    clean_pages,
    pages,
    vector_of,
    vector_table,
    with_state,
)

Model = dict[str, list[str]]


@contextmanager
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp())
    try:
        yield path
    finally:
        shutil.rmtree(path)


def contents(table: StageTable) -> Model:
    found: Model = {}
    for row in table.read(columns=["document_id", "chunk_index", "text"]).to_pylist():
        found.setdefault(row["document_id"], []).append(row["text"])
    return found


def assert_searches_agree(store: Store, table: StageTable, model: Model) -> None:
    """Both indexes find every text where the model has it, and nothing that the model has not."""
    searched: Any = lancedb.connect(store.url).open_table(table.name)
    match: Any = query.MatchQuery

    def by_words(words: str) -> list[tuple[str, str]]:
        hits = searched.search(match(words, "search_text"), query_type="fts").limit(1000).to_list()
        return sorted((hit["document_id"], hit["text"]) for hit in hits)

    def nearest(text: str) -> tuple[str, str]:
        asked = searched.search(vector_of(text), vector_column_name="vector").distance_type("cosine").refine_factor(5)
        hit = asked.limit(1).select(["document_id", "text", "_distance"]).to_list()[0]
        return hit["document_id"], hit["text"]

    everything = sorted((id_, text) for id_, texts in model.items() for text in texts)
    assert by_words("every") == everything
    for id_, text in everything:
        assert by_words(text.split()[1]) == [(id_, text)]
        assert nearest(text) == (id_, text)


ids = st.sampled_from([f"d{i}" for i in range(8)])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("replace"), st.dictionaries(ids, st.integers(1, 3), max_size=4), st.sets(ids, max_size=2)),
        st.tuples(st.just("index"), st.none(), st.none()),
        st.tuples(st.just("vector index"), st.none(), st.none()),
        st.tuples(st.just("join"), st.none(), st.none()),
    ),
    min_size=3,
    max_size=10,
)


@settings(max_examples=15, deadline=None)
@given(steps)
def test_after_any_history_the_table_and_its_indexes_hold_what_was_written_last(history: list[tuple]) -> None:  # type: ignore[type-arg]
    with folder() as path:
        store = Store(str(path), "default")
        table = store.vectors(MODEL, DIMENSION, SOURCE)
        other = store.vectors(MODEL, DIMENSION, OTHER)
        elsewhere = {"elsewhere": ["every othersource"]}
        other.replace(with_state(vector_table(elsewhere, OTHER)))
        model: Model = {}
        for number, (action, documents, deleted) in enumerate(history):
            dataset = table.dataset()
            assert dataset is not None
            if action == "replace":
                texts = {id_: [f"every w{number}x{id_}x{i}" for i in range(count)] for id_, count in documents.items()}
                rows = with_state(vector_table(texts)) if texts else table.schema.empty_table()
                table.replace(rows, sorted(deleted - texts.keys()))
                model = {id_: text for id_, text in model.items() if id_ not in deleted} | texts
            elif action == "index":
                index_rows(table, 0)
            elif action == "vector index":
                create_vector_index(dataset)
            else:
                join_fragments(table, (Tier(bytes=10_000_000, fragments=1),))
            assert contents(table) == model
        assert contents(other) == elsewhere
        assert_searches_agree(store, table, model | elsewhere)


def test_rows_that_replace_indexed_ones_are_not_taken_for_indexed(tmp_path: Path) -> None:
    table = Store(str(tmp_path), "default").vectors(MODEL, DIMENSION, SOURCE)
    table.replace(with_state(vector_table({f"d{i}": [f"word{i}"] for i in range(20)})))
    index_rows(table, 0)
    table.replace(with_state(vector_table({"d3": ["new", "newer"]})))
    dataset = table.dataset()
    assert dataset is not None
    (name,) = (name for name in index_names(dataset) if name.startswith("search_text"))
    statistics = index_statistics(dataset, name)
    assert (statistics["num_indexed_rows"], statistics["num_unindexed_rows"]) == (19, 2)


def test_a_replacement_is_one_version(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    table.replace(with_state(pages({"a": "1", "b": "1"})))
    before = table.dataset()
    table.replace(with_state(pages({"a": "2", "c": "2"})), ["b"])
    after = table.dataset()
    assert before is not None
    assert after is not None
    assert after.version == before.version + 1
    assert sorted(before.to_table(columns=["document_id", "markdown"])["markdown"].to_pylist()) == ["1", "1"]
    assert sorted(after.to_table(columns=["markdown"])["markdown"].to_pylist()) == ["2", "2"]


def test_nothing_to_replace_is_no_version(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    assert not table.replace(table.schema.empty_table(), ["nobody"])
    assert table.dataset() is None
    assert table.replace(with_state(pages({"a": "1"})))
    assert not table.replace(table.schema.empty_table(), ["nobody"])
    dataset = table.dataset()
    assert dataset is not None
    assert dataset.version == 2  # made, and written once


def test_a_reader_who_opened_the_table_before_sees_the_new_rows(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    table = store.vectors(MODEL, DIMENSION, SOURCE)
    table.replace(with_state(vector_table({"a": ["old"]})))
    handle = store.snapshot(table.name)
    plain: Any = lancedb.connect(store.url).open_table(table.name)
    assert handle is not None
    assert handle.count_rows() == plain.count_rows() == 1
    table.replace(with_state(vector_table({"a": ["new", "newer"]})))
    assert handle.to_table(columns=["text"])["text"].to_pylist() == ["old"]  # a search reads one version to its end
    latest = store.snapshot(table.name)
    assert latest is not None
    assert sorted(latest.to_table(columns=["text"])["text"].to_pylist()) == ["new", "newer"]
    plain.checkout_latest()
    assert plain.count_rows() == 2


def test_other_writers_in_between_are_noticed_and_their_doubles_repaired(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    table.replace(with_state(pages({"a": "1"})))
    stale = table.dataset()
    assert stale is not None
    table.replace(with_state(pages({"b": "1"})))
    rows = with_state(pages({"b": "2"})).select(table.schema.names).cast(table.schema)
    with pytest.raises(StoreError, match="at the same time"):
        replace(stale, rows, np.empty(0, np.uint64))
    states = table.state()
    assert dict(zip(states["document_id"].to_pylist(), states["fingerprint"].to_pylist(), strict=True)) == {
        "a": "made",
        "b": "",  # torn: the next reconciliation makes it anew
    }
    table.replace(with_state(pages({"b": "3"})))
    assert sorted(table.read()["markdown"].to_pylist()) == ["1", "3"]


def test_two_writers_of_one_document_do_not_both_succeed(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    table.replace(with_state(pages({"a": "1", "b": "1"})))
    stale = table.dataset()
    assert stale is not None
    where = addresses(stale, pa.array(["a"]), None)
    table.replace(with_state(pages({"a": "2"})))
    rows = with_state(pages({"a": "3"})).select(table.schema.names).cast(table.schema)
    with pytest.raises((StoreError, OSError, RuntimeError)):
        replace(stale, rows, where)
    assert sorted(table.read()["markdown"].to_pylist()) == ["1", "2"]


def test_rows_of_a_document_must_be_complete_and_together(tmp_path: Path) -> None:
    table = Store(str(tmp_path), "default").vectors(MODEL, DIMENSION, SOURCE)
    rows = with_state(vector_table({"a": ["1", "2"], "b": ["3"]}))
    with pytest.raises(ValueError, match="rows of a "):
        table.replace(rows.slice(1))
    with pytest.raises(ValueError, match="rows of a "):
        table.replace(rows.take([0, 2, 1]))
    with pytest.raises(ValueError, match="another source"):
        table.replace(with_state(vector_table({"a": ["1"]}, OTHER)))
    assert table.row_count() == 0


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_a_vector_without_direction_is_refused(tmp_path: Path, bad: float) -> None:
    table = Store(str(tmp_path), "default").vectors(MODEL, DIMENSION, SOURCE)
    rows = with_state(vector_table({"a": ["1"], "b": ["2"]}))
    vectors = rows["vector"].combine_chunks().flatten().to_numpy().reshape(2, DIMENSION).copy()
    vectors[1] = bad
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), DIMENSION)
    with pytest.raises(EmbeddingError, match="document b"):
        table.replace(rows.set_column(rows.schema.get_field_index("vector"), "vector", column))
    assert table.row_count() == 0
