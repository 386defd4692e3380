"""Git repositories as a kind of source: from settings and addresses to sources."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.forges import recognised
from wiki_pipeline.links.repository import Address
from wiki_pipeline.model import Connection, SourceKey
from wiki_pipeline.settings import SettingsGroup, load
from wiki_pipeline.sources.git.probing import probe
from wiki_pipeline.sources.git.request import RepositoryRequest
from wiki_pipeline.sources.git.settings import GitSettings, Repository, origin_of
from wiki_pipeline.sources.git.webhooks import PushWebhook
from wiki_pipeline.sources.protocol import Source, SourceKind
from wiki_pipeline.sources.request import Request
from wiki_pipeline.sources.settings import FetchSettings
from wiki_pipeline.sources.webhook import Webhook

_LOOKS_LIKE_SSH = re.compile(r"ssh://|[^@/:\s]+@[^@/:\s]+:(?!//)")


class GitKind:
    """See `SourceKind`."""

    name = "git"
    settings_group: type[SettingsGroup] = GitSettings
    addresses = (
        "the address of a Git repository (https, with .git at its end where the host is not a known forge; or ssh), "
        "or a folder that is one"
    )
    connection_options: Mapping[str, str] = {"username": "Goes with the token; by default what the host's kind wants."}

    def configured(self, tenant: str) -> Mapping[SourceKey, str]:
        """The repositories of WIKI_PIPELINE_GIT_REPOSITORIES."""
        sources: dict[SourceKey, Repository] = {}
        for repository in load(GitSettings).repositories:
            key = _key(tenant, repository)
            if key in sources:
                first, second = sources[key].address.display, repository.address.display
                raise ConfigurationError(
                    f"WIKI_PIPELINE_GIT_REPOSITORIES: {first} and {second} would both be the source {key}.",
                    'Give one of them a name of its own, as {"url": ..., "name": "handbook-next"}.',
                )
            sources[key] = repository
        return {key: repository.dump() for key, repository in sources.items()}

    def configuration_problems(self) -> Sequence[str]:
        """See `SourceKind.configuration_problems`."""
        return ()

    def connections(self, tenant: str) -> Sequence[Connection]:
        """See `SourceKind.connections`: the hosts of WIKI_PIPELINE_GIT_TOKENS, and that of WIKI_PIPELINE_GIT_TOKEN."""
        return load(GitSettings).connections(tenant)

    def check_connection(self, connection: Connection) -> Connection:
        """See `SourceKind.check_connection`: its address is a host's."""
        if unknown := sorted(connection.options.keys() - self.connection_options):
            raise ConfigurationError(f"A Git connection has no option {unknown[0]}.", "There is username.")
        try:
            return replace(connection, url=origin_of(connection.url))
        except ValueError:
            raise ConfigurationError(
                f"The connection {connection.name} is not to a Git host.",
                "Give the host alone, as https://gitlab.company.com.",
            ) from None

    def check_config(self, config: str) -> None:
        """See `SourceKind.check_config`."""
        Repository.parse(config)

    def connection_of(self, key: SourceKey, config: str, connections: Sequence[Connection]) -> Connection | None:
        """See `SourceKind.connection_of`: that of the repository's host."""
        address = Repository.parse(config).address
        return next((each for each in connections if each.url == f"{address.scheme}://{address.host}"), None)

    async def probe(self, connection: Connection, known: Mapping[SourceKey, str]) -> Mapping[str, str]:
        """See `SourceKind.probe`: hosts have no API in common, so the repositories of the connection are asked for."""
        return await probe(load(GitSettings).for_connection(connection), connection, known)

    def from_address(
        self, tenant: str, address: str, connections: Sequence[Connection] | None = None
    ) -> tuple[SourceKey, str] | None:
        """The repository at an address or path; `#branch` after it names a branch or tag, and then the source too.

        An https address is taken for a repository's if it ends in `.git`, if a forge is known by its host, or if the
        settings name it or a connection its host; a path, if a repository is there.
        """
        plain, _, branch = address.strip().partition("#")
        if not self._is_meant(plain, self.connections(tenant) if connections is None else connections):
            return None
        parsed = Address.parse(plain)
        for key, config in self.configured(tenant).items():
            known = Repository.parse(config)
            if known.address.is_same_repository(parsed) and branch in {"", known.branch}:
                return key, config
        return _named(tenant, parsed, branch)

    def open(self, key: SourceKey, config: str, home: Path, connection: Connection | None = None) -> Source:
        """See `SourceKind.open`."""
        try:
            from wiki_pipeline.sources.git.source import GitSource  # noqa: PLC0415 - GitPython looks for Git when imported
        except ImportError as error:
            raise ConfigurationError(
                "Git can't be run: it is not installed, or not in PATH.", "Install Git 2.32 or newer."
            ) from error
        repository, settings = Repository.parse(config), load(GitSettings).for_connection(connection)
        return GitSource(key, repository, settings, home, load(FetchSettings).batch_bytes, _name_of(connection))

    async def locate(
        self, document_ids: Sequence[str], known: Mapping[SourceKey, str], connection: Connection | None = None
    ) -> Mapping[str, Sequence[SourceKey]]:
        """See `SourceKind.locate`: a path means a file in one repository only."""
        return {}

    def is_whole(self, config: str) -> bool:
        """See `SourceKind.is_whole`: never, rules leave files out."""
        return False

    def sync_interval(self) -> float | None:
        """See `SourceKind.sync_interval`."""
        return None

    def syncs_at_once(self) -> int | None:
        """See `SourceKind.syncs_at_once`."""
        return None

    def webhooks(self) -> Sequence[Webhook]:
        """See `SourceKind.webhooks`."""
        return (PushWebhook(load(GitSettings)),)

    def requests(self) -> Sequence[Request]:
        """See `SourceKind.requests`."""
        return (RepositoryRequest(_named),)

    def is_narrowed(self, config: str) -> bool:
        """See `SourceKind.is_narrowed`: never."""
        return False

    def mentions(self, config: str) -> Mapping[str, str]:
        """See `SourceKind.mentions`."""
        return {}

    def datasource_id(self, key: SourceKey, config: str) -> str:
        """As `src_git___github_com__org_repo`; for a local repository `src_git___local__name`."""
        host = Repository.parse(config).address.host or "local"
        return f"src_git___{_word(host)}__{_word(key.name)}"

    def _is_meant(self, address: str, connections: Sequence[Connection]) -> bool:
        if address.startswith(("file://", "git://")) or _LOOKS_LIKE_SSH.match(address):
            return True
        if not address.startswith(("https://", "http://")):
            return "://" not in address and _is_folder_of_repository(address)
        if address.rstrip("/").endswith(".git"):
            return True
        try:
            parsed = Address.parse(address)
        except ConfigurationError:
            return False
        known = {repository.address.url for repository in load(GitSettings).repositories}
        hosts = {connection.url for connection in connections}
        return recognised(parsed) is not None or parsed.url in known or f"{parsed.scheme}://{parsed.host}" in hosts


