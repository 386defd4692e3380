"""Which requests come from this machine's programs and a server's own pages, and which from pages of other sites.

A server on loopback is not out of reach of the web: any page that is open in a browser of this machine can have that
browser send requests there. Three things tell them apart. The connection arrives on loopback. The Host header names
this machine (a page whose own host name is pointed at 127.0.0.1 keeps that name). And browsers say for whose page they
send a request, by `Sec-Fetch-Site` or `Origin`, which no script can set; programs send neither.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass

from wiki_pipeline.serving.asgi import Scope, header_values

_NAMES = {"localhost", "127.0.0.1", "::1"}
_READING = {"GET", "HEAD"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered.

    Attributes:
        status: of the HTTP answer.
        code: for programs; stays.
        message: for people, without the name of the server.
    """

    status: int
    code: str
    message: str


NOT_OPEN = Refusal(403, "not_open", "This server serves its own machine only.")
UNKNOWN_HOST = Refusal(421, "unknown_host", "This server does not answer for that host name. Ask for it as localhost.")
CROSS_SITE = Refusal(403, "cross_site", "A page of another site may not change anything here.")


def refusal(scope: Scope, hosts: frozenset[str] | None) -> Refusal | None:
    """Why a request or a WebSocket is refused; None if it is not.

    Args:
        hosts: names that this server answers for, as of `local_names`, on loopback alone; None: it is open to others,
            who show in another way who they are.
    """
    headers = header_values(scope)
    if hosts is not None:
        if not arrived_on_loopback(scope):
            return NOT_OPEN
        if host_name(headers.get("host", "")) not in hosts:
            return UNKNOWN_HOST
    return CROSS_SITE if not is_reading(scope) and is_cross_site(headers) else None


def is_reading(scope: Scope) -> bool:
    """Whether a request asks for something only, by its method. A WebSocket may say anything once it is open."""
    return scope["type"] == "http" and scope["method"] in _READING


def local_names(host: str) -> frozenset[str]:
    """The names under which requests may ask for a server of this machine, in lower case, without port and brackets.

    Args:
        host: where it listens.
    """
    return frozenset({*_NAMES, host.lower()})


def arrived_on_loopback(scope: Scope) -> bool:
    """Whether a connection came in over loopback, whoever opened the socket."""
    server = scope.get("server")
    if server is None or server[1] is None:  # a Unix socket has the file system's permissions
        return True
    return is_loopback(server[0]) or not _is_address(server[0])


def host_name(header: str) -> str:
    """The name in a Host header: no port, no brackets, lower case."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def is_cross_site(headers: Mapping[str, str]) -> bool:
    """Whether a browser sent it for another site's page, going by the headers, which have lower-case names."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower()


def is_loopback(host: str) -> bool:
    """Whether an address, or `localhost`, is reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
