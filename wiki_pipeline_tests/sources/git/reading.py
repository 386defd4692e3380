"""What tests do with a source: sync it as the stages would."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wiki_pipeline.model import RawPage, SourceDescription, SourceKey
from wiki_pipeline.sources.git.settings import GitSettings, Repository
from wiki_pipeline.sources.git.source import GitSource
from wiki_pipeline.sources.protocol import Fetched


@dataclass
class Sync:
    """What one sync saw."""

    keys: dict[str, str]
    rows: dict[str, Fetched]
    skipped: dict[str, int]

    @property
    def pages(self) -> dict[str, RawPage]:
        """The rows, all of which must be pages."""
        assert all(isinstance(row, RawPage) for row in self.rows.values()), self.rows
        return {name: row for name, row in self.rows.items() if isinstance(row, RawPage)}


def open_source(
    home: Path, url: str, *, portion_bytes: int = 1_000_000, settings: Any = None, **given: Any
) -> GitSource:
    """A source on an address, with settings by field name and the repository's own as keywords."""
    repository = Repository(url=url, **given)
    key = SourceKey("default", "git", repository.name or repository.address.name)
    options = {"WIKI_PIPELINE_GIT_MAX_WAIT": 0, **(settings or {})}
    return GitSource(key, repository, GitSettings(**options), home, portion_bytes)


async def read(source: GitSource, ids: Iterable[str] | None = None) -> Sync:
    """List, fetch what was listed (or the ids given), and close."""
    keys = {ref.document_id: ref.version_key async for refs in source.list_documents() for ref in refs}
    answers = [row async for rows in source.fetch(list(keys) if ids is None else list(ids)) for row in rows]
    rows = {row.document_id: row for row in answers}
    assert len(rows) == len(answers), "an id was answered twice"
    skipped = dict(source.skipped)
    await source.aclose()
    return Sync(keys, rows, skipped)


def sync(home: Path, url: str, *, ids: Iterable[str] | None = None, **given: Any) -> Sync:
    """Open, list, fetch, close."""
    return asyncio.run(read(open_source(home, url, **given), ids))


def describe(home: Path, url: str, **given: Any) -> SourceDescription:
    """Open and describe."""
    return asyncio.run(open_source(home, url, **given).describe())
