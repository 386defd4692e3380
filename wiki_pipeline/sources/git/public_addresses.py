"""Which addresses are on the public internet, by IANA's registries.

`special_addresses.csv` holds the IPv4 and IPv6 Special-Purpose Address Registries of 2026-07-18
(https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry), and what other
registries of IANA say of multicast and of IPv6 prefixes that are deprecated. What is not affirmed to be globally
reachable is not. Python's own `ipaddress` has a part of it, which differs between versions. Of IPv6 only 2000::/3 is
given to networks at all (IANA's IPv6 Address Space): what is special tomorrow, outside of it, is refused today.
"""

from __future__ import annotations

import csv
import ipaddress
from functools import cache
from pathlib import Path

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_GIVEN = ipaddress.IPv6Network("2000::/3")
_TABLE = Path(__file__).with_name("special_addresses.csv")
_YES = "yes"


def is_public(text: str) -> bool:
    """Whether an IP address, as text, is on the public internet."""
    return _is_public(ipaddress.ip_address(text.partition("%")[0]))


def _is_public(address: Address) -> bool:
    match _said_of(address):
        case "inside":  # an IPv4 address stands in its last 32 bits
            return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        case "":
            return isinstance(address, ipaddress.IPv4Address) or address in _GIVEN
        case said:
            return said == _YES


def _said_of(address: Address) -> str:
    """What the narrowest block says of an address; empty where none does."""
    return next((said for network, said in special() if address in network), "")


@cache
def special() -> tuple[tuple[Network, str], ...]:
    """The table: block and whether it is globally reachable (`yes`, `no`, `inside`: as the IPv4 address in it is), the
    narrowest first."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        rows = [(ipaddress.ip_network(row["block"]), row["globally_reachable"]) for row in csv.DictReader(file)]
    return tuple(sorted(rows, key=lambda row: row[0].prefixlen, reverse=True))
