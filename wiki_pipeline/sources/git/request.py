"""A repository, asked for by its address: one that is on a server, and on one that strangers may name."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import Hint, SourceKey
from wiki_pipeline.settings import load
from wiki_pipeline.sources.git.address import Address
from wiki_pipeline.sources.git.settings import GitSettings, Repository
from wiki_pipeline.sources.request import Requested

Named = Callable[[str, Address, str], tuple[SourceKey, str]]

_SCHEMES = {"https", "ssh"}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


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
        named: the key and specification of a repository, as for an address in the settings.
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

    def read(self, tenant: str, asked: Any, known: Mapping[SourceKey, str]) -> Requested:
        """See `Request.read`."""
        if "://" not in asked.url and ":" not in asked.url:
            raise _not_remote()
        address = Address.parse(asked.url)
        for key, specification in known.items():
            repository = Repository.parse(specification)
            if repository.address.is_same_repository(address) and asked.branch in {"", repository.branch}:
                return _requested(key, specification)
        settings = load(GitSettings)
        _check_reachable(address, settings)
        key, specification = self._named(tenant, address, asked.branch)
        if key in known:
            raise ConfigurationError(
                f"There is another repository under the name {key.name}.",
                "Name this one in WIKI_PIPELINE_GIT_REPOSITORIES, with a name of its own.",
            )
        return _requested(key, specification)


def _requested(key: SourceKey, specification: str) -> Requested:
    hint = Hint(key.kind, key, "", "repository asked for")
    return Requested(key, specification, (hint,), f"Repository {key.name}")


def _not_remote() -> ConfigurationError:
    return ConfigurationError(
        "Only repositories on a server can be asked for over HTTP.",
        "Give an https or ssh address; add folders with `wiki-pipeline sources add PATH`.",
    )


def _check_reachable(address: Address, settings: GitSettings) -> None:
    """See that an address leads where strangers may send us: no folder, no clear text, no private network."""
    if address.is_local:
        raise _not_remote()
    named = {repository.address.hostname for repository in settings.repositories}
    named |= {origin.partition("://")[2].partition(":")[0] for origin in settings.tokens}
    if address.hostname in named or settings.allow_private_addresses:
        return
    if address.scheme not in _SCHEMES:
        raise ConfigurationError("Repositories can't be asked for over http.", "Give the https or ssh address.")
    try:
        found = socket.getaddrinfo(address.hostname.strip("[]"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ConfigurationError(f"There is no host {address.hostname}.", "Is the address right?") from None
    if not all(_is_public(str(where[4][0])) for where in found):
        raise ConfigurationError(
            f"{address.hostname} is on a private network, where nobody may send us over HTTP.",
            "Name the repository in WIKI_PIPELINE_GIT_REPOSITORIES, or its host in WIKI_PIPELINE_GIT_TOKENS; "
            "WIKI_PIPELINE_GIT_ALLOW_PRIVATE_ADDRESSES=true allows all.",
        )


def _is_public(text: str) -> bool:
    found = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if inner is not None:
            found = inner
        elif found in _NAT64:
            found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return found.is_global and not found.is_multicast
