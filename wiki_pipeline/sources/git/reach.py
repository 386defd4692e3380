"""Where strangers may send us: the public internet, and servers that the settings name."""

from __future__ import annotations

import ipaddress
import socket

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.repository import Address
from wiki_pipeline.sources.git.settings import GitSettings

_SCHEMES = {"https", "ssh"}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def not_remote() -> ConfigurationError:
    """That an address is a folder's."""
    return ConfigurationError(
        "Only repositories on a server can be asked for over HTTP.",
        "Give an https or ssh address; add folders with `wiki-pipeline sources add PATH`.",
    )


def check_reachable(address: Address, settings: GitSettings) -> None:
    """See that an address leads where strangers may send us: no folder, no clear text, no private network.

    Asks the name's servers, whose answers change: to be called before each use, not only when it is configured.

    Raises:
        ConfigurationError: it does not.
    """
    if address.is_local:
        raise not_remote()
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
            f"{address.hostname} is on a private network, which requests over HTTP may not name.",
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