KIND: SourceKind = GitKind()


def _name_of(connection: Connection | None) -> str:
    return connection.name if connection else ""


def _key(tenant: str, repository: Repository) -> SourceKey:
    return SourceKey(tenant, GitKind.name, repository.name or repository.address.name)


def _named(tenant: str, address: Address, branch: str) -> tuple[SourceKey, str]:
    """The source that a repository becomes which the settings don't name."""
    _check_whole(address)
    name = f"{address.name}@{branch}".replace(",", "-") if branch else ""
    try:
        repository = Repository(url=address.url, branch=branch, name=name)
    except ValueError:
        raise ConfigurationError(f"{branch!r} is not the name of a branch or tag.") from None
    return _key(tenant, repository), repository.dump()


def _check_whole(address: Address) -> None:
    """See that an address copied from a browser is a repository's own, not that of a page in it."""
    forge = None if address.is_local else recognised(address)
    parts = address.path.partition("/-/")[0].split("/")
    depth = forge.depth if forge and forge.depth else len(parts)
    whole = "/".join(parts[:depth])
    if forge and (len(parts) < depth or whole != address.path):
        example = f"{address.scheme}://{address.host}/{whole if len(parts) >= depth else 'org/repo'}"
        raise ConfigurationError(
            f"{address.display} is not a repository of its own.",
            f"Give the repository's address, as {example}, and a branch as {example}#branch.",
        )


def _is_folder_of_repository(address: str) -> bool:
    """Whether a repository is at this path.

    Raises:
        ConfigurationError: it can only be meant as a path, but is not a repository's.
    """
    path = Path(address).expanduser()
    if _is_repository(path):
        return True
    if path.exists():
        what = "a folder, but not a Git repository" if path.is_dir() else "a file, not a Git repository"
        raise ConfigurationError(f"{path} is {what}.", "Give the folder that holds .git, or make one: git init.")
    if address.startswith((".", "/", "~")):
        raise ConfigurationError(f"There is no folder {path}.", "Check the path.")
    return False


def _is_repository(path: Path) -> bool:
    return (path / ".git").exists() or all((path / part).exists() for part in ("HEAD", "objects", "refs"))


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "_", text)
