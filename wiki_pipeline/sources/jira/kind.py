"""Jira as a kind of source: from settings and addresses to opened sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

from wiki_pipeline.errors import ConfigurationError, SourceError
from wiki_pipeline.links.jira import ISSUE_ID, Site, issue_address, read_target
from wiki_pipeline.model import Connection, SourceKey
from wiki_pipeline.settings import SettingsGroup, load, of_settings
from wiki_pipeline.sources.http.sites import Sites, wait_for
from wiki_pipeline.sources.jira.config import SourceConfig
from wiki_pipeline.sources.jira.request import IssueRequest
from wiki_pipeline.sources.jira.settings import CONNECTION_OPTIONS, OWN_CONNECTION, JiraSettings
from wiki_pipeline.sources.jira.site import MOST_AT_ONCE, JiraSite
from wiki_pipeline.sources.jira.source import JiraSource
from wiki_pipeline.sources.jira.webhooks import JiraWebhook
from wiki_pipeline.sources.protocol import Source
from wiki_pipeline.sources.request import Request
from wiki_pipeline.sources.settings import FetchSettings
from wiki_pipeline.sources.webhook import Webhook

T = TypeVar("T")


_SITES = Sites(Site.parse, "JIRA_URL", OWN_CONNECTION)


class JiraKind:
    """See `wiki_pipeline.sources.protocol.SourceKind`."""

    name = "jira"
    settings_group: type[SettingsGroup] = JiraSettings
    addresses = "the address of a Jira project or issue below JIRA_URL or the address of a connection"
    connection_options: Mapping[str, str] = CONNECTION_OPTIONS

    def configured(self, tenant: str) -> Mapping[SourceKey, str]:
        """See `SourceKind.configured`: a source for each project of `JIRA_PROJECTS`."""
        if not of_settings(tenant):
            return {}
        settings = load(JiraSettings)
        if settings.projects and not settings.url:
            raise ConfigurationError(
                "JIRA_PROJECTS names projects, but JIRA_URL is not set.",
                "Set it to the site's address, as https://yourcompany.atlassian.net.",
            )
        return {
            SourceKey(tenant, self.name, project): SourceConfig(
                settings.url, settings.public_url, project, queries
            ).dump()
            for project, queries in settings.projects.items()
        }

    def configuration_problems(self) -> Sequence[str]:
        """See `SourceKind.configuration_problems`: entries of `JIRA_PROJECTS`."""
        return [f"JIRA_PROJECTS: {problem}." for problem in load(JiraSettings).projects.problems]

    def connections(self, tenant: str) -> Sequence[Connection]:
        """See `SourceKind.connections`: the site of `JIRA_URL`, as `jira`."""
        connection = load(JiraSettings).as_connection(tenant) if of_settings(tenant) else None
        return (connection,) if connection else ()

    def check_connection(self, connection: Connection) -> Connection:
        """See `SourceKind.check_connection`."""
        return JiraSettings.checked(connection)

    def check_config(self, config: str) -> None:
        """See `SourceKind.check_config`."""
        Site.parse(SourceConfig.parse(config).url)

    def connection_of(self, key: SourceKey, config: str, connections: Sequence[Connection]) -> Connection | None:
        """See `SourceKind.connection_of`: by the source's name, or by its site."""
        return _SITES.connection_of(key, SourceConfig.parse(config).url, connections)

    async def probe(self, connection: Connection, known: Mapping[SourceKey, str]) -> Mapping[str, str]:
        """See `SourceKind.probe`."""
        settings = JiraSettings.for_connection(connection)
        async with aclosing(JiraSite(settings, f"connection {connection.name}")) as site:
            flavour = "Cloud" if await site.is_cloud() else "Data Center"
            try:
                projects = str(await site.projects())
            except SourceError:  # a token need not list projects
                projects = "not shown to this kind of token"
            return {"who": await site.who(), "Jira": flavour, "projects": projects}

    def from_address(
        self, tenant: str, address: str, connections: Sequence[Connection] | None = None
    ) -> tuple[SourceKey, str] | None:
        """See `SourceKind.from_address`: a project's or issue's address below the site of a connection. An issue's
        makes a source of its whole project."""
        connections = self.connections(tenant) if connections is None else connections
        for connection in _SITES.own_first(connections):
            if (parts := _SITES.below(connection, address)) is None or not parts.path.strip("/"):
                continue
            try:
                target = read_target(parts)
            except ConfigurationError:
                if "/wiki/" in f"{parts.path}/":  # Confluence's, which lives on the same host
                    return None
                raise
            name = _SITES.source_name(connection, target.project)
            site = connection.options.get("site_url", "") or connection.url
            return SourceKey(tenant, self.name, name), SourceConfig(connection.url, site, target.project).dump()
        return None

    def open(self, key: SourceKey, config: str, home: Path, connection: Connection | None = None) -> Source:
        """See `SourceKind.open`. Nothing is kept in `home`."""
        desired = SourceConfig.parse(config)
        connection = connection or next(iter(self.connections(key.tenant)), None)
        connection = _SITES.opening(key, desired.url, connection)
        return JiraSource(key, desired, JiraSettings.for_connection(connection), load(FetchSettings).max_document_bytes)

    async def locate(
        self, document_ids: Sequence[str], known: Mapping[SourceKey, str], connection: Connection | None = None
    ) -> Mapping[str, Sequence[SourceKey]]:
        """See `SourceKind.locate`: by the projects that the issues are in now."""
        by_project: dict[str, list[SourceKey]] = {}
        for key, config in known.items():
            by_project.setdefault(SourceConfig.parse(config).project, []).append(key)
        ids = [id_ for id_ in document_ids if ISSUE_ID.fullmatch(id_)]
        if connection is None or not by_project or not ids:
            return {}
        found: dict[str, Sequence[SourceKey]] = {}
        async with aclosing(JiraSite(JiraSettings.for_connection(connection), "jira")) as site:
            for id_, issue_key in (await _keys_of(site, ids)).items():
                if sources := by_project.get(issue_key.rpartition("-")[0]):
                    found[id_] = sources
        return found

    def is_whole(self, config: str) -> bool:
        """See `SourceKind.is_whole`: never, since issues may be left out for who may see them."""
        return False

    def sync_interval(self) -> float | None:
        """See `SourceKind.sync_interval`."""
        return load(JiraSettings).sync_interval or None

    def syncs_at_once(self) -> int | None:
        """See `SourceKind.syncs_at_once`."""
        return load(JiraSettings).max_ingestion_tasks

    def webhooks(self) -> Sequence[Webhook]:
        """See `SourceKind.webhooks`."""
        return (JiraWebhook(load(JiraSettings)),)

    def requests(self) -> Sequence[Request]:
        """See `SourceKind.requests`."""
        return (IssueRequest(_find, self.connection_of),)

    def is_narrowed(self, config: str) -> bool:
        """See `SourceKind.is_narrowed`: by a query."""
        return bool(SourceConfig.parse(config).jql)

    def mentions(self, config: str) -> Mapping[str, str]:
        """See `SourceKind.mentions`: keys of issues."""
        desired = SourceConfig.parse(config)
        return {desired.project: issue_address(desired.site, "")}

    def datasource_id(self, key: SourceKey, config: str) -> str:
        """See `SourceKind.datasource_id`."""
        return f"{Site.parse(SourceConfig.parse(config).url).datasource_prefix}__{key.name.replace('/', '_')}"


async def _keys_of(site: JiraSite, ids: Sequence[str]) -> dict[str, str]:
    """The keys of some issues as they are now; those that can't be seen are missing."""
    keys: dict[str, str] = {}
    if await site.is_cloud():
        for start in range(0, len(ids), MOST_AT_ONCE):
            for issue in await site.bulk(ids[start : start + MOST_AT_ONCE], ["project"]):
                keys[str(issue.get("id"))] = str(issue.get("key"))
        return keys
    for id_ in ids:
        try:
            issue = await site.issue(id_, ["project"])
        except SourceError:
            continue
        keys[id_] = str(issue.get("key"))
    return keys


def _find(key: str, connection: Connection) -> tuple[str, str]:
    async def find() -> tuple[str, str]:
        async with aclosing(JiraSite(JiraSettings.for_connection(connection), "jira")) as site:
            issue = await site.issue(key, ["project"])
            return str(issue.get("id")), str(issue.get("key"))

    return wait_for(find())
