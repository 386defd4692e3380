"""Tables stay quick to read, measured by what a reader has to open, and mean the same after upkeep as before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from wiki_pipeline.errors import LeaseHeldError
from wiki_pipeline.store import StageTable, Store, maintain, maintenance
from wiki_pipeline.store.indexes import index_names, index_statistics
from wiki_pipeline.store.maintenance import Tier, index_rows, join_fragments, prune
from wiki_pipeline.store.replace import replace
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
from wiki_pipeline_tests.store.test_reconcile import Upstream


def serving(folder: Path) -> StageTable:
    return Store(str(folder), "default").vectors(MODEL, DIMENSION, SOURCE)


def fragments(table: StageTable) -> int:
    dataset = table.dataset()
    assert dataset is not None
    return len(dataset.get_fragments())


def statistics(table: StageTable, index: str = "search_text_2") -> dict[str, int]:
    dataset = table.dataset()
    assert dataset is not None
    return index_statistics(dataset, index)


def test_hundreds_of_small_commits_end_in_one_fragment(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    rows = with_state(pages({f"d{i}": str(i) for i in range(300)})).cast(table.schema)
    table.replace(rows.slice(0, 1))
    dataset = table.dataset()
    assert dataset is not None
    for i in range(1, 300):
        dataset = replace(dataset, rows.slice(i, 1), np.empty(0, np.uint64))
    assert fragments(table) == 300
    assert maintain(table, 1).joined == 300
    assert fragments(table) == 1
    assert table.read(columns=["document_id", "markdown"]) == rows.select(["document_id", "markdown"])


def test_edits_one_by_one_never_leave_many_fragments(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    upstream = Upstream({f"d{i}": "0" for i in range(10)})
    most = 0
    for edit in range(80):
        upstream.texts[f"d{edit % 10}"] = str(edit)
        upstream.sync(table)
        most = max(most, fragments(table))
    assert most <= maintenance.TIERS[0].fragments + 2
    found = table.read(columns=["document_id", "markdown"]).to_pylist()
    assert {row["document_id"]: row["markdown"] for row in found} == upstream.texts


def test_large_fragments_are_not_rewritten_for_the_sake_of_small_ones(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    noise = np.random.default_rng(0)
    table.replace(with_state(pages({f"large{i}": noise.bytes(2_000).hex() for i in range(100)})))
    for i in range(3):
        table.replace(with_state(pages({f"small{i}": "x"})))
    large = table.dataset().get_fragments()[0].metadata.files[0].path  # type: ignore[union-attr]
    assert join_fragments(table, (Tier(bytes=100_000, fragments=2),)) == 3
    after = [fragment.metadata for fragment in table.dataset().get_fragments()]  # type: ignore[union-attr]
    assert [f.physical_rows for f in after] == [100, 3]
    assert after[0].files[0].path == large


def test_mostly_deleted_fragments_are_rewritten_without_the_deleted_rows(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    table.replace(with_state(pages({f"d{i}": "x" for i in range(10)})))
    table.replace(table.schema.empty_table(), ["d0", "d1"])
    anything_is_large = (Tier(bytes=1, fragments=1),)
    assert join_fragments(table, anything_is_large) == 0
    table.replace(table.schema.empty_table(), ["d2", "d3"])
    assert join_fragments(table) == 0
    assert join_fragments(table, anything_is_large) == 1
    dataset = table.dataset()
    assert dataset is not None
    assert [f.metadata.physical_rows for f in dataset.get_fragments()] == [6]


def test_nothing_due_is_no_commit(tmp_path: Path) -> None:
    table = serving(tmp_path)
    assert maintain(table, 1) == maintenance.Maintenance()
    table.replace(with_state(vector_table({"a": ["1"]})))
    version = table.dataset().version  # type: ignore[union-attr]
    assert maintain(table, 1) == maintenance.Maintenance()
    assert table.dataset().version == version  # type: ignore[union-attr]


def test_new_rows_are_indexed_beside_the_old_ones_until_there_are_many_deltas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "INDEX_DELTAS", 4)
    table = serving(tmp_path)
    deltas = []
    for i in range(8):
        table.replace(with_state(vector_table({f"d{i}": [f"w{i}a", f"w{i}b"]})))
        assert not index_rows(table, 2)
        assert index_rows(table, 1)
        deltas.append(statistics(table)["num_indices"])
        assert statistics(table)["num_unindexed_rows"] == 0
    assert max(deltas) <= 4
    assert min(deltas[3:]) < 4


def test_the_vector_index_is_made_when_the_table_is_large_and_made_again_when_it_outgrows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "VECTOR_INDEX_BYTES", 200 * DIMENSION * 4)
    monkeypatch.setattr("wiki_pipeline.store.indexes._PARTITION_ROWS", 100)
    store = Store(str(tmp_path), "default")
    table = serving(tmp_path)

    def grow(name: str, rows: int) -> None:
        table.replace(with_state(vector_table({name: [f"{name} {i}" for i in range(rows)]})))
        index_rows(table, 0)

    def partitions() -> int:
        return statistics(table, "vector")["indices"][0]["num_partitions"]  # type: ignore[index,no-any-return]

    grow("a", 199)
    assert index_names(table.dataset()) == {"search_text_2", "search_cjk_2"}  # type: ignore[arg-type]
    grow("b", 101)
    assert partitions() == 3
    grow("c", 400)
    assert partitions() == 3
    grow("d", 600)
    assert partitions() == 13
    searched = store.snapshot(table.name)
    assert searched is not None
    nearest = {"column": "vector", "q": vector_of("b 7"), "k": 1, "metric": "cosine", "refine_factor": 5}
    assert searched.to_table(columns=["text"], nearest=nearest)["text"].to_pylist() == ["b 7"]


def test_a_table_whose_indexed_rows_have_all_gone_gets_its_vector_index_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "VECTOR_INDEX_BYTES", 100 * DIMENSION * 4)
    monkeypatch.setattr(maintenance, "UNINDEXED_ROWS", 100)
    table = serving(tmp_path)
    for edition in ("a", "b", "c"):
        table.replace(with_state(vector_table({"d": [f"{edition} {i}" for i in range(150)]})))
        maintain(table, 1)
        assert statistics(table, "vector")["num_indexed_rows"] == 150


def test_old_versions_go_and_young_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = clean_pages(tmp_path)
    for i in range(4):
        table.replace(with_state(pages({"a": str(i)})))
    old = table.dataset()
    assert old is not None
    assert prune(table) == 0
    assert old.to_table(columns=["markdown"])["markdown"].to_pylist() == ["3"]
    assert len(old.versions()) == 5
    old.tags.create("audited", 3)
    monkeypatch.setattr(maintenance, "KEPT_VERSIONS", timedelta(microseconds=1))
    assert prune(table) > 0
    assert [entry["version"] for entry in old.versions()] == [3, 5]
    assert table.read()["markdown"].to_pylist() == ["3"]


def test_old_versions_are_looked_for_once_in_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "KEPT_VERSIONS", timedelta(microseconds=1))
    monkeypatch.setattr(maintenance, "PRUNED_EVERY", 10)
    table = clean_pages(tmp_path)
    upstream = Upstream({f"d{i}": "0" for i in range(4)})
    kept = []
    for edit in range(25):
        upstream.texts["d0"] = str(edit)
        upstream.sync(table)
        kept.append(len(table.dataset().versions()))  # type: ignore[union-attr]
    assert max(kept) == 10
    assert kept.count(1) == 2  # all others had gone


def test_upkeep_of_a_shared_table_keeps_every_source(tmp_path: Path) -> None:
    store = Store(str(tmp_path), "default")
    for i in range(6):
        for source in (SOURCE, OTHER):
            table = store.vectors(MODEL, DIMENSION, source)
            table.replace(with_state(vector_table({f"d{i}": [f"{source.kind} {i}"]}, source)))
    join_fragments(table, (Tier(bytes=1_000_000, fragments=2),))
    index_rows(table, 0)
    for source in (SOURCE, OTHER):
        rows = store.vectors(MODEL, DIMENSION, source).read(columns=["text"])
        assert rows["text"].to_pylist() == [f"{source.kind} {i}" for i in range(6)]


def test_upkeep_that_fails_does_not_fail_the_sync(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    leases = iter([True, True, False])

    @contextmanager
    def lease() -> Iterator[None]:
        if not next(leases):
            raise LeaseHeldError("The lease was taken meanwhile.")
        yield

    table = clean_pages(tmp_path)
    upstream = Upstream({f"d{i}": "1" for i in range(4)})
    assert upstream.sync(table, lease=lease).commits == 2
    assert "Maintenance of clean_pages.confluence-ENG is left for the next sync. The lease was taken" in caplog.text
