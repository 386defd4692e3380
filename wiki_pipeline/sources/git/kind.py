"""Git repositories as a kind of source: from settings, addresses and requests over HTTP to sources."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from wiki_pipeline.errors import ConfigurationError, SourceUnreachableError
from wiki_pipeline.links.forges import recognised, whole_repository
from wiki_pipeline.links.repository import Address
from wiki_pipeline.model import ChangeHint, Connection, SourceKey
from wiki_pipeline.settings import SettingsGroup, load, of_settings
from wiki_pipeline.sources.git.reach import check_reachable, not_remote
from wiki_pipeline.sources.git.settings import GitSettings, Repository, origin_of
from wiki_pipeline.sources.git.webhooks import PushWebhook
from wiki_pipeline.sources.protocol import Source, SourceKind
from wiki_pipeline.sources.request import Request, Requested
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
        for repository in _settings(tenant).repositories:
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
        return _settings(tenant).connections(tenant)

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
        if not self._is_meant(tenant, plain, self.connections(tenant) if connections is None else connections):
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
        repository, settings = Repository.parse(config), _settings(key.tenant).for_connection(connection)
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

    def _is_meant(self, tenant: str, address: str, connections: Sequence[Connection]) -> bool:
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
        known = {repository.address.url for repository in _settings(tenant).repositories}
        hosts = {connection.url for connection in connections}
        return recognised(parsed) is not None or parsed.url in known or f"{parsed.scheme}://{parsed.host}" in hosts


KIND: SourceKind = GitKind()


def _settings(tenant: str) -> GitSettings:
    """The settings as they hold for a tenant: repositories, hosts and tokens that they name are the default one's."""
    settings = load(GitSettings)
    if of_settings(tenant):
        return settings
    return settings.model_copy(update={"repositories": (), "token": SecretStr(""), "tokens": {}})


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
    whole = whole_repository(address)
    if whole != address.path:
        example = f"{address.scheme}://{address.host}/{whole or 'org/repo'}"
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


# --- asked for over HTTP ----------------------------------------------------------------------------------------------


Named = Callable[[str, Address, str], tuple[SourceKey, str]]


class RepositoryAsked(BaseModel):
    """A repository."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        max_length=2_000, description="Its https or ssh address.", examples=["https://github.com/org/repo"]
    )
    branch: str = Field(
        "", max_length=255, description="Branch or tag; the default branch if left out.", examples=["main"]
    )


class RepositoryRequest:
    """See `wiki_pipeline.sources.request.Request`.

    Args:
        named: the key and config of a repository, as for an address in the settings.
    """

    noun = "repository"
    summary = "Bring a Git repository over"
    details = (
        "Over https or ssh, from a server on the public internet or one that the settings name "
        "(`WIKI_PIPELINE_GIT_ALLOW_PRIVATE_ADDRESSES` allows others). Folders can't be asked for."
    )
    body: type[BaseModel] = RepositoryAsked

    def __init__(self, named: Named) -> None:
        self._named = named

    def read(
        self, tenant: str, asked: Any, known: Mapping[SourceKey, str], connections: Sequence[Connection] | None = None
    ) -> Requested:
        """See `Request.read`."""
        if "://" not in asked.url and ":" not in asked.url:
            raise not_remote()
        address = Address.parse(asked.url)
        for key, config in known.items():
            try:
                repository = Repository.parse(config)
            except ConfigurationError:  # its syncs say what is wrong with it
                continue
            if repository.address.is_same_repository(address) and asked.branch in {"", repository.branch}:
                return _requested(key, config)
        settings = _settings(tenant)
        named = {connection.url.rstrip("/") for connection in connections or ()}
        if address.is_local or f"{address.scheme}://{address.host}" not in named:
            check_reachable(address, settings)
        key, config = self._named(tenant, address, asked.branch)
        if key in known:
            raise ConfigurationError(
                f"There is another repository under the name {key.name}.",
                "Name this one in WIKI_PIPELINE_GIT_REPOSITORIES, with a name of its own.",
            )
        return _requested(key, Repository.parse(config).model_copy(update={"asked": True}).dump())


def _requested(key: SourceKey, config: str) -> Requested:
    hint = ChangeHint(key.kind, key, "", "repository asked for")
    return Requested(key, config, (hint,), f"Repository {key.name}")


# --- what a host answers ----------------------------------------------------------------------------------------------


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
