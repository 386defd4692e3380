"""Tables as older and newer versions of the program leave them."""

from __future__ import annotations

from pathlib import Path

import lance
import pyarrow as pa
import pytest

import wiki_pipeline.stages  # noqa: F401 - declares stages
from wiki_pipeline.errors import StoreError
from wiki_pipeline.model import SCHEMA_VERSION, STATE_FIELDS, SourceKey, Stage, digest
from wiki_pipeline.store import Filters, KnownVectors, StageTable, Store, search
from wiki_pipeline.store.evolution import neutral_value
from wiki_pipeline.store.indexes import index_statistics
from wiki_pipeline.store.state import INCONSISTENT
from wiki_pipeline_tests.store import made
from wiki_pipeline_tests.store.made import DIMENSION, MODEL, OTHER, SOURCE, Directions

# What the schemas of each version are. A schema that changes needs a new version, with its own entry here; a new
# stage only a line in the newest one.
VERSIONS = {
    1: {
        "raw_pages": "4453f4786b6e49c9b9372d9f9639631e",
        "clean_pages": "9425c9dea55117f9a24465918b0a8655",
        "attachments": "3788f986e7a9809543a93171231970d2",
        "chunks": "1eb3b2459b6d4bd792e08b5704afa1a7",
        "vectors": "6235456b4485190a8331b8ed3d8a03bb",
        "wiki_pages": "56b5470033ec390cbd36118df3e11f3c",
    },
    2: {
        "raw_pages": "683af3b2750a2da7cdffdc74314b69d8",
        "clean_pages": "aadd4829f2ac366609bb1c4590e88fdc",
        "attachments": "90cfea58c9c7d2d7f502e8cf27ae9409",
        "chunks": "0fe7e4c07a5c95f87adb335c551f3faf",
        "vectors": "6a3a31b55fa7bff88bb3ae4ca4382086",
        "wiki_pages": "0c5b31f43af47f616653f7bdac3baae5",
    },
    3: {
        "raw_pages": "683af3b2750a2da7cdffdc74314b69d8",
        "clean_pages": "9c9e7136b34a04db49f67848746e7476",
        "attachments": "90cfea58c9c7d2d7f502e8cf27ae9409",
        "chunks": "0fe7e4c07a5c95f87adb335c551f3faf",
        "vectors": "6a3a31b55fa7bff88bb3ae4ca4382086",
        "wiki_pages": "2dda7160593c65c21afdc8d9b46f2f2b",
        "repository_survey": "961debc83cf981ab7e554617f27e2a92",
        "repository_wiki": "e7598da31366d6fc40559f25914793f9",
    },
}


def test_schemas_change_only_with_their_version() -> None:
    schemas = {str(stage): digest(stage.schema.remove_metadata().to_string()) for stage in Stage}
    assert schemas.items() >= VERSIONS[SCHEMA_VERSION].items()


def test_every_column_has_a_neutral_value_of_its_type() -> None:
    for schema in (stage.schema for stage in Stage):
        for field in schema:
            # Files are stored apart; and a table of vectors without vectors there never was.
            if not (pa.types.is_large_binary(field.type) or pa.types.is_fixed_size_list(field.type)):
                assert pa.array([neutral_value(field)], field.type).null_count == int(field.nullable)


