"""An installation whose commands are run in this process, with a Dagster state that the tests of this room share."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from wiki_pipeline.cli import main
from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline_tests.installation import install, install_for_space
from wiki_pipeline_tests.synced import SyncedSpace, synced_space

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def dagster_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dagster's state; making one takes seconds."""
    home = tmp_path_factory.mktemp("dagster")
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    return home


@pytest.fixture
def empty(tmp_path: Path, dagster_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation without sources; the folder that commands run in."""
    install(monkeypatch, tmp_path, DAGSTER_HOME=str(dagster_home))
    return tmp_path


@pytest.fixture
def space(empty: Path, confluence_cloud: ConfluenceServer, monkeypatch: pytest.MonkeyPatch) -> Space:
    """A space of three pages, configured as the installation's only source."""
    space = three_pages(confluence_cloud)
    install_for_space(monkeypatch, empty, confluence_cloud.url)
    return space


def three_pages(server: ConfluenceServer) -> Space:
    """The space ENG with three pages."""
    space = server.space("ENG", "Engineering")
    for title in ("Home", "Pumps", "Winches"):
        space.add(title, f"<p>All about {title.lower()}.</p>")
    return space


@pytest.fixture(scope="session")
def synced_space_of_three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncedSpace]:
    """Those three pages, synced once for the tests that only look at them."""
    with synced_space("cloud", tmp_path_factory.mktemp("three"), three_pages) as synced:
        yield synced


@pytest.fixture
def synced(empty: Path, synced_space_of_three: SyncedSpace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Space]:
    """The space of three pages as the installation's only source, synced."""
    yield synced_space_of_three.copy(empty, monkeypatch)
    assert synced_space_of_three.server.violations == []


@pytest.fixture
def run() -> Iterator[Run]:
    """Run a command; what its process would leave behind with the signals is undone."""
    handler = signal.getsignal(signal.SIGTERM)
    yield lambda *arguments: CliRunner().invoke(main, arguments)
    signal.signal(signal.SIGTERM, handler)
