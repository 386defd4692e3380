"""Confluence as a kind of source: from settings and addresses to opened sources."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.confluence import Site, read_target
from wiki_pipeline.model import SourceKey
from wiki_pipeline.settings import SettingsGroup, load
from wiki_pipeline.sources.confluence.config import PageScope, SourceConfig
from wiki_pipeline.sources.confluence.locating import spaces_of
from wiki_pipeline.sources.confluence.request import PageRequest
from wiki_pipeline.sources.confluence.resolve import find_page
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings
from wiki_pipeline.sources.confluence.source import ConfluenceSource
from wiki_pipeline.sources.confluence.webhooks import ConfluenceWebhook
from wiki_pipeline.sources.protocol import Source
from wiki_pipeline.sources.request import Request
from wiki_pipeline.sources.settings import FetchSettings
from wiki_pipeline.sources.webhook import Webhook

T = TypeVar("T")


class ConfluenceKind:
    """See `wiki_pipeline.sources.protocol.SourceKind`."""

    name = "confluence"
    settings_group: type[SettingsGroup] = ConfluenceSettings
    addresses = "the address of a Confluence space or page below CONFLUENCE_URL"

    def configured(self, tenant: str) -> Mapping[SourceKey, str]:
        """See `SourceKind.configured`: a source for each space of `CONFLUENCE_SPACES`."""
        settings = load(ConfluenceSettings)
        if settings.spaces and not settings.url:
            raise ConfigurationError(
                "CONFLUENCE_SPACES names spaces, but CONFLUENCE_URL is not set.",
                "Set it to the site's address, as https://yourcompany.atlassian.net/wiki.",
            )
        return {
            SourceKey(tenant, self.name, space): SourceConfig(settings.url, space, pages).dump()
            for space, pages in settings.spaces.items()
        }

    def from_address(self, tenant: str, address: str) -> tuple[SourceKey, str] | None:
        """See `SourceKind.from_address`: a space's or page's address below the configured site.

        A page's address makes a source of that one page. Addresses that don't name the space or the page's id are
        looked up, which waits for the site.

        Raises:
            ConfigurationError: an address of Cloud, but not of the configured site; or neither a space's nor a page's.
            SourceError: the look-up failed.
        """
        settings = load(ConfluenceSettings)
        parts = _below(settings, address)
        if parts is None:
            if _is_cloud(address):
                raise ConfigurationError(
                    "This address belongs to another Confluence than the one configured.",
                    f"CONFLUENCE_URL is {settings.url or 'not set'}.",
                )
            return None
        target = read_target(parts)
        if target.title or not target.space:
            target = _wait_for(find_page(settings, target))
        pages = (PageScope(target.page_id),) if target.page_id else ()
        return SourceKey(tenant, self.name, target.space), SourceConfig(settings.url, target.space, pages).dump()

    def open(self, key: SourceKey, config: str, home: Path) -> Source:
        """See `SourceKind.open`. Nothing is kept in `home`."""
        settings = load(ConfluenceSettings)
        desired = SourceConfig.parse(config)
        if not settings.url:
            raise ConfigurationError(
                f"{key}: CONFLUENCE_URL is not set.", f"It was {desired.url} when the source was added."
            )
        if Site.parse(desired.url) != Site.parse(settings.url):
            # The credentials are meant for the configured site alone.
            raise ConfigurationError(
                f"{key} belongs to {desired.url}, but CONFLUENCE_URL is {settings.url}.",
                "Set CONFLUENCE_URL back, or remove the source and add it again.",
            )
        return ConfluenceSource(key, desired, settings, load(FetchSettings).max_document_bytes)

    async def locate(
        self, document_ids: Sequence[str], known: Mapping[SourceKey, str]
    ) -> Mapping[str, Sequence[SourceKey]]:
        """See `SourceKind.locate`: by the spaces that the pages are in now."""
        settings = load(ConfluenceSettings)
        by_space: dict[str, list[SourceKey]] = {}
        for key, config in known.items():
            by_space.setdefault(SourceConfig.parse(config).space.lower(), []).append(key)
        spaces = await spaces_of(settings, document_ids) if settings.url and by_space else {}
        return {id_: by_space[space.lower()] for id_, space in spaces.items() if space.lower() in by_space}

    def is_whole(self, config: str) -> bool:
        """See `SourceKind.is_whole`: a space without a list of pages."""
        return not SourceConfig.parse(config).pages

    def webhooks(self) -> Sequence[Webhook]:
        """See `SourceKind.webhooks`."""
        return (ConfluenceWebhook(load(ConfluenceSettings)),)

    def requests(self) -> Sequence[Request]:
        """See `SourceKind.requests`."""
        return (PageRequest(self.from_address, self.configured),)

    def datasource_id(self, key: SourceKey, config: str) -> str:
        """See `SourceKind.datasource_id`."""
        return f"{Site.parse(SourceConfig.parse(config).url).datasource_prefix}__{key.name}"


def _below(settings: ConfluenceSettings, address: str) -> SplitResult | None:
    """The address from the site's root on, if it is the configured site's."""
    for root in (settings.url, settings.site_url):
        if root and (parts := Site.parse(root).below(address)) is not None:
            return parts
    return None


def _is_cloud(address: str) -> bool:
    try:
        return (urlsplit(address.strip()).hostname or "").lower().endswith(".atlassian.net")
    except ValueError:
        return False


def _wait_for(look_up: Coroutine[Any, Any, T]) -> T:
    """The result of a look-up, for callers inside and outside of an event loop alike."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, look_up).result()
