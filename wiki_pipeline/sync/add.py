"""Adding a source: it is asked what it is first, so that a wrong address or credential is refused at once."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum

from wiki_pipeline.catalog import SourceRecord
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceDescription, SourceKey
from wiki_pipeline.running import adopt
from wiki_pipeline.sources import kinds
from wiki_pipeline.sources.protocol import Source, SourceKind
from wiki_pipeline.sync import signals
from wiki_pipeline.sync.pipeline import Pipeline


class News(StrEnum):
    """What adding a source changed."""

    ADDED = "added"
    CHANGED = "changed"
    KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Addition:
    """A source that is in the catalog now."""

    record: SourceRecord
    news: News


def add(pipeline: Pipeline, address: str) -> Addition:
    """Add the source that a person means by an address. Repeatable.

    Raises:
        ConfigurationError: no kind of source knows what to do with the address.
        SourceError: it does not answer, does not exist, or may not be read. Nothing was added.
    """
    for kind in kinds().values():
        found = kind.from_address(pipeline.settings.tenant, address)
        if found is None:
            continue
        return add_specified(pipeline, kind, *found)
    possible = "; ".join(kind.addresses for kind in kinds().values())
    raise ConfigurationError("This is not the address of anything that can be a source.", f"Possible are {possible}.")


def add_specified(pipeline: Pipeline, kind: SourceKind, key: SourceKey, config: str) -> Addition:
    """Add a source by its config, or change it; errors as `add`."""
    before = pipeline.catalog.source(key)
    home = pipeline.home_of(key)
    home.mkdir(parents=True, exist_ok=True)
    description = signals.run_interruptibly(_describe(kind.open(key, config, home)))
    record = pipeline.catalog.add_source(key, config, description.title, description.url)
    adopt(pipeline.settings.home, str(key))
    if before is None:
        return Addition(record, News.ADDED)
    return Addition(record, News.KNOWN if before.config == config else News.CHANGED)


async def _describe(source: Source) -> SourceDescription:
    async with aclosing(source) as opened:
        return await opened.describe()
