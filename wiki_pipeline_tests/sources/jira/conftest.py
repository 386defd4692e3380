"""A Jira of each flavour, and a source that reads its project OPS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from wiki_pipeline.demo.jira import JiraServer
from wiki_pipeline.model import DocumentGone, DocumentRef, RawPage, SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.jira.config import SourceConfig
from wiki_pipeline.sources.jira.settings import JiraSettings
from wiki_pipeline.sources.jira.source import JiraSource

OPS = SourceKey("default", "jira", "OPS")


@pytest.fixture(params=["cloud", "datacenter"])
def server(request: pytest.FixtureRequest) -> Iterator[JiraServer]:
    """A Jira with nothing in it; no right client makes it complain."""
    with JiraServer(request.param) as started:
        yield started
        assert started.violations == []


async def _no_wait(_seconds: float) -> None:
    return None


def opened(server: JiraServer, *jql: str, **settings: Any) -> JiraSource:
    """The project OPS as a source."""
    given = {"url": server.url, "token": SecretStr("t"), "http2": False, "flavour": "auto"} | settings
    url = str(given["url"])
    loaded = load(JiraSettings, **given)
    return JiraSource(OPS, SourceConfig(url, server.url, "OPS", jql), loaded, 10_000_000, _no_wait)


async def listed(source: JiraSource) -> list[DocumentRef]:
    """Its listing."""
    return [ref async for portion in source.list_documents() for ref in portion]


async def fetched(source: JiraSource, ids: list[str]) -> dict[str, Any]:
    """The answers for ids."""
    return {answer.document_id: answer async for some in source.fetch(ids) for answer in some}


def page(answer: object) -> RawPage:
    """An answer that is a page."""
    assert isinstance(answer, RawPage), answer
    return answer


def gone(answer: object) -> str:
    """Why a document is gone."""
    assert isinstance(answer, DocumentGone), answer
    return answer.reason
