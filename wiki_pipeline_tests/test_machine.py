"""Cores and memory from control groups of both versions, written into a folder as the kernel shows them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wiki_pipeline.machine import cores, memory

OWN = len(os.sched_getaffinity(0))


def grouped(folder: Path, membership: str, **files: str) -> tuple[Path, Path]:
    """Files by path with `__` for a slash and `_dot_` for a dot."""
    for name, content in files.items():
        file = folder / "cgroup" / name.replace("__", "/").replace("_dot_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (folder / "membership").write_text(membership)
    return folder / "cgroup", folder / "membership"


@pytest.mark.parametrize(
    ("limit", "expected"), [("max 100000", OWN), ("50000 100000", 1), ("100000 100000", 1), ("90000000 100000", OWN)]
)
def test_version_2(tmp_path: Path, limit: str, expected: int) -> None:
    place = grouped(tmp_path, "0::/\n", cpu_dot_max=f"{limit}\n", memory_dot_max="536870912\n")
    assert cores(*place) == expected
    assert memory(*place) == 536_870_912


def test_the_limit_of_a_group_above_counts_too(tmp_path: Path) -> None:
    place = grouped(
        tmp_path,
        "0::/pods/one\n",
        pods__cpu_dot_max="100000 100000",
        pods__one__cpu_dot_max="max 100000",
        pods__memory_dot_max="300000000",
        pods__one__memory_dot_max="max",
    )
    assert (cores(*place), memory(*place)) == (1, 300_000_000)


def test_version_1_seen_from_inside_a_container(tmp_path: Path) -> None:
    """The path is the host's, and its folder is not there."""
    place = grouped(
        tmp_path,
        "11:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n",
        **{"cpu,cpuacct__cpu_dot_cfs_quota_us": "100000", "cpu,cpuacct__cpu_dot_cfs_period_us": "100000"},
        memory__memory_dot_limit_in_bytes="400000000",
    )
    assert (cores(*place), memory(*place)) == (1, 400_000_000)


def test_no_limits(tmp_path: Path) -> None:
    place = grouped(
        tmp_path,
        "11:memory:/\n4:cpu,cpuacct:/\n",
        **{"cpu,cpuacct__cpu_dot_cfs_quota_us": "-1", "cpu,cpuacct__cpu_dot_cfs_period_us": "100000"},
        memory__memory_dot_limit_in_bytes=str(9223372036854771712),
    )
    nowhere = (tmp_path / "none", tmp_path / "nothing")
    assert cores(*place) == cores(*nowhere) == OWN
    assert memory(*place) == memory(*nowhere) > 0
