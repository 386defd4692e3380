"""Strings drawn at random: addresses that are not public, and Markdown that would like to run in readers' browsers."""

from __future__ import annotations

import ipaddress
import random

from wiki_pipeline.sources.git.reach import is_public
from wiki_pipeline_tests.security.attacks import BEGINNING, Attack
from wiki_pipeline_tests.wiki.test_safety import ATTACKS, check

_ADDRESSES, _PAGES = 20_000, 3_000
_INSIDE: tuple[str, ...] = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.2.0/24",
)
_INSIDE += ("192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4")
_INSIDE_6: tuple[str, ...] = (
    "::1/128",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
)
_INSIDE_6 += ("100::/64", "64:ff9b:1::/48", "4000::/2", "8000::/1")
_AROUND = ("::{}", "::ffff:{}", "::ffff:0:{}", "64:ff9b::{}")  # an IPv4 address as IPv6 writes it
_GLUE = (
    "",
    " ",
    "\n",
    "\n\n",
    "<",
    ">",
    '"',
    "'",
    "`",
    "```\n",
    "&lt;",
    "\x00",
    "\u2028",
    "](",
    "<!--",
    "-->",
    "<p ",
    "|",
)


def not_public(source: random.Random) -> str:
    """An address inside: of a range of its own, or an IPv4 address in an IPv6 one."""
    if source.random() < 0.3:
        return str(_one_of(source, source.choice(_INSIDE_6)))
    address = str(_one_of(source, source.choice(_INSIDE)))
    return source.choice(("{}", *_AROUND)).format(address)


def _one_of(source: random.Random, block: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    network = ipaddress.ip_network(block)
    return network[source.randrange(network.num_addresses)]


def markdown(source: random.Random) -> str:
    """Pieces of known attacks, cut and put together anew."""
    parts = []
    for _ in range(source.randint(2, 6)):
        whole = source.choice(ATTACKS)
        start = source.randrange(len(whole))
        parts += [whole[start : source.randint(start, len(whole))], source.choice(_GLUE)]
    return "".join(parts)


def main() -> list[Attack]:
    """Thousands of each."""
    source = random.Random(BEGINNING)
    let_in = [address for address in (not_public(source) for _ in range(_ADDRESSES)) if is_public(address)]
    dangerous = [text for text in (markdown(source) for _ in range(_PAGES)) if not is_safe(text)]
    shown = "; ".join(map(repr, dangerous[:2]))
    return [
        Attack("addresses inside", _ADDRESSES, _ADDRESSES - len(let_in), len(let_in), ", ".join(let_in[:3])),
        Attack("pages that would run", _PAGES, _PAGES - len(dangerous), len(dangerous), shown),
    ]


def is_safe(text: str) -> bool:
    """Whether a page of this Markdown has nothing that runs."""
    try:
        check(text)
    except AssertionError:
        return False
    return True
