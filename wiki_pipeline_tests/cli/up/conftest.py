from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from wiki_pipeline.cli.up.ports import Ports


@pytest.fixture(autouse=True)
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what was given to services."""
    given: list[socket.socket] = []

    def listen(self: Ports, what: str, host: str, desired: int, setting: str = "") -> socket.socket:
        given.append(plainly(self, what, host, desired, setting))
        return given[-1]

    plainly = Ports.listen
    monkeypatch.setattr(Ports, "listen", listen)
    yield
    for each in given:
        each.close()
