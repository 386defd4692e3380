"""A chunk found leads to the heading that it stands below."""

from __future__ import annotations

import pytest

from wiki_pipeline.model import Heading
from wiki_pipeline.wiki.anchors import anchor_below

HEADINGS = (
    Heading(1, "Guide", "guide"),
    Heading(2, "Set up", "set-up"),
    Heading(3, "Linux", "linux"),
    Heading(2, "Take down", "take-down"),
    Heading(3, "Linux", "linux-1"),
)


@pytest.mark.parametrize(
    ("path", "anchor"),
    [
        (("Guide", "Set up", "Linux"), "linux"),
        (("Guide", "Take down", "Linux"), "linux-1"),
        (("Engineering", "Guide", "Take down", "Linux"), "linux-1"),
        (("Take down", "Linux"), "linux-1"),
        (("Linux",), "linux"),
        (("Set `up`",), "set-up"),
        (("Guide",), "guide"),
        (("Nowhere",), ""),
        ((), ""),
    ],
)
def test_the_heading_with_most_of_the_path_above_it_is_meant(path: tuple[str, ...], anchor: str) -> None:
    assert anchor_below(HEADINGS, path) == anchor


def test_a_page_without_headings_has_no_anchor() -> None:
    assert anchor_below((), ("Guide",)) == ""
