from __future__ import annotations

import stat
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from wiki_pipeline.catalog import Catalog, schema
from wiki_pipeline.catalog.tables import metadata
from wiki_pipeline.errors import CatalogDamagedError, CatalogError, ConfigurationError
from wiki_pipeline.model import SourceKey
from wiki_pipeline_tests.catalog import other_process

PASSWORD = "correct-horse-battery"


def test_the_migrations_make_exactly_the_tables_that_the_program_knows(catalog: Catalog, url: str) -> None:
    catalog.sources("default")
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_head_that_the_program_knows_is_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "wiki_pipeline.catalog:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_processes_that_start_at_once_on_an_empty_database_don_t_collide(url: str) -> None:
    with ExitStack() as stack:
        others = [stack.enter_context(other_process.start("first_start", url)) for _ in range(4)]
        assert [other.line() for other in others] == ["ready"] * len(others)
        for other in others:
            other.go_on()
        assert [other.finish() for other in others] == [(0, "")] * len(others)


def test_threads_that_open_one_catalog_at_once_don_t_collide(url: str) -> None:
    start = threading.Barrier(8)
    found: list[int] = []

    def look() -> None:
        start.wait(timeout=30)
        found.append(len(catalog.sources("default")))

    catalog = Catalog(url)
    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert found == [0] * 8
    catalog.close()


def test_threads_that_make_different_catalogs_at_once_don_t_mix_them_up(tmp_path: Path) -> None:
    start = threading.Barrier(6)
    failed: list[Exception] = []

    def make(number: int) -> None:
        with Catalog(f"sqlite:///{tmp_path / f'{number}.sqlite'}") as catalog:
            start.wait(timeout=30)
            try:
                catalog.add_source(SourceKey("default", "git", f"repository-{number}"), "{}")
            except CatalogError as error:
                failed.append(error)

    threads = [threading.Thread(target=make, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failed == []


def test_a_database_of_a_newer_program_that_says_so_is_used_as_it_is(catalog: Catalog, url: str) -> None:
    """As the gateway of the version before, while the next one is rolled out: it reads, writes, migrates nothing."""
    catalog.add_source(SourceKey("default", "git", "org/repo"), "{}")
    catalog.close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("ALTER TABLE sources ADD COLUMN of_later TEXT DEFAULT ''"))
    with Catalog(url) as again:
        (record,) = again.sources("default")
        again.add_source(record.key, '{"changed": 1}')
    with engine.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"
    engine.dispose()


def test_a_database_of_a_newer_program_is_refused_and_left_alone(catalog: Catalog, url: str) -> None:
    catalog.add_source(SourceKey("default", "git", "a"), "{}")
    catalog.close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("UPDATE schema_use SET oldest_program = '9998'"))
    for _ in range(2):
        with pytest.raises(CatalogError, match=r"newer wiki-pipeline \(schema 9999.*Install the newer version"):
            catalog.sources("default")
    with engine.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"
        connection.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": schema.HEAD})
    engine.dispose()
    assert len(catalog.sources("default")) == 1


def test_a_migration_that_is_cut_off_leaves_an_empty_database(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class CutOffError(Exception):
        pass

    def cut_off(context: MigrationContext, *_: object, **__: object) -> None:
        raise CutOffError

    catalog = Catalog(url)
    with monkeypatch.context() as patch:
        # Alembic writes the revision last: fail there, after the tables were made.
        patch.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", cut_off)
        with pytest.raises(CutOffError):
            catalog.sources("default")
    engine = create_engine(url)
    with engine.connect() as connection:
        assert schema._revision(connection) is None
    engine.dispose()
    assert catalog.sources("default") == []
    catalog.close()


def test_the_sqlite_file_and_its_companions_are_for_their_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    with Catalog(f"sqlite:///{folder / 'catalog.sqlite'}") as catalog:
        catalog.add_source(SourceKey("default", "git", "a"), "{}")
        files = sorted(folder.iterdir())
        assert [file.name for file in files] == ["catalog.sqlite", "catalog.sqlite-shm", "catalog.sqlite-wal"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_readers_don_t_wait_for_a_writer_on_sqlite(sqlite_url: str) -> None:
    with Catalog(sqlite_url) as catalog, Catalog(sqlite_url) as reader:
        catalog.add_source(SourceKey("default", "git", "a"), "{}")
        with catalog._database.write() as connection:
            connection.execute(text("DELETE FROM sources"))
            assert len(reader.sources("default")) == 1
        assert reader.sources("default") == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("not an address", "not an SQLAlchemy address"),
        ("postgresql://user:secret@host:port/db", "not an SQLAlchemy address"),
        ("mysql://user:secret@host/db", "can't be kept in mysql"),
        ("postgres://user:secret@host/db", "can't be kept in postgres"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_an_address_that_can_t_be_used_is_refused_without_being_repeated(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        Catalog(url)
    assert "secret" not in str(caught.value)


def test_a_driver_that_is_not_installed_is_named_with_what_to_install() -> None:
    catalog = Catalog("postgresql+asyncpg://user:secret@localhost/db")
    with pytest.raises(ConfigurationError, match=r"wiki-pipeline\[postgres\]") as caught:
        catalog.sources("default")
    assert "secret" not in str(caught.value)


def test_a_server_that_is_out_of_reach_is_named_without_its_credentials(tmp_path: Path) -> None:
    catalog = Catalog(f"postgresql+psycopg://wiki:{PASSWORD}@/wiki?host={tmp_path}&sslpassword={PASSWORD}")
    with pytest.raises(CatalogError, match="can't be used") as caught:
        catalog.sources("default")
    for text_ in (str(caught.value), repr(caught.value), repr(catalog), repr(catalog._database)):
        assert PASSWORD not in text_
    assert caught.value.__cause__ is None
    assert "postgresql:///wiki" in str(caught.value)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "catalog.sqlite"
    file.write_text("This is a text, and a long enough one to be looked at as a database header. " * 5)
    with pytest.raises(CatalogDamagedError, match=r"catalog\.sqlite is damaged: file is not a database"):
        Catalog(f"sqlite:///{file}").sources("default")


def test_a_folder_that_can_t_be_made_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CatalogError, match="can't be used"):
        Catalog(f"sqlite:///{tmp_path / 'file' / 'catalog.sqlite'}").sources("default")
