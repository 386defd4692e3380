"""Where a request comes from: the socket's other end, or what a proxy that is trusted says of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from wiki_pipeline.serving.asgi import Scope, header_values

_MOST_FORWARDED = 2_000  # characters
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Clients:
    """Finds the client of a request.

    Args:
        proxies: addresses or networks whose X-Forwarded-For is believed.
    """

    def __init__(self, proxies: Sequence[str]) -> None:
        self._proxies: list[_Network] = [ipaddress.ip_network(text, strict=False) for text in proxies]

    def address(self, scope: Scope) -> str:
        """The client's address; empty on a Unix socket. Of a chain of proxies the last that is none of ours counts:
        what stands before it may be made up."""
        client = scope.get("client")
        address = str(client[0]) if client else ""
        if not self._proxies or not self._is_proxy(address):
            return _plain(address)
        for given in reversed(header_values(scope).get("x-forwarded-for", "")[-_MOST_FORWARDED:].split(",")):
            hop = _plain(given.strip())
            if not _is_address(hop):
                return address
            address = hop
            if not self._is_proxy(hop):
                return address
        return address

    def _is_proxy(self, address: str) -> bool:
        if not _is_address(address):
            return False
        parsed = ipaddress.ip_address(_plain(address))
        return any(parsed in network for network in self._proxies)


def _plain(text: str) -> str:
    """An address without its zone; one of IPv4 that is written as one of IPv6 as what it is."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
