"""Adding a source: it is asked what it is first, so that a wrong address or credential is refused at once."""

from __future__ import annotations

from contextlib import aclosing

from wiki_pipeline.catalog import SourceRecord
from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import SourceDescription
from wiki_pipeline.sources import kinds
from wiki_pipeline.sources.protocol import Source
from wiki_pipeline.stages import interruptible
from wiki_pipeline.stages.pipeline import Pipeline


def add(pipeline: Pipeline, address: str) -> SourceRecord:
    """Add the source that a person means by an address. Repeatable.

    Raises:
        ConfigurationError: no kind of source knows what to do with the address.
        SourceError: it does not answer, does not exist, or may not be read. Nothing was added.
    """
    for kind in kinds().values():
        found = kind.from_address(pipeline.settings.tenant, address)
        if found is None:
            continue
        key, specification = found
        home = pipeline.home_of(key)
        home.mkdir(parents=True, exist_ok=True)
        description = interruptible.run(_describe(kind.open(key, specification, home)))
        return pipeline.catalog.add_source(key, specification, description.title, description.url)
    raise ConfigurationError(
        "This is not the address of anything that can be a source.",
        "Give the address of a space or page below CONFLUENCE_URL, or of a Git repository (https, ssh, or a folder).",
    )


async def _describe(source: Source) -> SourceDescription:
    async with aclosing(source) as opened:
        return await opened.describe()
