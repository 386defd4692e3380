"""What this process may use of its machine: in a container the limits of its control group, not the host's cores.

Both versions of Linux' control groups are read, with those that the process's own is part of: the smallest limit
counts. Elsewhere, and where a limit can't be read, it is what the system has.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_FILES = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
_NO_LIMIT = 1 << 60  # version 1 says "none" with a number of nearly 2 ** 63


def cores(files: Path = _FILES, membership: Path = _MEMBERSHIP) -> int:
    """Processors that this process may use at once; at least 1. Half a processor is one.

    Args:
        files, membership: where the control groups are read, for tests.
    """
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [_quota(group) for group in _groups(files, membership, "cpu")]
    return max(1, min([own, *(round_up for quota in quotas if quota and (round_up := -int(-quota // 1)))]))


def memory(files: Path = _FILES, membership: Path = _MEMBERSHIP) -> int:
    """Bytes of memory that this process may use, others of its group included.

    Args:
        files, membership: where the control groups are read, for tests.
    """
    own = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = [
        limit
        for group in _groups(files, membership, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
        if (limit := _number(group / name)) and limit < _NO_LIMIT
    ]
    return min([own, *limits])


def _groups(files: Path, membership: Path, controller: str) -> Iterator[Path]:
    """The folders of the process's control group for a controller and of all that it is part of."""
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers:  # version 2: one tree
            root = files
        elif controller in controllers.split(","):
            # A container sees its own group as the root: what is not found below the path is found above it.
            root = files / controllers if (files / controllers).is_dir() else files / controller
        else:
            continue
        place = root / path.strip("/")
        while True:
            yield place
            if place == root:
                break
            place = place.parent


def _quota(group: Path) -> float | None:
    """Processors by the group's own limit; None if it has none."""
    words = _text(group / "cpu.max").split()
    if len(words) == 2 and words[0].isdecimal() and int(words[1]):
        return int(words[0]) / int(words[1])
    quota, period = _number(group / "cpu.cfs_quota_us"), _number(group / "cpu.cfs_period_us")
    return quota / period if quota and period else None


def _number(file: Path) -> int | None:
    text = _text(file).strip()
    return int(text) if text.isdecimal() else None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""
