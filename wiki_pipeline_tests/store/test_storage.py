"""A full disk, storage out of reach: what people are told, and that what was there before is still there."""

from __future__ import annotations

import random
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lance
import lancedb
import pytest

from wiki_pipeline.errors import ConfigurationError, StoreError
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.store import Batch, StageTable, Store, reconcile
from wiki_pipeline.store.storage import explained
from wiki_pipeline_tests.store.made import (
    DIMENSION,
    MODEL,
    OTHER,
    SOURCE,
    clean_pages,
    desired,
    pages,
    vector_table,
    with_state,
)


def write(table: StageTable, edition: str, count: int, size: int) -> int:
    """Bring `count` documents of about `size` bytes each to an edition; they don't compress."""
    noise = random.Random(edition)

    def compute(document_ids: list[str]) -> Batch:
        return Batch(pages({id_: edition + noise.randbytes(size // 2).hex() for id_ in document_ids}))

    return reconcile(
        table,
        desired({f"d{i}": edition for i in range(count)}),
        compute,  # type: ignore[arg-type]
        stage=Stage.CLEAN_PAGES,
        source=SOURCE,
        code_version="1",
        batch_documents=2,
    ).commits


def editions(table: StageTable) -> list[str]:
    return sorted(text[:5] for text in table.read(columns=["markdown"])["markdown"].to_pylist())


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small file system can't be mounted here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount command")
def test_a_full_disk_is_an_error_with_advice_and_the_last_commit_stands(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with small_disk(disk, "3m"):
        table = clean_pages(disk)
        write(table, "first", 10, 10_000)
        before = table.state()
        with pytest.raises(StoreError, match=r"Could not write clean_pages.*Free some disk space"):
            write(table, "large", 20, 1_000_000)
        after = table.state()
        assert after.num_rows >= before.num_rows
        kept = editions(table)
        assert set(kept) <= {"first", "large"}
        assert len(kept) == after.num_rows
        shutil.copytree(disk, tmp_path / "larger")
    larger = clean_pages(tmp_path / "larger")
    assert write(larger, "large", 20, 1_000_000) > 0
    assert editions(larger) == ["large"] * 20


def test_a_file_that_may_not_grow_is_an_error_with_advice_and_the_last_commit_stands(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    write(table, "first", 4, 1_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(StoreError, match="Free some disk space"):
            write(table, "large", 4, 1_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert editions(table) == ["first"] * 4
    write(table, "large", 4, 1_000_000)
    assert editions(table) == ["large"] * 4


def test_storage_that_can_not_be_written_is_an_error_with_advice(tmp_path: Path) -> None:
    occupied = tmp_path / "lance"
    occupied.write_text("a file where the folder should be")
    with pytest.raises(StoreError, match="WIKI_PIPELINE_STORAGE_URL"):
        write(clean_pages(occupied), "first", 1, 10)


def test_a_damaged_table_is_an_error_that_names_it(tmp_path: Path) -> None:
    table = clean_pages(tmp_path)
    write(table, "first", 1, 10)
    for manifest in tmp_path.rglob("*.manifest"):
        manifest.write_bytes(b"not a manifest")
    with pytest.raises(StoreError, match=r"clean_pages\.confluence-ENG"):
        table.state()


@pytest.mark.parametrize("kind", [OSError, RuntimeError, ValueError])
def test_messages_hold_no_credentials_and_no_source_lines(kind: type[Exception]) -> None:
    message = (
        "LanceError(IO): s3://key:secret@bucket/x is gone, /home/me/.cargo/registry/src/lance-13.0.0/io.rs:653:26\nmore"
    )
    with pytest.raises(StoreError) as caught, explained("read chunks"):
        raise kind(message)
    assert str(caught.value).startswith("Could not read chunks: LanceError(IO): s3://bucket/x is gone.")
    assert "secret" not in str(caught.value)


class TestStore:
    def test_tables_are_named_after_stage_and_source_in_a_folder_of_the_tenant(self, tmp_path: Path) -> None:
        store = Store(str(tmp_path), "default")
        store.table(Stage.CLEAN_PAGES, OTHER).replace(with_state(pages({"a": "1"})))
        store.vectors(MODEL, DIMENSION, SOURCE).replace(with_state(vector_table({"a": ["1"]})))
        assert store.names() == [f"clean_pages.{OTHER.slug}", "vectors.test-model"]
        assert (tmp_path / "default" / "vectors.test-model.lance").is_dir()

    @pytest.mark.parametrize("scheme", ["", "file://"])
    def test_more_tables_than_a_page_of_a_listing_are_all_listed(self, tmp_path: Path, scheme: str) -> None:
        store = Store(f"{scheme}{tmp_path}", "default")
        keys = [SourceKey("default", "git", f"org/repo{i}") for i in range(25)]
        for key in keys:
            store.table(Stage.CLEAN_PAGES, key).replace(with_state(pages({"a": "1"})))
        assert store.sources() == sorted(keys)

    def test_a_relative_folder_is_the_same_from_everywhere(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        store = Store("lance", "default")
        store.table(Stage.CLEAN_PAGES, SOURCE).replace(with_state(pages({"a": "1"})))
        monkeypatch.chdir("/")
        assert store.table(Stage.CLEAN_PAGES, SOURCE).row_count() == 1

    def test_models_of_similar_names_do_not_share_a_table(self, tmp_path: Path) -> None:
        store = Store(str(tmp_path), "default")
        names = {store.vectors(model, DIMENSION, SOURCE).name for model in ("a/b", "a-b", "a b", "A-b")}
        assert len(names) == 4

    def test_tenants_do_not_see_each_other(self, tmp_path: Path) -> None:
        Store(str(tmp_path), "default").table(Stage.CLEAN_PAGES, SOURCE).replace(with_state(pages({"a": "1"})))
        assert Store(str(tmp_path), "other").names() == []
        with pytest.raises(ConfigurationError, match="tenant"):
            Store(str(tmp_path), "other").table(Stage.CLEAN_PAGES, SOURCE)

    @pytest.mark.parametrize("tenant", ["", "..", "a/b", "Ä", "a b"])
    def test_a_tenant_that_is_no_name_is_refused(self, tmp_path: Path, tenant: str) -> None:
        with pytest.raises(ConfigurationError, match="WIKI_PIPELINE_TENANT"):
            Store(str(tmp_path), tenant)

    def test_the_sources_of_a_table_do_not_touch_each_other(self, tmp_path: Path) -> None:
        store = Store(str(tmp_path), "default")
        here, there = (store.vectors(MODEL, DIMENSION, key) for key in (SOURCE, OTHER))
        here.replace(with_state(vector_table({"README.md": ["ours"]})))
        there.replace(with_state(vector_table({"README.md": ["theirs", "too"]}, OTHER)))
        here.replace(with_state(vector_table({"README.md": ["new"]})))
        assert (here.row_count(), there.row_count()) == (1, 2)
        assert there.read(["README.md"], ["text"])["text"].to_pylist() == ["theirs", "too"]
        here.clear()
        assert here.state().num_rows == 0
        assert there.state()["document_id"].to_pylist() == ["README.md"]

    def test_a_forgotten_source_is_gone_from_all_tables_and_no_other_is(self, tmp_path: Path) -> None:
        store = Store(str(tmp_path), "default")
        for key in (SOURCE, OTHER):
            store.table(Stage.CLEAN_PAGES, key).replace(with_state(pages({"a": "1"})))
            for model in (MODEL, "second"):
                store.vectors(model, DIMENSION, key).replace(with_state(vector_table({"a": ["1"]}, key)))
            # Of a stage that this version does not have.
            schema = store.table(Stage.CLEAN_PAGES, key).schema
            StageTable(store.url, f"summaries.{key.slug}", schema).replace(with_state(pages({"a": "1"})))
        store.forget(SOURCE)
        store.forget(SOURCE)
        assert store.sources() == [OTHER]
        assert f"summaries.{OTHER.slug}" in store.names()
        assert [store.vectors(m, DIMENSION, SOURCE).row_count() for m in (MODEL, "second")] == [0, 0]
        assert [store.vectors(m, DIMENSION, OTHER).row_count() for m in (MODEL, "second")] == [1, 1]
        assert store.table(Stage.CLEAN_PAGES, OTHER).row_count() == 1

    @pytest.mark.parametrize("stage", [Stage.VECTORS, Stage("summaries")])
    def test_a_source_has_tables_of_its_own_for_declared_stages_only(self, tmp_path: Path, stage: Stage) -> None:
        with pytest.raises(ValueError, match=str(stage)):
            Store(str(tmp_path), "default").table(stage, SOURCE)

    def test_a_source_leaves_the_tables_of_models_that_are_no_longer_used(self, tmp_path: Path) -> None:
        store = Store(str(tmp_path), "default")
        for key in (SOURCE, OTHER):
            for model in ("before", MODEL):
                store.vectors(model, DIMENSION, key).replace(with_state(vector_table({"a": ["1"]}, key)))
        store.forget_other_models(store.vectors(MODEL, DIMENSION, SOURCE))
        rows = {m: [store.vectors(m, DIMENSION, k).row_count() for k in (SOURCE, OTHER)] for m in ("before", MODEL)}
        assert rows == {"before": [0, 1], MODEL: [1, 1]}

    def test_a_table_of_another_version_is_not_written_to(self, tmp_path: Path) -> None:
        store = Store(str(tmp_path), "default")
        store.vectors(MODEL, DIMENSION, SOURCE).replace(with_state(vector_table({"a": ["1"]})))
        wider = store.vectors(MODEL, DIMENSION + 1, SOURCE)
        with pytest.raises(StoreError, match="other columns"):
            wider.clear()

    def test_reading_takes_ids_of_any_characters(self, tmp_path: Path) -> None:
        table = clean_pages(tmp_path)
        texts = {id_: id_ for id_ in ("it's", 'a"b', "c;drop", "d\0e", "f\\", "😀", "%", "", "' OR '1'='1", "\n")}
        table.replace(with_state(pages(texts)))
        for id_ in texts:
            assert table.read([id_], ["markdown"])["markdown"].to_pylist() == [id_]
        table.replace(table.schema.empty_table(), ["' OR '1'='1", "%"])
        assert table.row_count() == len(texts) - 2

    def test_a_table_that_is_not_there_is_empty(self, tmp_path: Path) -> None:
        table = clean_pages(tmp_path / "nowhere")
        assert table.state().num_rows == table.read().num_rows == table.row_count() == 0
        assert list(table.batches()) == []
        assert table.read(["a"]).schema == table.schema

    def test_other_programs_can_open_the_tables(self, tmp_path: Path) -> None:
        store = Store(str(tmp_path), "default")
        store.table(Stage.CLEAN_PAGES, SOURCE).replace(with_state(pages({"a": "1"})))
        frame = lancedb.connect(store.url).open_table("clean_pages.confluence-ENG").to_pandas()
        assert frame[["document_id", "markdown"]].to_numpy().tolist() == [["a", "1"]]
        assert lance.dataset(store.table_url("clean_pages.confluence-ENG")).count_rows() == 1
