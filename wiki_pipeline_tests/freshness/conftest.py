"""An installation with one Confluence space of twelve pages, synced once: each test has a copy of its own.

It is one of Confluence Cloud. Where it matters what Confluence answers, tests are marked with `both_flavours`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import pipeline
from wiki_pipeline_tests.synced import SyncedSpace


@pytest.fixture
def flavour() -> str:
    """Of the Confluence."""
    return "cloud"


@pytest.fixture
def synced(request: pytest.FixtureRequest, flavour: str) -> SyncedSpace:
    """The space and the installation that tests copy."""
    synced: SyncedSpace = request.getfixturevalue(f"synced_{flavour}")
    return synced


@pytest.fixture
def space(synced: SyncedSpace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Space]:
    """The space, as it was synced."""
    yield synced.copy(tmp_path, monkeypatch)
    assert synced.server.violations == []


@pytest.fixture
def unsynced(synced: SyncedSpace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Space:
    """The same space, configured and never synced."""
    return synced.unsynced(tmp_path, monkeypatch)


@pytest.fixture
def server(space: Space, synced: SyncedSpace) -> ConfluenceServer:
    """The server of the space."""
    return synced.server


@pytest.fixture
def opened(space: Space) -> Iterator[Pipeline]:
    """The installation's catalog and tables."""
    with pipeline() as opened:
        yield opened
