"""An installation with one space, and a Dagster instance that knows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from wiki_pipeline.defs.sources import publish_sources
from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline_tests.installation import install_for_space, pipeline

PICTURE = '<ac:image><ri:attachment ri:filename="it.png"/></ac:image>'
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def space(confluence_datacenter: ConfluenceServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Space:
    """A space of three pages, configured as the installation's only source."""
    space = confluence_datacenter.space("ENG", "Engineering")
    for title in ("Home", "Pumps", "Winches"):
        page = space.add(title, f"<p>All about {title}.</p>{PICTURE}")
        page.attach("it.png", PNG + title.encode(), "image/png")
    install_for_space(monkeypatch, tmp_path, confluence_datacenter.url)
    monkeypatch.setenv("WIKI_PIPELINE_SENSOR_WAIT_SECONDS", "0")
    monkeypatch.setenv("WIKI_PIPELINE_EVENT_RETRY_SECONDS", "0")
    return space


@pytest.fixture
def opened(space: Space) -> Iterator[Pipeline]:
    """The installation's catalog and tables."""
    with pipeline() as opened:
        yield opened


@pytest.fixture
def instance(opened: Pipeline) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance that knows the installation's sources as partitions."""
    with dg.DagsterInstance.ephemeral() as instance:
        publish_sources(instance, opened.catalog, "default")
        yield instance


@pytest.fixture
def kept_instance(opened: Pipeline, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """The same with its state in files, as the contexts of schedules want it."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        publish_sources(instance, opened.catalog, "default")
        yield instance
