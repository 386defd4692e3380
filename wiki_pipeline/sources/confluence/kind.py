"""Confluence as a kind of source: from settings, addresses and requests over HTTP to opened sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.confluence import Site, read_target
from wiki_pipeline.model import DEFAULT_CONNECTION, ChangeHint, Connection, SourceKey
from wiki_pipeline.settings import SettingsGroup, load, of_settings
from wiki_pipeline.sources.confluence.config import PageScope, SourceConfig, source_name
from wiki_pipeline.sources.confluence.settings import CONNECTION_OPTIONS, ConfluenceSettings
from wiki_pipeline.sources.confluence.site_lookups import find_page, probe, spaces_of
from wiki_pipeline.sources.confluence.source import ConfluenceSource
from wiki_pipeline.sources.confluence.webhooks import ConfluenceWebhook
from wiki_pipeline.sources.http.sites import Sites, wait_for
from wiki_pipeline.sources.protocol import Source
from wiki_pipeline.sources.request import Request, Requested
from wiki_pipeline.sources.settings import FetchSettings
from wiki_pipeline.sources.webhook import Webhook

T = TypeVar("T")


_SITES = Sites(Site.parse, "CONFLUENCE_URL", DEFAULT_CONNECTION)


class ConfluenceKind:
    """See `wiki_pipeline.sources.protocol.SourceKind`."""

    name = "confluence"
    settings_group: type[SettingsGroup] = ConfluenceSettings
    addresses = "the address of a Confluence space or page below CONFLUENCE_URL or the address of a connection"
    connection_options: Mapping[str, str] = CONNECTION_OPTIONS

    def configured(self, tenant: str) -> Mapping[SourceKey, str]:
        """See `SourceKind.configured`: a source for each space of `CONFLUENCE_SPACES`."""
        if not of_settings(tenant):
            return {}
        settings = load(ConfluenceSettings)
        if settings.spaces and not settings.url:
            raise ConfigurationError(
                "CONFLUENCE_SPACES names spaces, but CONFLUENCE_URL is not set.",
                "Set it to the site's address, as https://yourcompany.atlassian.net/wiki.",
            )
        return {
            SourceKey(tenant, self.name, source_name(space)): SourceConfig(settings.url, space, pages).dump()
            for space, pages in settings.spaces.items()
        }

    def configuration_problems(self) -> Sequence[str]:
        """See `SourceKind.configuration_problems`: entries of `CONFLUENCE_SPACES`."""
        return [f"CONFLUENCE_SPACES: {problem}." for problem in load(ConfluenceSettings).spaces.problems]

    def connections(self, tenant: str) -> Sequence[Connection]:
        """See `SourceKind.connections`: the site of `CONFLUENCE_URL`, as `default`."""
        connection = load(ConfluenceSettings).as_connection(tenant) if of_settings(tenant) else None
        return (connection,) if connection else ()

    def check_connection(self, connection: Connection) -> Connection:
        """See `SourceKind.check_connection`."""
        return ConfluenceSettings.checked(connection)

    def check_config(self, config: str) -> None:
        """See `SourceKind.check_config`."""
        Site.parse(SourceConfig.parse(config).url)

    def connection_of(self, key: SourceKey, config: str, connections: Sequence[Connection]) -> Connection | None:
        """See `SourceKind.connection_of`: by the source's name, or by its site."""
        return _SITES.connection_of(key, SourceConfig.parse(config).url, connections)

    async def probe(self, connection: Connection, known: Mapping[SourceKey, str]) -> Mapping[str, str]:
        """See `SourceKind.probe`."""
        return await probe(ConfluenceSettings.for_connection(connection), connection.name)

    def from_address(
        self, tenant: str, address: str, connections: Sequence[Connection] | None = None
    ) -> tuple[SourceKey, str] | None:
        """See `SourceKind.from_address`: a space's or page's address below the site of a connection.

        A page's address makes a source of that one page. Addresses that don't name the space or the page's id are
        looked up, which waits for the site. Sources of other connections than the default one have its name in theirs:
        a space's key may be that of another space on another site.

        Raises:
            ConfigurationError: an address of Cloud, but of no connection's site; or neither a space's nor a page's.
            SourceError: the look-up failed.
        """
        connections = self.connections(tenant) if connections is None else connections
        for connection in _SITES.own_first(connections):
            if (parts := _SITES.below(connection, address)) is None:
                continue
            target = read_target(parts)
            if target.title or not target.space:
                target = wait_for(find_page(ConfluenceSettings.for_connection(connection), target))
            pages = (PageScope(target.page_id),) if target.page_id else ()
            space = source_name(target.space)
            name = _SITES.source_name(connection, space)
            return SourceKey(tenant, self.name, name), SourceConfig(connection.url, target.space, pages).dump()
        if _is_cloud(address):
            sites = ", ".join(connection.url for connection in connections)
            raise ConfigurationError(
                "This address belongs to another Confluence than the one configured.",
                f"CONFLUENCE_URL is {sites or 'not set'}; add more sites with `wiki-pipeline connections add`."
                if len(connections) < 2
                else f"There are connections to {sites}.",
            )
        return None

    def open(self, key: SourceKey, config: str, home: Path, connection: Connection | None = None) -> Source:
        """See `SourceKind.open`. Nothing is kept in `home`. Without a connection it is that of the settings."""
        desired = SourceConfig.parse(config)
        connection = connection or next(iter(self.connections(key.tenant)), None)
        connection = _SITES.opening(key, desired.url, connection)
        settings = ConfluenceSettings.for_connection(connection)
        return ConfluenceSource(key, desired, settings, load(FetchSettings).max_document_bytes)

    async def locate(
        self, document_ids: Sequence[str], known: Mapping[SourceKey, str], connection: Connection | None = None
    ) -> Mapping[str, Sequence[SourceKey]]:
        """See `SourceKind.locate`: by the spaces that the pages are in now."""
        by_space: dict[str, list[SourceKey]] = {}
        for key, config in known.items():
            by_space.setdefault(SourceConfig.parse(config).space.lower(), []).append(key)
        if connection is None or not by_space:
            return {}
        spaces = await spaces_of(ConfluenceSettings.for_connection(connection), document_ids)
        return {id_: by_space[space.lower()] for id_, space in spaces.items() if space.lower() in by_space}

    def is_whole(self, config: str) -> bool:
        """See `SourceKind.is_whole`: a space without a list of pages."""
        return not SourceConfig.parse(config).pages

    def sync_interval(self) -> float | None:
        """See `SourceKind.sync_interval`: `CONFLUENCE_SYNC_INTERVAL`."""
        return load(ConfluenceSettings).sync_interval or None

    def syncs_at_once(self) -> int | None:
        """See `SourceKind.syncs_at_once`: `CONFLUENCE_MAX_INGESTION_TASKS`."""
        return load(ConfluenceSettings).max_ingestion_tasks

    def webhooks(self) -> Sequence[Webhook]:
        """See `SourceKind.webhooks`."""
        return (ConfluenceWebhook(load(ConfluenceSettings)),)

    def requests(self) -> Sequence[Request]:
        """See `SourceKind.requests`."""
        return (PageRequest(self),)

    def is_narrowed(self, config: str) -> bool:
        """See `SourceKind.is_narrowed`."""
        return bool(SourceConfig.parse(config).pages)

    def mentions(self, config: str) -> Mapping[str, str]:
        """See `SourceKind.mentions`."""
        return {}

    def datasource_id(self, key: SourceKey, config: str) -> str:
        """See `SourceKind.datasource_id`."""
        return f"{Site.parse(SourceConfig.parse(config).url).datasource_prefix}__{key.name.replace('/', '_')}"


