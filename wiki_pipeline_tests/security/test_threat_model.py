"""The threat model names settings and files that exist, and every direct dependency says why it is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from wiki_pipeline_tests.security.advisories import pins

ROOT = Path(__file__).parents[2]
MODEL = (ROOT / "deploy" / "THREAT_MODEL.md").read_text(encoding="utf-8")
PROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
ROWS = [line.split(" | ") for line in MODEL.splitlines() if line.startswith("| ")][2:]
NAMED = re.compile(r"`([^`]+)`")


def variables() -> set[str]:
    """The variables of all settings, from where each room declares them."""
    sources = (file.read_text(encoding="utf-8") for file in (ROOT / "wiki_pipeline").rglob("settings.py"))
    return {name for source in sources for name in re.findall(r'validation_alias="(\w+)"', source)}


@pytest.mark.parametrize("row", ROWS, ids=[row[0].strip("| ") + ": " + row[1] for row in ROWS])
def test_what_holds_a_threat_exists_and_is_tested(row: list[str]) -> None:
    known = variables()
    bounds, tests = NAMED.findall(row[4]), NAMED.findall(row[5])
    assert bounds
    assert tests
    for named in (*bounds, *tests):
        is_setting = named.isupper()
        assert f"WIKI_PIPELINE_{named}" in known if is_setting else (ROOT / named).is_file(), named
    assert all("test_" in named for named in tests)


def test_security_md_leads_to_the_model() -> None:
    assert "deploy/THREAT_MODEL.md" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_each_direct_dependency_says_why_it_is_there() -> None:
    lines = PROJECT.splitlines()
    unexplained, before = [], ""
    for number, line in enumerate(lines):
        found = re.match(r'\s+"([A-Za-z][\w-]*)[\[<>=~!;]', line)
        name = found[1] if found else ""
        is_one_of_several = name.startswith("tree-sitter-") and before.startswith("tree-sitter")
        if name and not is_one_of_several and not lines[number - 1].strip().startswith("#"):
            unexplained.append(name)
        before = name or (before if line.strip().startswith("#") else "")
    assert unexplained == []


def test_each_direct_dependency_is_locked_with_its_hash() -> None:
    project = tomllib.loads(PROJECT)["project"]
    optional = project["optional-dependencies"]
    named = [*project["dependencies"], *optional["postgres"], *optional["dev"]]
    names = {re.split(r"[\[<>=~!; ]", each)[0].lower() for each in named} - {"wiki-pipeline"}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert names <= pins(lock).keys()
    assert lock.count("--hash=sha256:") >= len(pins(lock))
    assert not re.search(r"index-url|find-links|https?://|file://", lock)
