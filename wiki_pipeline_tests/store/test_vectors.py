"""Rows of the serving table, and vectors found again by their text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wiki_pipeline.model import digest, vectors_schema
from wiki_pipeline.store import KnownVectors, Store, vector_rows
from wiki_pipeline.store.maintenance import Tier, join_fragments
from wiki_pipeline_tests.store.made import (
    DIMENSION,
    MODEL,
    OTHER,
    SOURCE,
    chunk_table,
    vector_of,
    vector_table,
    with_state,
    without_state,
)


def test_rows_have_the_columns_of_the_serving_table() -> None:
    rows = vector_table({"a": ["東京都の İstanbul ﬁle"]})
    assert rows.schema == without_state(vectors_schema(DIMENSION))
    row = rows.to_pylist()[0]
    assert row["text"] == "東京都の İstanbul ﬁle"
    assert row["search_text"] == "東京都の Istanbul file"
    assert row["search_cjk"] == "東京 京都 都の"
    assert row["embedding_model"] == MODEL
    assert row["created_date"] is None


def test_no_chunks_make_no_rows() -> None:
    rows = vector_rows(chunk_table({}), np.empty((0, DIMENSION), np.float32), SOURCE, MODEL)
    assert (rows.num_rows, rows.schema) == (0, without_state(vectors_schema(DIMENSION)))


def test_a_vector_is_known_by_its_text_in_any_source_of_the_tenant(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    table = store.vectors(MODEL, DIMENSION, SOURCE)
    known = KnownVectors(table)
    assert known.lookup([digest("one")]) == {}
    table.replace(with_state(vector_table({"a": ["one", "two"]})))
    store.vectors(MODEL, DIMENSION, OTHER).replace(with_state(vector_table({"b": ["three", "one"]}, OTHER)))
    found = known.lookup([digest(text) for text in ("one", "three", "four", "one")])
    assert found.keys() == {digest("one"), digest("three")}
    for text in ("one", "three"):
        np.testing.assert_array_equal(found[digest(text)], vector_of(text))


def test_half_a_hash_is_not_enough(tmp_path: Path) -> None:
    table = Store(str(tmp_path), "default").vectors(MODEL, DIMENSION, SOURCE)
    table.replace(with_state(vector_table({"a": ["one"]})))
    hash_ = digest("one")
    assert KnownVectors(table).lookup([hash_[:16] + hash_[:16]]) == {}


def test_what_is_known_follows_the_table(tmp_path: Path) -> None:
    table = Store(str(tmp_path), "default").vectors(MODEL, DIMENSION, SOURCE)
    known = KnownVectors(table)
    one, two, three = (digest(text) for text in ("one", "two", "three"))
    table.replace(with_state(vector_table({"a": ["one"], "b": ["two"]})))
    assert known.lookup([one, two, three]).keys() == {one, two}
    table.replace(with_state(vector_table({"a": ["three"]})))
    assert known.lookup([one, two, three]).keys() == {two, three}
    assert join_fragments(table, (Tier(bytes=1_000_000, fragments=1),)) > 0
    assert known.lookup([one, two, three]).keys() == {two, three}
    table.clear()
    assert known.lookup([one, two, three]) == {}


def test_thousands_of_hashes_are_looked_up_at_once(tmp_path: Path) -> None:
    table = Store(str(tmp_path), "default").vectors(MODEL, DIMENSION, SOURCE)
    for portion in range(4):
        table.replace(with_state(vector_table({f"d{portion}": [f"text {portion} {i}" for i in range(500)]})))
    hashes = [digest(f"text {portion} {i}") for portion in range(5) for i in range(500)]
    found = KnownVectors(table).lookup(hashes)
    assert found.keys() == set(hashes[:2000])
    assert next(iter(found.values())).dtype == np.float32
