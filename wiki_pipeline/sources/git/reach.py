"""Where strangers may send us: the public internet, and servers that the settings name."""

from __future__ import annotations

import csv
import ipaddress
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.repository import Address
from wiki_pipeline.sources.git.settings import GitSettings

_PORTS = {"https": 443, "ssh": 22}


def not_remote() -> ConfigurationError:
    """That an address is a folder's."""
    return ConfigurationError(
        "Only repositories on a server can be asked for over HTTP.",
        "Give an https or ssh address; add folders with `wiki-pipeline sources add PATH`.",
    )


@dataclass(frozen=True, slots=True)
class Pin:
    """The addresses that a host's name was checked to lead to. Git connects to them and asks for the name no more: what
    its servers answer may be another thing a moment later.

    Attributes:
        host: the name, without a port.
        addresses: IP addresses, as the system prefers them.
    """

    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]

    def configuration(self) -> list[tuple[str, str]]:
        """Git configuration that has curl connect to these addresses alone."""
        if self.scheme != "https":
            return []
        addresses = ",".join(f"[{one}]" if ":" in one else one for one in self.addresses)
        return [("http.curloptResolve", f"{self.host}:{self.port}:{addresses}")]

    def ssh_options(self) -> str:
        """Options that have ssh connect to the first of them, and look for the key of the name all the same."""
        if self.scheme != "ssh":
            return ""
        # As ssh itself writes hosts into known_hosts.
        alias = self.host if self.port == _PORTS["ssh"] else f"[{self.host}]:{self.port}"
        return f"-o HostName={self.addresses[0]} -o 'HostKeyAlias={alias}' -o CheckHostIP=no"


def check_reachable(address: Address, settings: GitSettings) -> Pin | None:
    """See that an address leads where strangers may send us: no folder, no clear text, no private network. A host that
    the settings name opens its own scheme and port.

    Asks the name's servers, whose answers change: to be called before each use, not only when it is configured.

    Returns:
        Where to connect to; None: wherever the name leads, as the operator decided.

    Raises:
        ConfigurationError: it does not.
    """
    if address.is_local:
        raise not_remote()
    named = {_origin(repository.address) for repository in settings.repositories} | settings.tokens.keys()
    if _origin(address) in named or settings.allow_private_addresses:
        return None
    if address.scheme not in _PORTS:
        raise ConfigurationError("Repositories can't be asked for over http.", "Give the https or ssh address.")
    host = address.hostname.strip("[]")
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ConfigurationError(f"There is no host {address.hostname}.", "Is the address right?") from None
    addresses = tuple(dict.fromkeys(str(where[4][0]) for where in found))
    if not addresses or not all(map(is_public, addresses)):
        raise ConfigurationError(
            f"{address.hostname} is on a private network, which requests over HTTP may not name.",
            "Name the repository in WIKI_PIPELINE_GIT_REPOSITORIES, or its host in WIKI_PIPELINE_GIT_TOKENS, with the "
            "scheme and port that is asked for; WIKI_PIPELINE_GIT_ALLOW_PRIVATE_ADDRESSES=true allows all.",
        )
    port = address.host.removeprefix(address.hostname).removeprefix(":")
    return Pin(address.scheme, host, int(port or _PORTS[address.scheme]), addresses)


def _origin(address: Address) -> str:
    return f"{address.scheme}://{address.host}"


# --- which addresses are on the public internet -----------------------------------------------------------------------


IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

# `special_addresses.csv` holds the IPv4 and IPv6 Special-Purpose Address Registries of 2026-07-18
# (https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry), and what other
# registries of IANA say of multicast and of IPv6 prefixes that are deprecated. What is not affirmed to be globally
# reachable is not. Python's own `ipaddress` has a part of it, which differs between versions. Of IPv6 only 2000::/3 is
# given to networks at all (IANA's IPv6 Address Space): what is special tomorrow, outside of it, is refused today.
_GIVEN = ipaddress.IPv6Network("2000::/3")
_TABLE = Path(__file__).with_name("special_addresses.csv")
_YES = "yes"


def is_public(text: str) -> bool:
    """Whether an IP address, as text, is on the public internet."""
    return _is_public(ipaddress.ip_address(text.partition("%")[0]))


def _is_public(address: IpAddress) -> bool:
    match _said_of(address):
        case "inside":  # an IPv4 address stands in its last 32 bits
            return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        case "":
            return isinstance(address, ipaddress.IPv4Address) or address in _GIVEN
        case said:
            return said == _YES


def _said_of(address: IpAddress) -> str:
    """What the narrowest block says of an address; empty where none does."""
    return next((said for network, said in special() if address in network), "")


@cache
def special() -> tuple[tuple[IpNetwork, str], ...]:
    """The table: block and whether it is globally reachable (`yes`, `no`, `inside`: as the IPv4 address in it is), the
    narrowest first."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        rows = [(ipaddress.ip_network(row["block"]), row["globally_reachable"]) for row in csv.DictReader(file)]
    return tuple(sorted(rows, key=lambda row: row[0].prefixlen, reverse=True))
