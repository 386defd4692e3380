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
    space = confluence_cloud.space("ENG", "Engineering")
    for title in ("Home", "Pumps", "Winches"):
        space.add(title, f"<p>All about {title.lower()}.</p>")
    install_for_space(monkeypatch, empty, confluence_cloud.url)
    return space


@pytest.fixture
def run() -> Iterator[Run]:
    """Run a command; what its process would leave behind with the signals is undone."""
    handler = signal.getsignal(signal.SIGTERM)
    yield lambda *arguments: CliRunner().invoke(main, arguments)
    signal.signal(signal.SIGTERM, handler)
