"""Web addresses in parts, before any system's grammar reads them: those in pages, and those that people hand in."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
# Characters that browsers and parsers read differently: never part of an honest address.
_TRICKS = re.compile(r"[\x00-\x20\x7f\\]")


class WebAddress(NamedTuple):
    """An http(s) address in parts, case and default port of the host put aside."""

    host: str
    path: str
    query: str
    fragment: str


def split(url: str) -> WebAddress | None:
    """The parts of an http(s) address as pages hold it; None for everything else."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not host:
        return None
    named = host if port in {None, PORTS[parts.scheme]} else f"{host}:{port}"
    return WebAddress(named, parts.path or "/", parts.query, parts.fragment)


def split_checked(address: str) -> SplitResult | None:
    """The parts of an http(s) address that people hand in and requests may go to: its host in lower case ASCII, no
    credentials. None if it is no such address, or plays tricks."""
    if _TRICKS.search(address):
        return None
    try:
        parts = urlsplit(address)
        host, port = ascii_host(parts), parts.port
    except (ValueError, UnicodeError):
        return None
    if parts.scheme not in PORTS or not _HOST.fullmatch(host) or port == 0:
        return None
    netloc = host + (f":{port}" if port else "")
    if "@" in parts.netloc:
        netloc = f"@{netloc}"  # remembered as "has userinfo", without it
    return parts._replace(netloc=netloc)


def ascii_host(parts: SplitResult) -> str:
    """The host in lower case ASCII, an IPv6 address in brackets; empty if there is none.

    Raises:
        ValueError: it can't be written so.
    """
    host = (parts.hostname or "").encode("idna").decode("ascii").lower() if parts.hostname else ""
    return f"[{host}]" if ":" in host else host
