"""Who may reach the gateway. The one place where that is decided.

It has no users and no tokens yet, so it serves this machine and nobody else: it binds to loopback, answers only
connections that arrive there, and only requests that name this machine as their host (a page on the web that points a
host name of its own at 127.0.0.1 does not).
"""

from __future__ import annotations

import ipaddress

from starlette.types import Scope

from wiki_pipeline.errors import ConfigurationError

_NAMES = {"localhost", "127.0.0.1", "::1"}


def check_binding(host: str) -> None:
    """Refuse to serve on an address that others can reach.

    Raises:
        ConfigurationError: `host` is not loopback.
    """
    if not _is_loopback(host):
        raise ConfigurationError(
            f"The gateway does not serve on {host or 'every address'}: anyone there could read everything.",
            "Set WIKI_PIPELINE_GATEWAY_HOST to 127.0.0.1.",
        )


def allowed_hosts(host: str) -> frozenset[str]:
    """The names under which requests may ask for the gateway, in lower case, without port and brackets."""
    return frozenset({*_NAMES, host.lower()})


def arrived_on_loopback(scope: Scope) -> bool:
    """Whether a connection came in over loopback, also where somebody else than `serve` opened the socket."""
    server = scope.get("server")
    if server is None or server[1] is None:  # a Unix socket has the file system's permissions
        return True
    return _is_loopback(server[0]) or not _is_address(server[0])


def host_name(header: str) -> str:
    """The name in a Host header: no port, no brackets, lower case."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def _is_loopback(host: str) -> bool:
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
