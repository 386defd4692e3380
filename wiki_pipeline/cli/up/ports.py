"""Ports to listen on: the ones wanted if they are free, near ones otherwise."""

from __future__ import annotations

import socket

from wiki_pipeline.errors import ConfigurationError

_NEIGHBOURS = 50


def choose(host: str, wanted: int, *, insist: bool, taken: set[int]) -> int:
    """A free port, which is added to `taken`.

    Args:
        wanted: tried first, then those above it; 0 takes any.
        insist: the port was asked for, so that another one would not do.
        taken: given away already.

    Raises:
        ConfigurationError: `host` can't be listened on, or the port that was asked for is in use.
    """
    candidates = [wanted] if insist or wanted == 0 else [*range(wanted, min(wanted + _NEIGHBOURS, 65536)), 0]
    for candidate in candidates:
        port = 0 if candidate in taken else _listen(host, candidate)
        if port:
            taken.add(port)
            return port
    raise ConfigurationError(f"Port {wanted} of {host} is in use.", "Stop what uses it, or set another one.")


def _listen(host: str, port: int) -> int:
    """The port if it could be listened on just now (for 0: the one that was given); 0 if it could not."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise ConfigurationError(f"There is no address {host} to listen on: {error.strerror}.") from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError:  # in use, or not for this user
            return 0
        bound: int = probe.getsockname()[1]
        return bound
