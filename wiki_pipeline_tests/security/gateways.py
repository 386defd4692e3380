"""A gateway as a process of its own, and raw sockets to it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from wiki_pipeline_tests.children import started

_START_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where it listens, and its process."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self.port}"

    def connect(self, timeout: float = 60.0) -> socket.socket:
        """A new connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def memory(self) -> int:
        """Bytes that its process holds in memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def gateway(home: Path, others: Mapping[str, str] | None = None, **settings: object) -> Iterator[Gateway]:
    """A gateway on an installation of its own; settings by the names of their variables, without the prefix,
    and `others` by their whole names."""
    variables = {f"WIKI_PIPELINE_{name}": str(value) for name, value in settings.items()}
    environment = {**os.environ, "WIKI_PIPELINE_HOME": str(home), **variables, **(others or {})}
    with socket.create_server(("127.0.0.1", 0), backlog=2_048) as listening:
        command = [sys.executable, "-m", "wiki_pipeline.gateway", "--fd", str(listening.fileno())]
        with started(command, env=environment, cwd=home, pass_fds=[listening.fileno()]) as process:
            served = Gateway(listening.getsockname()[1], process.pid)
            assert httpx.get(f"{served.url}/readyz", timeout=_START_SECONDS).status_code == 200
            yield served


def answered(connection: socket.socket) -> bytes:
    """All that comes until the other end closes; empty if it does so without a word."""
    received = b""
    try:
        while part := connection.recv(65_536):
            received += part
    except ConnectionError:
        pass
    return received


def status(connection: socket.socket) -> int:
    """The status of the next answer; 0 if the connection is closed without one."""
    try:
        line = connection.recv(65_536).split(b"\r\n")[0].split()
    except ConnectionError:
        return 0
    return int(line[1]) if line else 0
