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
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

_FIRST = Version("0.dev0")
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
    """The first version that is not affected any more, empty if there is none; None if this one is not affected.

    As OSV's schema evaluates it: a version is affected that is listed, or that lies in a range. Versions are ordered by
    PEP 440's `Version`; specifiers would be wrong here, as `<2.0` leaves out 2.0rc1, which a fix in 2.0 does not.
    """
    asked = _read_version(version)
    listed = {_read_version(each) or each for each in affected.get("versions", ())}
    events = [each["events"] for each in affected.get("ranges", ()) if each.get("type") == "ECOSYSTEM"]
    if (asked or version) not in listed and not (asked and any(_is_in(asked, each) for each in events)):
        return None
    return _first_fix(asked, [event for each in events for event in each]) if asked else ""


def _is_in(version: Version, events: Sequence[Mapping[str, str]]) -> bool:
    """Whether a version is affected by what happened up to it; events come in any order."""
    # Of two events of one version: what ends with a fix may begin again in the very version of the fix.
    before = {"fixed": 0, "limit": 0, "introduced": 1, "last_affected": 2}
    happened = [(_moment(said), before[kind]) for event in events for kind, said in event.items() if kind in before]
    inside = False
    for moment, kind in sorted(happened):
        if moment > version or (kind == before["last_affected"] and moment == version):
            break
        inside = kind == before["introduced"]
    return inside


def _first_fix(version: Version, events: Sequence[Mapping[str, str]]) -> str:
    fixes = [said for event in events if (said := event.get("fixed")) and _moment(said) > version]
    return min(fixes, key=_moment, default="")


def _moment(said: str) -> Version:
    """A version of an event; "0" is before all others. What is no version (packages of the last century have such) is
    taken for the first, too: an advisory that is shown in vain can be looked at."""
    return (_read_version(said) if said != "0" else None) or _FIRST


def _read_version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


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
