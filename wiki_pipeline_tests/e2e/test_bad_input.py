"""Whatever is wrong with settings, servers, pages or repositories: a sentence says so, and what was there stays."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.catalog import SyncStatus
from wiki_pipeline.demo.confluence import ConfluenceServer, Space, faults
from wiki_pipeline.errors import (
    AccessDeniedError,
    ConfigurationError,
    SourceError,
    SourceNotFoundError,
    SourceUnreachableError,
    StoreError,
    WikiPipelineError,
)
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import ENG, install, install_for_space, pipeline, sync

TITLES = [
    "🚀 Launch 👩‍👩‍👧‍👦",
    "and/or: A/B tests",
    "../../etc/passwd",
    "\u202eright-to-left\u202c שלום עולם",
    "x" * 255,
    '<script>alert("1")</script>',
    "Q&A",
    "q&a",
]


@pytest.fixture
def server(confluence_cloud: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConfluenceServer:
    """A site with one space of three pages, which the installation has."""
    space = confluence_cloud.space("ENG", "Engineering")
    for title in ("Home", "Pumps", "Winches"):
        space.add(title, f"<p>All about {title}.</p>")
    install_for_space(monkeypatch, tmp_path, confluence_cloud.url)
    return confluence_cloud


@pytest.fixture
def space(server: ConfluenceServer) -> Space:
    return server.space("ENG")


@pytest.fixture
def synced(server: ConfluenceServer) -> None:
    """The space has been synced once, before something goes wrong."""
    with pipeline() as opened:
        sync(opened)


def words_of(error: pytest.ExceptionInfo[WikiPipelineError]) -> str:
    return str(error.value)


def served(opened: Pipeline, source: SourceKey = ENG) -> set[str]:
    """Titles in the last table of the flow."""
    return set(opened.store.table(Stage.WIKI_PAGES, source).read(columns=["title"])["title"].to_pylist())


def expect(error_type: type[WikiPipelineError], *words: str) -> None:
    """The next sync fails in these words, and the three pages are still served."""
    with pipeline() as opened:
        with pytest.raises(error_type) as error:
            sync(opened)
        for word in words:
            assert word in words_of(error)
        assert served(opened) == {"Home", "Pumps", "Winches"}
        assert opened.catalog.syncs(ENG)[0].status is SyncStatus.FAILED


# --- addresses, credentials, settings ---


@pytest.mark.usefixtures("synced")
def test_a_wrong_address(monkeypatch: pytest.MonkeyPatch) -> None:
    install_elsewhere(monkeypatch, "http://127.0.0.1:9")
    expect(SourceUnreachableError, "127.0.0.1:9")


@pytest.mark.usefixtures("synced")
def test_an_address_of_something_else(server: ConfluenceServer) -> None:
    server.fault("*", faults.login_page(), times=None)
    expect(SourceError, "web page")


@pytest.mark.usefixtures("synced")
def test_wrong_credentials(server: ConfluenceServer) -> None:
    server.allow(secret="another-token")
    expect(AccessDeniedError, "CONFLUENCE_TOKEN")


def test_a_space_key_that_does_not_exist(
    server: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_for_space(monkeypatch, tmp_path, server.url, space="NOPE")
    with pipeline() as opened, pytest.raises(SourceNotFoundError, match="NOPE"):
        sync(opened, SourceKey("default", "confluence", "NOPE"))


def test_a_page_id_that_does_not_exist_is_named_and_the_other_pages_come(
    server: ConfluenceServer, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [{"page_id": space.page("Pumps").id}, {"page_id": "999999999"}]
    monkeypatch.setenv("CONFLUENCE_SPACES", json.dumps({"ENG": pages}))
    with pipeline() as opened:
        report = sync(opened)[Stage.RAW_PAGES]
        assert report.skipped == {"page 999999999 not found": 1}
        assert served(opened) == {"Pumps"}


@pytest.mark.parametrize("value", ["{", "[]", "ENG"])
def test_settings_that_are_not_what_they_should_be(
    server: ConfluenceServer, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("CONFLUENCE_SPACES", value)
    with pytest.raises(ConfigurationError, match="CONFLUENCE_SPACES"), pipeline():
        pass


@pytest.mark.parametrize("entry", ["1", '[{"page": "1"}]', '[{"page_id": ""}]'])
def test_an_entry_that_is_not_what_it_should_be_is_named_and_stops_no_other(
    server: ConfluenceServer, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    monkeypatch.setenv("CONFLUENCE_SPACES", f'{{"BAD": {entry}, "ENG": []}}')
    with pipeline() as opened:
        assert [record.key.name for record in opened.catalog.sources("default")] == ["ENG"]
        (problem,) = opened.configuration_problems()
    assert "CONFLUENCE_SPACES" in problem
    assert "BAD" in problem


# --- content ---


def test_a_space_with_no_pages(server: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.space("EMPTY", "Nothing yet")
    install_for_space(monkeypatch, tmp_path, server.url, space="EMPTY")
    key = SourceKey("default", "confluence", "EMPTY")
    with pipeline() as opened:
        assert {report.rows for report in sync(opened, key).values()} == {0}
        assert opened.catalog.syncs(key)[0].status is SyncStatus.COMPLETED


@pytest.mark.usefixtures("synced")
def test_a_body_of_20_mb_fails_alone_and_by_name(space: Space) -> None:
    space.page("Pumps").edit("<p>" + "large " * 3_500_000 + "</p>")
    with pipeline() as opened:
        report = sync(opened)[Stage.RAW_PAGES]
        assert [failure.title for failure in report.failures] == ["Pumps"]
        assert "WIKI_PIPELINE_MAX_DOCUMENT_BYTES" in report.failures[0].message
        assert served(opened) == {"Home", "Pumps", "Winches"}


@pytest.mark.usefixtures("synced")
def test_malformed_storage_format_is_repaired_and_noted(space: Space) -> None:
    space.page("Pumps").edit('<p>Prime <b>the pump</p><ac:structured-macro ac:name="info"><p>by hand')
    with pipeline() as opened:
        assert {report.failed for report in sync(opened).values()} == {0}
        row = opened.store.table(Stage.CLEAN_PAGES, ENG).read([space.page("Pumps").id], ["markdown", "notes"])
        assert all(word in row["markdown"][0].as_py() for word in ("Prime", "the pump", "by hand"))
        assert row["notes"][0].as_py()


def test_titles_of_all_sorts_each_get_a_page_of_their_own(server: ConfluenceServer, space: Space) -> None:
    for title in TITLES:
        space.add(title, "<p>Text.</p>")
    with pipeline() as opened:
        sync(opened)
        paths = opened.store.table(Stage.WIKI_PAGES, ENG).read(columns=["title", "wiki_path"]).to_pylist()
    assert {row["title"] for row in paths} >= set(TITLES)
    assert len({row["wiki_path"].casefold() for row in paths}) == len(TITLES) + 3
    assert not [row for row in paths if ".." in row["wiki_path"].split("/")]


def test_two_pages_with_the_same_title_in_two_spaces_are_two_pages(
    server: ConfluenceServer, space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.space("OPS", "Operations").add("Pumps", "<p>Other pumps.</p>")
    monkeypatch.setenv("CONFLUENCE_SPACES", '{"ENG": [], "OPS": []}')
    with pipeline() as opened:
        sync(opened)
        sync(opened, SourceKey("default", "confluence", "OPS"))
        assert "Pumps" in served(opened)
        assert served(opened, SourceKey("default", "confluence", "OPS")) == {"Pumps"}


# --- things that break on the way ---


@pytest.mark.usefixtures("synced")
def test_a_server_that_dies_half_way_keeps_what_came_and_the_next_sync_brings_the_rest(
    server: ConfluenceServer, space: Space
) -> None:
    for number in range(300):
        space.add(f"New {number}", "<p>New.</p>")
    server.fault("*", faults.dropped(), times=None, after=6)
    with pipeline() as opened:
        with pytest.raises(SourceError):
            sync(opened)
        assert served(opened) >= {"Home", "Pumps", "Winches"}
        server.heal()
        sync(opened)
        assert len(served(opened)) == 303


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system needs the right to mount one: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk(server: ConfluenceServer, space: Space, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIKI_PIPELINE_STORAGE_URL", str(small_disk / "lance"))
    with pipeline() as opened:
        sync(opened)
        for number in range(40):
            space.add(
                f"Large {number}",
                f"<p>{''.join(chr(33 + (i * i + number) % 90) for i in range(100_000))}</p>".replace("<", "x").replace(
                    "&", "y"
                ),
            )
        with pytest.raises(StoreError, match="disk space"):
            sync(opened)
        assert served(opened) >= {"Home", "Pumps", "Winches"}


def test_an_empty_repository_and_one_that_needs_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = tmp_path / "empty"
    subprocess.run(["git", "init", "--quiet", "--bare", str(repository)], check=True)
    install(monkeypatch, tmp_path, WIKI_PIPELINE_GIT_REPOSITORIES=json.dumps([{"url": str(repository)}]))
    with pipeline() as opened:
        (source,) = opened.add_configured_sources()
        assert {report.rows for report in sync(opened, source).values()} == {0}


def install_elsewhere(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """The same installation, its Confluence at another address, without patience."""
    monkeypatch.setenv("CONFLUENCE_URL", url)
    monkeypatch.setenv("WIKI_PIPELINE_CONFLUENCE_TRIES", "1")
