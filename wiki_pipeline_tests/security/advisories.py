"""Known advisories of what the lock pins, from a file: no service is asked.

    python -m wiki_pipeline_tests.security.advisories all.zip requirements.lock

The file is OSV's export for PyPI (https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip), which has GitHub's
and PyPA's advisories, fetched wherever there is a network. Exit status: 0 none is known, 1 some are, 2 a file can't be
read.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, order=True)
class Advisory:
    """An advisory that is true of what is pinned.

    Attributes:
        fixed: the first version without the fault; empty if there is none yet.
    """

    package: str
    version: str
    advisory_id: str
    fixed: str
    summary: str


def pins(lock: str) -> dict[str, set[str]]:
    """Packages and their versions, of which there may be several for different systems, in a lock's text."""
    found: dict[str, set[str]] = {}
    for name, version in _PIN.findall(lock):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def known(pinned: Mapping[str, set[str]], advisories: Iterator[Mapping[str, Any]]) -> list[Advisory]:
    """Those of OSV's advisories that are true of a pinned version, and not withdrawn."""
    found = set()
    for advisory in advisories:
        if advisory.get("withdrawn"):
            continue
        for affected in advisory.get("affected", ()):
            package = affected.get("package", {})
            name = canonicalize_name(package.get("name", ""))
            if package.get("ecosystem") != "PyPI" or name not in pinned:
                continue
            for version in pinned[name]:
                fixed = _affected(version, affected)
                if fixed is not None:
                    said = (advisory.get("summary") or advisory.get("details", "")).split("\n")[0]
                    found.add(Advisory(name, version, str(advisory["id"]), fixed, said[:120]))
    return sorted(found)


def _affected(version: str, affected: Mapping[str, Any]) -> str | None:
    """The first version that is not affected any more, empty if there is none; None if this one is not affected."""
    for ranges in affected.get("ranges", ()):
        if ranges.get("type") != "ECOSYSTEM":
            continue
        # Pairs of "from here on" and "up to here", in order; a last one without end has none.
        events = [next(iter(event.items())) for event in ranges.get("events", ())]
        for (kind, start), (ended, end) in pairwise([*events, ("", "")]):
            if kind != "introduced" or not _at_least(version, start):
                continue
            if ended == "fixed" and not _at_least(version, end):
                return str(end)
            if ended == "last_affected" and _at_least(end, version):
                return ""
            if ended in {"", "introduced"}:
                return ""
    return "" if version in affected.get("versions", ()) else None


def _at_least(version: str, least: str) -> bool:
    if least == "0":
        return True
    try:
        return Version(version) >= Version(least)
    except InvalidVersion:  # of the last century; such packages have no newer advisories
        return False


def read(export: Path) -> Iterator[Mapping[str, Any]]:
    """The advisories of OSV's export."""
    with zipfile.ZipFile(export) as archive:
        for name in archive.namelist():
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


def command(arguments: Sequence[str]) -> int:
    """Compare locks with an export, and print what is known."""
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    export, *locks = map(Path, arguments)
    try:
        pinned: dict[str, set[str]] = {}
        for lock in locks:
            for name, versions in pins(lock.read_text(encoding="utf-8")).items():
                pinned.setdefault(name, set()).update(versions)
        found = known(pinned, read(export))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        print(f"The advisories can't be compared: {error}", file=sys.stderr)
        return 2
    for one in found:
        mended = f"mended in {one.fixed}" if one.fixed else "not mended yet"
        print(f"{one.package} {one.version}: {one.advisory_id}, {mended}. {one.summary}")
    print(f"{len(pinned)} packages, {len(found)} advisories.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))
