"""What a Git host answers: for each repository that is read by a connection, or, where there is none, at all."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import httpx

from wiki_pipeline.errors import SourceUnreachableError
from wiki_pipeline.model import Connection, SourceKey
from wiki_pipeline.sources.git.settings import GitSettings, Repository

_MOST_ASKED = 20
_SECONDS = 20.0


async def probe(settings: GitSettings, connection: Connection, known: Mapping[SourceKey, str]) -> Mapping[str, str]:
    """The branch and commit of up to 20 repositories; without one, only that the host answers: a token can't be tried
    without a repository.

    Raises:
        SourceError: a repository can't be read, or the host does not answer.
    """
    if not known:
        return {"answer": await _answer(connection), "token": "not tried: no repository is read by it yet"}
    found = {}
    for key, config in islice(sorted(known.items()), _MOST_ASKED):
        found[key.name] = await _describe(settings, connection, key, config)
    return found


async def _describe(settings: GitSettings, connection: Connection, key: SourceKey, config: str) -> str:
    from wiki_pipeline.sources.git.source import GitSource  # noqa: PLC0415 - GitPython looks for Git when imported

    with tempfile.TemporaryDirectory() as home:
        source = GitSource(key, Repository.parse(config), settings, Path(home), 1_000_000, connection.name)
        try:
            details = (await source.describe()).details
        finally:
            await source.aclose()
    return ", ".join(f"{what} {fact}" for what, fact in details if what != "address")


async def _answer(connection: Connection) -> str:
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as http, asyncio.timeout(_SECONDS):
            return f"HTTP {(await http.get(connection.url)).status_code}"
    except (httpx.HTTPError, TimeoutError) as error:
        raise SourceUnreachableError(
            f"connection {connection.name}: {connection.url} does not answer ({error or 'no answer in time'}).",
            "Check the address, the network and the proxy settings.",
        ) from None