@pytest.fixture
def pages(tmp_path: Path) -> StageTable:
    """Clean pages a and b."""
    table = made.clean_pages(tmp_path)
    table.replace(made.with_state(made.pages({"a": "One.", "b": "Two."})))
    return table


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The serving table with chunks of two sources, and the indexes of their words."""
    store = Store(str(tmp_path), "default")
    for source, text in ((SOURCE, "pumps of the station"), (OTHER, "pumps in code")):
        rows = made.vector_table({"a": [text]}, source)
        store.vectors(MODEL, DIMENSION, source).replace(made.with_state(rows))
    dataset = opened(store.vectors(MODEL, DIMENSION, SOURCE))
    dataset.optimize.optimize_indices()
    return store


def opened(table: StageTable) -> lance.LanceDataset:
    dataset = table.dataset()
    assert dataset is not None
    return dataset


def before(table: StageTable, *missing: str, renamed: tuple[str, str] | None = None) -> None:
    """Make the table what an older version left: without some columns and without an edition."""
    dataset = opened(table)
    dataset.update_schema_metadata({}, replace=True)
    if missing:
        dataset.drop_columns(list(missing))
    if renamed is not None:
        dataset.add_columns({renamed[1]: renamed[0]})
        dataset.drop_columns([renamed[0]])


def found(store: Store, query: str, source: SourceKey | None = None) -> list[str]:
    filters = Filters(sources=(source,)) if source else None
    return [hit.source for hit in search(store, Directions(), query, filters=filters)]


def test_an_older_table_gets_the_columns_that_it_lacks_and_loses_those_that_are_no_more(pages: StageTable) -> None:
    before(pages, "people", "lost_words", renamed=("code_language", "language"))
    opened(pages).add_columns({"dependencies_of_old": "'x'"})
    pages.upgrade()
    rows = pages.read()
    assert set(opened(pages).schema.names) == set(pages.schema.names)
    assert rows["markdown"].to_pylist() == ["One.", "Two."]
    assert [rows[name].to_pylist() for name in ("people", "code_language")] == [[[], []], ["", ""]]
    assert rows["fingerprint"].to_pylist() == [INCONSISTENT, INCONSISTENT]
    assert not pages.is_older()


def test_a_column_of_another_type_is_made_anew(pages: StageTable) -> None:
    before(pages, "dependencies")
    opened(pages).add_columns(pa.field("dependencies", pa.list_(pa.string())))
    pages.upgrade()
    assert pages.read(columns=["dependencies"]).column(0).to_pylist() == [[], []]


def test_where_only_columns_are_gone_nothing_is_made_again(pages: StageTable) -> None:
    before(pages)
    opened(pages).add_columns({"former": "'x'"})
    pages.upgrade()
    assert pages.state()["fingerprint"].to_pylist() == ["made", "made"]
    assert "former" not in opened(pages).schema.names


def test_a_table_of_this_version_is_left_alone(pages: StageTable) -> None:
    version = opened(pages).version
    assert not pages.is_older()
    pages.upgrade()
    assert opened(pages).version == version


def test_an_upgraded_table_takes_rows(pages: StageTable) -> None:
    before(pages, "title", "people")
    pages.upgrade()
    pages.replace(made.with_state(made.pages({"a": "Won."})))
    rows = {row["document_id"]: row for row in pages.read().to_pylist()}
    assert (rows["a"]["markdown"], rows["a"]["title"]) == ("Won.", "Page a")
    assert (rows["b"]["markdown"], rows["b"]["title"]) == ("Two.", "")


@pytest.mark.parametrize("cut_off_before", ["update_schema_metadata", "drop_columns", "add_columns", "commit"])
def test_an_upgrade_that_is_cut_off_is_done_again(
    pages: StageTable, monkeypatch: pytest.MonkeyPatch, cut_off_before: str
) -> None:
    before(pages, "people", renamed=("code_language", "language"))

    def fail(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(lance.LanceDataset, cut_off_before, fail)
        with pytest.raises(StoreError, match="Free some disk space"):
            pages.upgrade()
    pages.upgrade()
    assert pages.read(columns=["markdown", "fingerprint"]).to_pydict() == {
        "markdown": ["One.", "Two."],
        "fingerprint": [INCONSISTENT, INCONSISTENT],
    }


def test_what_an_older_table_has_can_be_read_and_the_rest_is_explained(pages: StageTable) -> None:
    before(pages, "people")
    assert pages.read(columns=["markdown"]).num_rows == 2
    assert pages.state().num_rows == 2
    with pytest.raises(StoreError, match=r"made by an older version.*Run `wiki-pipeline sync`"):
        pages.read()
    with pytest.raises(StoreError, match="older version"):
        list(pages.batches(["people"]))


def test_a_table_without_what_identifies_its_rows_begins_anew(tmp_path: Path) -> None:
    table = Store(str(tmp_path), "default").table(Stage.ATTACHMENTS, SOURCE)
    lance.write_dataset(pa.table({"document_id": ["a"], "title": ["A"]}), str(tmp_path / f"default/{table.name}.lance"))
    table.upgrade()
    assert not table.is_older()
    assert table.row_count() == 0


def test_a_table_of_a_newer_version_is_refused_and_left_alone(pages: StageTable, tmp_path: Path) -> None:
    dataset = opened(pages)
    dataset.update_schema_metadata({"wiki_pipeline.edition": str(SCHEMA_VERSION + 1)})
    version = dataset.latest_version
    for use in (pages.state, pages.upgrade, pages.clear, pages.row_count):
        with pytest.raises(StoreError, match=r"made by a newer wiki-pipeline.*Use the newer version"):
            use()
    with pytest.raises(StoreError, match="newer"):
        Store(str(tmp_path), "default").older(SOURCE, MODEL)
    assert dataset.latest_version == version


def test_passages_are_found_while_the_serving_table_is_old_and_after_its_upgrade(store: Store) -> None:
    table = store.vectors(MODEL, DIMENSION, SOURCE)
    before(table, "content_hash")  # which no search reads
    assert found(store, "pumps", OTHER) == [str(OTHER)]
    (older,) = store.older(SOURCE, MODEL).values()
    older.upgrade()
    fresh = Store(str(Path(store.url).parent), "default")
    for reader in (store, fresh):
        assert sorted(found(reader, "pumps")) == sorted([str(SOURCE), str(OTHER)])
    assert index_statistics(opened(table), "search_text_2")["num_unindexed_rows"] == 0
    assert set(opened(table).schema.names) == set(table.schema.names)


def test_vectors_outlive_an_upgrade(store: Store) -> None:
    table = store.vectors(MODEL, DIMENSION, SOURCE)
    before(table, "media_type")
    table.upgrade()
    hashes = [digest("pumps of the station"), digest("pumps in code")]
    assert set(KnownVectors(table).lookup(hashes)) == set(hashes)
    assert set(table.state()["fingerprint"].to_pylist()) == {INCONSISTENT}
    assert set(store.vectors(MODEL, DIMENSION, OTHER).state()["fingerprint"].to_pylist()) == {INCONSISTENT}


def test_a_search_in_an_older_table_says_what_to_do(store: Store) -> None:
    before(store.vectors(MODEL, DIMENSION, SOURCE), "media_type")
    fresh = Store(str(Path(store.url).parent), "default")
    with pytest.raises(StoreError, match=r"older version.*Run `wiki-pipeline sync`"):
        found(fresh, "pumps")
    store.vectors(MODEL, DIMENSION, SOURCE).upgrade()
    assert len(found(fresh, "pumps")) == 2


def test_a_search_in_a_newer_table_is_refused(store: Store) -> None:
    opened(store.vectors(MODEL, DIMENSION, SOURCE)).update_schema_metadata({"wiki_pipeline.edition": "99"})
    with pytest.raises(StoreError, match="newer wiki-pipeline"):
        found(Store(str(Path(store.url).parent), "default"), "pumps")


def test_state_columns_are_in_every_table() -> None:
    assert all({field.name for field in STATE_FIELDS} <= set(stage.schema.names) for stage in Stage)
