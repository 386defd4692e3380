"""Backup, wipe, restore, resync: nothing changes. From a folder and SQLite into PostgreSQL and a bucket, and back."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from wiki_pipeline.catalog import Catalog, EventBatch, Origin
from wiki_pipeline.demo.confluence import ConfluenceServer
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import ChangeHint, Stage
from wiki_pipeline.operations.backup import backup, backups, restore
from wiki_pipeline.settings import load
from wiki_pipeline.store import maintain_fully, search
from wiki_pipeline.sync.maintenance import maintain
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import SourceTables
from wiki_pipeline.sync.settings import Settings
from wiki_pipeline.text.embed import open_embedder
from wiki_pipeline_tests.buckets import Buckets, moto
from wiki_pipeline_tests.catalog.conftest import postgresql_server, postgresql_url  # noqa: F401 - fixtures
from wiki_pipeline_tests.installation import ENG, install_for_space, pipeline, sync


@pytest.fixture(scope="module")
def buckets() -> Iterator[Buckets]:
    with moto() as running:
        yield running


def contents(opened: Pipeline) -> dict[str, list[object]]:
    """All rows of all tables but their time of arrival."""
    tables = SourceTables(opened, ENG)
    return {
        str(stage): sorted(tables.table(stage).read().to_pylist(), key=repr) for stage in Stage if stage.schema.names
    }


def rows_of(catalog: Catalog) -> list[str]:
    """The catalog's rows, but for the list of tables, which a bucket alone has."""
    table, found = "", []
    for line in catalog.dump():
        table = json.loads(line)["table"] if line.startswith('{"table') else table
        if table != "lance_tables":
            found.append(line)
    return sorted(found)


def test_backup_wipe_restore_resync_changes_nothing(
    confluence_datacenter: ConfluenceServer,
    buckets: Buckets,
    postgresql_url: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    space = confluence_datacenter.space("ENG", "Engineering")
    pages = [space.add(f"Page {i}", f"<p>About winch {i} by Ödön.</p>") for i in range(12)]
    install_for_space(monkeypatch, tmp_path, confluence_datacenter.url)
    with pipeline() as opened:
        sync(opened)
        pages[3].edit("<p>Edited winch.</p>")
        sync(opened)
        hint = ChangeHint("confluence", ENG, str(pages[4].id), "page_updated")
        opened.catalog.events.record([EventBatch("default", Origin.WEBHOOK, [hint])])
        maintain_fully(SourceTables(opened, ENG).table(Stage.VECTORS))
        before, rows = contents(opened), rows_of(opened.catalog)
    settings = load(Settings)
    first = backup(settings, str(tmp_path / "backups"))
    assert backups(settings, str(tmp_path / "backups")) == [first.name]

    # Another kind of database, another kind of storage.
    shutil.rmtree(tmp_path / "state")
    name = f"b{uuid.uuid4().hex}"
    buckets.make(name)
    bucket = {
        **buckets.environment(name),
        "WIKI_PIPELINE_DATABASE_URL": postgresql_url,
        "WIKI_PIPELINE_MODE": "cluster",
    }
    for variable, value in bucket.items():
        monkeypatch.setenv(variable, value)
    settings = load(Settings)
    with pytest.raises(ConfigurationError, match="no backup"):
        restore(settings, str(tmp_path / "backups"), "2020-01-01T00-00-00Z")
    assert restore(settings, str(tmp_path / "backups")) == first
    with pipeline() as opened:
        assert rows_of(opened.catalog) == rows
        assert contents(opened) == before
        assert {report.commits for report in sync(opened).values()} == {0}
        hits = search(opened.store, open_embedder(settings), "Edited winch", k=1, mode="text")
        assert [hit.document_id for hit in hits] == [str(pages[3].id)]
        maintain(opened)
        pages[5].edit("<p>After the restore.</p>")
        assert sync(opened)[Stage.VECTORS].updated == 1
        opened.catalog.events.record([EventBatch("default", Origin.WEBHOOK, [hint])])  # numbers go on
        before, rows = contents(opened), rows_of(opened.catalog)
    with pytest.raises(ConfigurationError, match="holds something"):
        restore(settings, str(tmp_path / "backups"))

    # And back, by a backup in the bucket.
    place = f"s3://{name}/backups"
    second = backup(settings, place)
    engine = create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    monkeypatch.setenv("WIKI_PIPELINE_STORAGE_URL", f"s3://{name}/elsewhere")
    settings = load(Settings)
    assert restore(settings, place, second.name) == second
    with pipeline() as opened:
        assert rows_of(opened.catalog) == rows
        assert contents(opened) == before
        assert {report.commits for report in sync(opened).values()} == {0}


def test_a_backup_that_was_cut_off_is_none(
    confluence_datacenter: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_for_space(monkeypatch, tmp_path, confluence_datacenter.url)
    settings, place = load(Settings), tmp_path / "backups"
    with pipeline():
        pass
    made = backup(settings, str(place))
    assert made.rows["sources"] == 1
    (place / made.name / "manifest.json").unlink()
    assert backups(settings, str(place)) == []
    with pytest.raises(ConfigurationError, match="not completed"):
        restore(settings, str(place))
