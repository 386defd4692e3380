"""The README names files that exist, and its walk through the program names each file once."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
WALK = README.partition("## From a webhook to a search hit")[2].partition("\n## ")[0]
DRAWING = (ROOT / "wiki_pipeline_tests" / "pictures" / "journey.svg").read_text(encoding="utf-8")


def test_every_file_that_the_readme_links_exists() -> None:
    linked = [target for target in re.findall(r"\]\(([^)\s]+)\)", README) if "://" not in target and target[0] != "#"]
    assert linked
    assert [target for target in linked if not (ROOT / target.partition("#")[0]).exists()] == []


def test_the_walk_names_each_file_once_and_in_the_order_of_its_picture() -> None:
    steps = re.findall(r"^(\d+)\. \[`([^`]+)`\]\(wiki_pipeline/([^)]+)\)", WALK, re.MULTILINE)
    assert [int(number) for number, _, _ in steps] == list(range(1, len(steps) + 1))
    names = [name for _, name, target in steps if name == target]
    assert len(names) == len(set(names)) == len(steps) >= 12
    assert re.findall(r'monospace" fill="[^"]+">([^<]+)<', DRAWING) == names
