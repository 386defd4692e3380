"""Which process holds a lease, and whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Process:
    """A process as other processes may know it.

    Attributes:
        host: its machine or container, for people.
        space: where its pid means something: equal for two processes that see each other's pids, and never equal for
            two that don't; empty if the system does not say.
    """

    host: str
    space: str
    pid: int

    @classmethod
    def this(cls) -> Process:
        """The process that asks."""
        return cls(socket.gethostname(), _pid_space(), os.getpid())

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"

    def knows_dead(self, space: str, pid: int) -> bool:
        """Whether the process `pid` of `space` is certainly gone. False where that can't be seen from here."""
        if not self.space or space != self.space:
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False


def _pid_space() -> str:
    # Linux: this start of the machine, and the pid namespace (containers have their own). A host's name would not do:
    # containers in the host's network share it. Elsewhere a dead holder's lease runs out by time.
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
