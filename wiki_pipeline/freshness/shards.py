"""Sources in shards: the same source always in the same, about as many in each."""

from __future__ import annotations

from wiki_pipeline.model import SourceKey, digest


def shard_of(source: SourceKey, shards: int) -> int:
    """The number of a source's shard, from 0, by a hash of its key."""
    return int(digest(str(source))[:12], 16) % shards
