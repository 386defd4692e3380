from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from wiki_pipeline.catalog import Catalog, EventBatch, EventState, Origin, recover
from wiki_pipeline.errors import CatalogDamagedError, CatalogError
from wiki_pipeline.model import ChangeHint, Connection, SourceKey
from wiki_pipeline_tests import open_databases
from wiki_pipeline_tests.catalog import other_process

KEY = SourceKey("default", "git", "org/repo")
PAGE = 4096


def test_a_second_catalog_of_a_process_takes_no_locks_from_the_first(sqlite_url: str, tmp_path: Path) -> None:
    """Whoever closes the database file itself drops the locks of all connections of its process; then another process
    deletes the log that is in use."""
    with Catalog(sqlite_url) as first:
        first.add_source(KEY, "{}")
        with Catalog(sqlite_url) as second:
            assert len(second.sources("default")) == 1
            assert len(first.sources("default")) == 1
            with other_process.start("first_start", sqlite_url) as other:
                assert other.line() == "ready"
                other.go_on()
                assert other.line() == "1"
                assert other.finish() == (0, "")
            assert (tmp_path / "home" / "catalog.sqlite-wal").exists()
            assert open_databases.deleted(tmp_path) == []
            first.add_source(SourceKey("default", "git", "other"), "{}")
    with Catalog(sqlite_url) as again:
        assert len(again.sources("default")) == 2
    assert open_databases.damaged(tmp_path) == []


def test_a_sound_catalog_is_left_alone_and_one_in_use_is_not_touched(sqlite_url: str) -> None:
    assert recover(sqlite_url) is None  # not there yet
    with Catalog(sqlite_url) as catalog:
        catalog.add_source(KEY, "{}")
        with pytest.raises(CatalogError, match="Stop whatever uses it"):
            recover(sqlite_url)
    assert recover(sqlite_url) is None


def test_a_damaged_catalog_says_so_in_a_sentence_and_is_made_anew_from_what_it_still_holds(
    sqlite_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "home" / "catalog.sqlite"
    fill(sqlite_url)
    spoil(file, "events")
    with Catalog(sqlite_url) as catalog, pytest.raises(CatalogDamagedError, match=r"is damaged: .*wiki-pipeline up"):
        catalog.events.find("default", limit=1000)
    recovery = recover(sqlite_url)
    assert recovery is not None
    assert recovery.kept.exists()
    assert recovery.rows["sources"] == 3
    assert 0 < recovery.rows["events"] < 400
    with Catalog(sqlite_url) as catalog:
        assert [record.config for record in catalog.sources("default")] == ['{"n": 0}', '{"n": 1}', '{"n": 2}']
        assert [known.connection.name for known in catalog.connections.list("default")] == ["forge"]
        events = catalog.events.find("default", limit=1000)
        assert len(events) == recovery.rows["events"]
        assert {event.state for event in events} == {EventState.PENDING}
    assert recover(sqlite_url) is None
    assert open_databases.damaged(file.parent) == []


def test_a_file_that_is_no_database_at_all_is_kept_and_replaced(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "home" / "catalog.sqlite"
    file.parent.mkdir()
    file.write_bytes(b"not a database, but long enough to be taken for the header of one" * 5)
    recovery = recover(sqlite_url)
    assert recovery is not None
    assert set(recovery.rows.values()) == {0}
    with Catalog(sqlite_url) as catalog:
        assert catalog.sources("default") == []


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_damaged_the_catalog_works_again_afterwards(sqlite_url: str, tmp_path: Path, seed: int) -> None:
    file = tmp_path / "home" / "catalog.sqlite"
    fill(sqlite_url)
    draw = random.Random(seed)
    content = bytearray(file.read_bytes())
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(content) // PAGE) * PAGE
        content[at : at + PAGE] = draw.randbytes(PAGE) if draw.random() < 0.5 else bytes(PAGE)
    if draw.random() < 0.3:
        del content[draw.randrange(len(content)) :]
    file.write_bytes(content)
    recover(sqlite_url)
    with Catalog(sqlite_url) as catalog:
        catalog.add_source(KEY, "{}")
        assert KEY in [record.key for record in catalog.sources("default")]
        catalog.events.find("default", limit=1000)
    assert open_databases.damaged(file.parent) == []


def fill(url: str) -> None:
    """Three sources, and events enough to fill some pages of the file."""
    with Catalog(url) as catalog:
        catalog.connections.add(
            Connection("default", "git", "forge", "https://git.example.org", secret_ref="env:TOKEN")
        )
        keys = [SourceKey("default", "git", f"repository-{number}") for number in range(3)]
        for number, key in enumerate(keys):
            catalog.add_source(key, f'{{"n": {number}}}')
        hints = tuple(ChangeHint("git", keys[0], f"document-{number}", "changed") for number in range(400))
        catalog.events.record([EventBatch("default", Origin.WEBHOOK, hints, "delivery")])


def spoil(file: Path, table: str) -> None:
    """Overwrite one page in the middle of a table."""
    with closing(sqlite3.connect(file)) as connection:
        pages = [row[0] for row in connection.execute("SELECT pageno FROM dbstat WHERE name = ?", [table])]
    content = bytearray(file.read_bytes())
    at = (sorted(pages)[len(pages) // 2] - 1) * PAGE
    content[at : at + PAGE] = b"\xff" * PAGE
    file.write_bytes(content)
