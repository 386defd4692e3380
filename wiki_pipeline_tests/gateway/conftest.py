"""A gateway that serves real tables over real HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import httpx
import pytest

from wiki_pipeline.catalog import SyncMode
from wiki_pipeline.gateway.server import server
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.model import RAW_PAGES, DocumentFailure, RawPage, SourceKey, Stage, rows_to_arrow
from wiki_pipeline.settings import load
from wiki_pipeline.stages import chunks, clean_pages, repository_survey, repository_wiki, vectors, wiki_pages
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import open_sync
from wiki_pipeline_tests.gateway.documents import FILES, PAGES, REPOSITORY, SPACE

SITE = "https://acme.atlassian.net/wiki"
REPOSITORY_URL = "https://github.com/acme/rocket"
SPECIFICATION = json.dumps({"url": SITE, "space": "ENG", "pages": []})


def bring(pipeline: Pipeline, source: SourceKey, documents: Sequence[RawPage], gone: Sequence[str] = ()) -> None:
    """Documents into a source, through every stage but the fetching."""
    hashes = [f"{document.document_id} {document.version_key}" for document in documents]
    rows = rows_to_arrow(documents, RAW_PAGES, fingerprint=hashes, content_hash=hashes)
    with open_sync(pipeline, source, SyncMode.FULL, lambda _: None) as sync:
        sync.table(Stage.RAW_PAGES).replace(rows, gone)
        for stage in (clean_pages, chunks, vectors, wiki_pages, repository_survey, repository_wiki):
            stage.update(sync)


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition, with a bound."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


@contextmanager
def serving(settings: GatewaySettings) -> Iterator[str]:
    """The gateway on a free port; its address."""
    gateway = server(settings)
    thread = threading.Thread(target=gateway.run)
    thread.start()
    try:
        wait_until(lambda: gateway.started)
        port = gateway.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        gateway.should_exit = True
        thread.join(timeout=20)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> GatewaySettings:
    """Settings of a home of its own, with a free port."""
    return load(GatewaySettings, home=tmp_path_factory.mktemp("home"), gateway_port=0)


@pytest.fixture(scope="session")
def pipeline(settings: GatewaySettings) -> Iterator[Pipeline]:
    """Two sources, synced; one document of one of them failed."""
    with Pipeline.open(settings) as pipeline:
        pipeline.catalog.add_source(SPACE, SPECIFICATION, "Engineering", f"{SITE}/spaces/ENG")
        pipeline.catalog.add_source(REPOSITORY, json.dumps({"url": REPOSITORY_URL}), "rocket", REPOSITORY_URL)
        bring(pipeline, REPOSITORY, FILES)
        bring(pipeline, SPACE, PAGES)
        failed = [DocumentFailure("120", "Dashboards", Stage.CLEAN_PAGES, "The server answered 502 four times.")]
        pipeline.catalog.record_failures(SPACE, Stage.CLEAN_PAGES, failed)
        yield pipeline


@pytest.fixture(scope="session")
def address(pipeline: Pipeline, settings: GatewaySettings) -> Iterator[str]:
    """Where the gateway of the two sources listens."""
    with serving(settings) as address:
        yield address


@pytest.fixture(scope="session")
def client(address: str) -> Iterator[httpx.Client]:
    """A client of that gateway that follows no redirect."""
    with httpx.Client(base_url=address, timeout=30) as client:
        yield client
