"""An installation with one Confluence space of twelve pages, synced once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import install_for_space, pipeline, sync


@pytest.fixture(params=["cloud", "datacenter"])
def server(request: pytest.FixtureRequest) -> ConfluenceServer:
    server: ConfluenceServer = request.getfixturevalue(f"confluence_{request.param}")
    return server


@pytest.fixture
def space(server: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Space:
    space = server.space("ENG", "Engineering")
    home = space.add("Home", "<p>Welcome to engineering.</p>")
    for number in range(11):
        space.add(f"Page {number}", f"<p>Number {number} of the handbook.</p>", parent=home)
    install_for_space(monkeypatch, tmp_path, server.url)
    return space


@pytest.fixture
def opened(space: Space) -> Iterator[Pipeline]:
    with pipeline() as opened:
        sync(opened)
        yield opened
