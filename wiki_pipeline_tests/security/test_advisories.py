from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from wiki_pipeline_tests.security.advisories import command, known, pins

LOCK = """
lancedb==0.40.0 \\
    --hash=sha256:00
Jinja2==3.1.2 ; python_version < "3.13" \\
    --hash=sha256:00
httpx[http2]==0.28.1
"""


def advisory(package: str, *events: dict[str, str], **more: Any) -> dict[str, Any]:
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}]
    affected = {"package": {"ecosystem": "PyPI", "name": package}, "ranges": ranges}
    return {"id": "GHSA-1", "summary": "It bites.", "affected": [affected], **more}


def test_pins_are_read_from_a_lock() -> None:
    assert pins(LOCK) == {"lancedb": {"0.40.0"}, "jinja2": {"3.1.2"}, "httpx": {"0.28.1"}}


@pytest.mark.parametrize(
    ("events", "fixed"),
    [
        ([{"introduced": "0"}, {"fixed": "3.1.3"}], ["3.1.3"]),
        ([{"introduced": "0"}, {"fixed": "3.1.2"}], []),
        ([{"introduced": "0"}], [""]),
        ([{"introduced": "3.2"}], []),
        ([{"introduced": "0"}, {"last_affected": "3.1.2"}], [""]),
        ([{"introduced": "0"}, {"last_affected": "3.1.1"}], []),
        ([{"introduced": "0"}, {"fixed": "2.0"}, {"introduced": "3.1"}, {"fixed": "3.1.10"}], ["3.1.10"]),
    ],
)
def test_an_advisory_is_true_of_the_versions_in_its_ranges(events: list[dict[str, str]], fixed: list[str]) -> None:
    assert [one.fixed for one in known(pins(LOCK), iter([advisory("jinja2", *events)]))] == fixed


# Events and listed versions of advisories as they were published, by their ids.
PUBLISHED: dict[str, tuple[str, tuple[str, ...]]] = {
    "PYSEC-2021-66": ("introduced 0, fixed 2.11.3", ("2.0rc1", "2.11.2")),
    "PYSEC-2021-114": (
        "introduced 2.11, fixed 2.11.7, introduced 0, fixed 2.11.6, introduced 2.12, fixed 2.12.4",
        ("2.11.6",),
    ),
    "PYSEC-2022-236": (
        "introduced 0, fixed 3.1.1, introduced 3.2.0, fixed 3.2.2, introduced 3.1.1, fixed 3.1.3",
        ("3.1.1", "3.1.2"),
    ),
    "PYSEC-2023-61": (
        "introduced 3.2, fixed 3.2.19, introduced 4.0, fixed 4.1.9, introduced 4.2, fixed 4.2.1",
        ("4.2rc1",),
    ),
}


@pytest.mark.parametrize(
    ("which", "version", "fixed"),
    [
        ("PYSEC-2021-66", "2.0rc1", "2.11.3"),
        ("PYSEC-2021-66", "2.11.2.post1", "2.11.3"),
        ("PYSEC-2021-66", "2.11.3rc1", "2.11.3"),
        ("PYSEC-2021-66", "2.11.3", None),
        ("PYSEC-2021-66", "2.11.3+local", None),
        ("PYSEC-2021-66", "2.100", None),
        ("PYSEC-2021-114", "2.10", "2.11.6"),  # events in no order
        ("PYSEC-2021-114", "2.11.6", "2.11.7"),
        ("PYSEC-2021-114", "2.12.3", "2.12.4"),
        ("PYSEC-2021-114", "2.11.7", None),
        ("PYSEC-2022-236", "3.1.1", "3.1.3"),  # fixed, and introduced again, in one version
        ("PYSEC-2022-236", "3.1.3", None),
        ("PYSEC-2022-236", "3.2.1", "3.2.2"),
        ("PYSEC-2023-61", "4.2rc1", "4.2.1"),  # listed, and before its range
        ("PYSEC-2023-61", "4.2.0rc1", "4.2.1"),  # the same version
        ("PYSEC-2023-61", "4.2b1", None),
        ("PYSEC-2023-61", "4.1.8", "4.1.9"),
    ],
)
def test_published_advisories_are_true_of_the_versions_that_they_mean(
    which: str, version: str, fixed: str | None
) -> None:
    said, listed = PUBLISHED[which]
    published = advisory("jinja2", *(dict([event.split(" ")]) for event in said.split(", ")))
    published["affected"][0]["versions"] = list(listed)
    found = known({"jinja2": {version}}, iter([published]))
    assert [one.fixed for one in found] == ([] if fixed is None else [fixed])


def test_others_and_withdrawn_ones_are_not() -> None:
    always = {"introduced": "0"}
    others = [advisory("flask", always), advisory("jinja2", always, withdrawn="2026-01-01T00:00:00Z")]
    assert known(pins(LOCK), iter(others)) == []


def test_the_command_works_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "requirements.lock").write_text(LOCK)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("GHSA-1.json", json.dumps(advisory("Jinja2", {"introduced": "0"}, {"fixed": "3.1.3"})))
    asked = [str(tmp_path / "all.zip"), str(tmp_path / "requirements.lock")]
    assert command(asked) == 1
    assert "jinja2 3.1.2: GHSA-1, mended in 3.1.3. It bites." in capsys.readouterr().out
    assert command([str(tmp_path / "nowhere.zip"), asked[1]]) == 2
    assert command([]) == 2
