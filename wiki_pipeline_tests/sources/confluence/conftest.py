"""Sources opened on a test server, read without an event loop in sight."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from wiki_pipeline.demo.confluence import ConfluenceServer, Space
from wiki_pipeline.model import DocumentFailure, DocumentGone, RawPage, SourceDescription, SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.confluence.config import SourceConfig, read_pages
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings
from wiki_pipeline.sources.confluence.source import ConfluenceSource
from wiki_pipeline.sources.protocol import Fetched


class Waits:
    """Stands for `asyncio.sleep` between tries: remembers the seconds and doesn't wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Opened:
    """A source, its coroutines run to their end."""

    def __init__(self, source: ConfluenceSource, waits: Waits) -> None:
        self.source = source
        self.waits = waits
        self._runner = asyncio.Runner()
        self.run = self._runner.run

    def close(self) -> None:
        try:
            self.run(self.source.aclose())
        finally:
            self._runner.close()

    def describe(self) -> SourceDescription:
        return self.run(self.source.describe())

    def list(self) -> dict[str, str]:
        """Version keys by document; no document is listed twice."""

        async def read() -> dict[str, str]:
            refs = [ref async for portion in self.source.list_documents() for ref in portion]
            keys = {ref.document_id: ref.version_key for ref in refs}
            assert len(keys) == len(refs)
            return keys

        return self.run(read())

    def fetch(self, *ids: str) -> dict[str, Fetched]:
        """Answers by document: exactly one for each id."""

        async def read() -> dict[str, Fetched]:
            answers = [answer async for portion in self.source.fetch(ids) for answer in portion]
            found = {answer.document_id: answer for answer in answers}
            assert len(found) == len(answers)
            assert found.keys() == set(ids)
            return found

        return self.run(read())

    def page(self, page_id: str) -> RawPage:
        answer = self.fetch(page_id)[page_id]
        assert isinstance(answer, RawPage), answer
        return answer

    def gone(self, page_id: str) -> str:
        answer = self.fetch(page_id)[page_id]
        assert isinstance(answer, DocumentGone), answer
        return answer.reason

    def failure(self, page_id: str) -> DocumentFailure:
        answer = self.fetch(page_id)[page_id]
        assert isinstance(answer, DocumentFailure), answer
        return answer


Open = Callable[..., Opened]


@pytest.fixture(autouse=True)
def _own_settings_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Tests see no settings of the person who runs them."""
    monkeypatch.chdir(tmp_path)
    for field in ConfluenceSettings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)


@pytest.fixture
def open_source() -> Iterator[Open]:
    """Opens the source `space` at an address: `open_source(server.url, pages=[...], setting=value)`.

    What it opened is closed whatever becomes of the test: a loop that is left open fails some later test.
    """
    opened = ExitStack()

    def open_it(
        url: str,
        space: str = "ENG",
        *,
        pages: list[Mapping[str, Any]] | None = None,
        max_document_bytes: int = 10_000_000,
        **settings: Any,
    ) -> Opened:
        loaded = load(ConfluenceSettings, url=url, **settings)
        config = SourceConfig(loaded.url, space, read_pages(pages or [], "pages"))
        key, waits = SourceKey("default", "confluence", space), Waits()
        source = Opened(ConfluenceSource(key, config, loaded, max_document_bytes, waits), waits)
        opened.callback(source.close)
        return source

    with opened:
        yield open_it


class Site:
    """A test server and the API that sources use on it."""

    def __init__(self, server: ConfluenceServer, api: str, open_source: Open) -> None:
        self.server = server
        self.api = api
        self.space: Space = server.space("ENG", "Engineering")
        self._open = open_source

    def open(self, space: str = "ENG", **settings: Any) -> Opened:
        return self._open(self.server.url, space, api=self.api, **settings)

    @property
    def listing(self) -> str:
        """Pattern of the requests that list the space, without bodies."""
        return "*/spaces/*/pages*" if self.api == "v2" else "*/content?spaceKey*"


_SITES = [("cloud", "v2"), ("cloud", "v1"), ("datacenter", "v1")]


@pytest.fixture(params=_SITES, ids="-".join)
def site(request: pytest.FixtureRequest, open_source: Open) -> Iterator[Site]:
    """Each flavour with each API that it has; the test fails if a client sent what no right client sends."""
    flavour, api = request.param
    with ConfluenceServer(flavour) as server:
        yield Site(server, api, open_source)
        assert server.violations == []