def _is_cloud(address: str) -> bool:
    try:
        return (urlsplit(address.strip()).hostname or "").lower().endswith(".atlassian.net")
    except ValueError:
        return False


# --- asked for over HTTP ----------------------------------------------------------------------------------------------


class Kind(Protocol):
    """What is needed of the kind of source."""

    def from_address(
        self, tenant: str, address: str, connections: Sequence[Connection] | None = None
    ) -> tuple[SourceKey, str] | None:
        """See `SourceKind.from_address`."""

    def configured(self, tenant: str) -> Mapping[SourceKey, str]:
        """See `SourceKind.configured`."""


class PageAsked(BaseModel):
    """A page."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        max_length=2_000,
        description="The page's address, as the browser shows it.",
        examples=["https://yourcompany.atlassian.net/wiki/spaces/ENG/pages/98487/On-call+guide"],
    )
    description: str = Field("", max_length=500, description="What it is for; shown with the job.")
    get_child_pages: bool = Field(False, description="Also all pages below it.")


class PageRequest:
    """See `wiki_pipeline.sources.request.Request`."""

    noun = "page"
    summary = "Bring a Confluence page over"
    details = (
        "The address must be of the configured Confluence. If the page's space is not a source yet it becomes one, of "
        "this page alone (and of those below it, if asked for); otherwise the page is added to what the source holds."
    )
    body: type[BaseModel] = PageAsked

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def read(
        self, tenant: str, asked: Any, known: Mapping[SourceKey, str], connections: Sequence[Connection] | None = None
    ) -> Requested:
        """See `Request.read`."""
        found = self._kind.from_address(tenant, asked.url, connections)
        if found is None:
            raise ConfigurationError(
                "This address does not belong to the configured Confluence.",
                "Copy the page's address from the browser; CONFLUENCE_URL says which site it must be of.",
            )
        key, desired = found[0], SourceConfig.parse(found[1])
        if not desired.pages:
            raise ConfigurationError(
                "This is the address of a space, not of a page.", "Add spaces with `wiki-pipeline sources add ADDRESS`."
            )
        page = PageScope(desired.pages[0].page_id, asked.get_child_pages)
        # Confluence takes keys of spaces in any case.
        key = next((other for other in known if other.name.lower() == key.name.lower()), key)
        before = SourceConfig.parse(known[key]) if key in known else None
        after = _with(before, page) if before else replace(desired, pages=(page,))
        if after != before and key in self._kind.configured(tenant):
            raise ConfigurationError(
                f"{key} is named by the settings, without this page.",
                "Add it to CONFLUENCE_SPACES; what is only in the catalog would be gone with the next start.",
            )
        narrow = after == before and not page.get_child_pages
        hint = ChangeHint(key.kind, key, page.page_id if narrow else "", "page asked for")
        return Requested(key, after.dump(), (hint,), asked.description or f"Page {page.page_id} of {key.name}")


def _with(before: SourceConfig, page: PageScope) -> SourceConfig:
    """The config with one more page in it; as it is where the page is in it."""
    if not before.pages:
        return before
    others = tuple(other for other in before.pages if other.page_id != page.page_id)
    same = next((other for other in before.pages if other.page_id == page.page_id), None)
    if same and (same.get_child_pages or not page.get_child_pages):
        return before
    return replace(before, pages=(*others, page))
