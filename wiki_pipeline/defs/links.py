"""Links from Dagster's pages: to the wiki and to where a source is edited."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from wiki_pipeline.links.settings import WikiAddressSettings
from wiki_pipeline.links.wiki_addresses import source_address
from wiki_pipeline.model import SourceKey
from wiki_pipeline.running import running
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline


def links(opened: Pipeline, source: SourceKey) -> dict[str, dg.MetadataValue[str | None]]:
    """Metadata: the source in the wiki, and upstream where that has an address.

    Raises:
        CatalogError: the catalog can't be read.
    """
    record = opened.catalog.source(source)
    upstream = record.url if record and record.url.startswith(("http:", "https:")) else ""
    return {
        "wiki": dg.MetadataValue.url(f"{_gateway()}{source_address(source)}"),
        **({"source": dg.MetadataValue.url(upstream)} if upstream else {}),
    }


def source_links(opened: Pipeline) -> Iterator[tuple[SourceKey, str]]:
    """Each source of the tenant with its address in the wiki."""
    gateway = _gateway()
    for record in opened.catalog.sources(opened.settings.tenant):
        yield record.key, f"{gateway}{source_address(record.key)}"


def _gateway() -> str:
    """Where `wiki-pipeline up` has the gateway now, or where the settings say."""
    settings = load(WikiAddressSettings)
    if served := running(settings.home):
        return served.gateway
    host = settings.gateway_host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.gateway_port}"
