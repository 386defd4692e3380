"""Ports to listen on: those asked for where they are free, near ones otherwise, unless a person insists."""

from __future__ import annotations

import socket
from collections.abc import Callable

from wiki_pipeline.cli.up.settings import UpSettings
from wiki_pipeline.errors import ConfigurationError

_NEIGHBOURS = 50
_BACKLOG = 1024


class Ports:
    """Gives ports away, each once.

    Args:
        settings: a port that is set there is insisted on.
        tell: called with a sentence for each port that is not the one expected.
    """

    def __init__(self, settings: UpSettings, tell: Callable[[str], None]) -> None:
        self._settings = settings
        self._tell = tell

    def listen(self, what: str, host: str, desired: int, setting: str = "") -> socket.socket:
        """A socket that listens, to be handed to a child: no other process can answer on its port from here on.

        Args:
            what: is to listen, for people.
            desired: tried first, then those above it; 0 takes any.
            setting: the field of the settings that `desired` comes from, if it does.

        Raises:
            ConfigurationError: `host` can't be listened on, or the port that was asked for is in use.
        """
        insist = setting in self._settings.model_fields_set
        candidates = [desired] if insist or desired == 0 else [*range(desired, min(desired + _NEIGHBOURS, 65536)), 0]
        for candidate in candidates:
            listening = _listening(host, candidate)
            if listening is not None:
                port = listening.getsockname()[1]
                if desired not in {port, 0}:
                    self._tell(f"Port {desired} is in use; {what} listens on {port}.")
                return listening
        variable = self._settings.__class__.model_fields[setting].validation_alias if setting else ""
        raise ConfigurationError(
            f"Port {desired} of {host} is in use.",
            f"Stop what uses it, or set {variable} to another one." if variable else "Stop what uses it.",
        )


def _listening(host: str, port: int) -> socket.socket | None:
    """A socket that listens there; None if the port is in use, or not for this user."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise ConfigurationError(f"There is no address {host} to listen on: {error.strerror}.") from None
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind(address)
        opened.listen(_BACKLOG)
    except OSError:
        opened.close()
        return None
    return opened
