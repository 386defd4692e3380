"""A repository, asked for by its address: one that is on a server, and on one that strangers may name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.repository import Address
from wiki_pipeline.model import ChangeHint, Connection, SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.git.reach import check_reachable, not_remote
from wiki_pipeline.sources.git.settings import GitSettings, Repository
from wiki_pipeline.sources.request import Requested

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
        settings = load(GitSettings)
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
