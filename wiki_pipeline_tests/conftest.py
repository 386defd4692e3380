"""Fixtures that several rooms share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from wiki_pipeline.demo.confluence import ConfluenceServer

# How long an example takes is the machine's affair; what must be true of it is not.
settings.register_profile("whatever the machine", deadline=None)
settings.load_profile("whatever the machine")


@pytest.fixture
def confluence_cloud() -> Iterator[ConfluenceServer]:
    """A Confluence Cloud without spaces; the test fails if a client sent it what no right client sends."""
    with ConfluenceServer("cloud") as server:
        yield server
        assert server.violations == []


@pytest.fixture
def confluence_datacenter() -> Iterator[ConfluenceServer]:
    """A Confluence Data Center without spaces; the test fails if a client sent it what no right client sends."""
    with ConfluenceServer("datacenter") as server:
        yield server
        assert server.violations == []
