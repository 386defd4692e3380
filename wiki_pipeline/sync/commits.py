"""What a source's commits mention, into the catalog's index: issue pages show it as "Mentioned by".

Only commits since those that were read last are looked at. They come from the clone that the source has already; of a
history of any length the newest are read.
"""

from __future__ import annotations

import logging

from wiki_pipeline.catalog.mentions import COMMIT, Mention
from wiki_pipeline.errors import SourceError
from wiki_pipeline.sources.protocol import HasCommits, Source
from wiki_pipeline.sync.session import Sync

logger = logging.getLogger(__name__)

MOST_COMMITS = 20_000  # of a source, newest first


async def read_commits(sync: Sync, source: Source) -> None:
    """Bring the index up to date with the commits of a source that has any.

    Without an answer the index stays as it is; the next sync reads on from there.

    Raises:
        CatalogError: out of reach.
    """
    if not isinstance(source, HasCommits):
        return
    index, key = sync.pipeline.catalog.mentions, sync.source
    before = index.state(key, COMMIT) or ""
    try:
        found = await source.commits(before, MOST_COMMITS)
    except SourceError as error:
        logger.warning("%s: messages of commits could not be read. %s", key, error.message)
        return
    if found.position == before:
        return
    rows = [
        Mention(key, COMMIT, commit.oid, name, commit.subject, commit.url, commit.author, commit.moment)
        for commit in found.commits
        for name in commit.names
    ]
    index.record(key, COMMIT, rows, found.position, None if found.anew else {commit.oid for commit in found.commits})
    index.keep(key, COMMIT, MOST_COMMITS)
