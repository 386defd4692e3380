"""Whole pages, as they were looked at and found right.

A page that changes on purpose is written again by `python -m wiki_pipeline_tests.wiki.test_golden`, and looked at.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from wiki_pipeline.model import Heading
from wiki_pipeline.wiki.highlight import highlight
from wiki_pipeline.wiki.render import render_page
from wiki_pipeline_tests.wiki.pages import REPOSITORY, SPACE, file, index, space_page

GOLDEN = Path(__file__).parent / "golden"
CODE = '"""Two\nlines."""\n\nLIMIT = 0x1F\n\n\nclass Gauge:\n    def read(self) -> float | None:\n        return None\n'


def shown() -> dict[str, str]:
    """Each golden page as it is shown now."""
    headings = (Heading(2, "Steps", "steps"), Heading(2, "Notes", "notes"))
    page = space_page("100", "Home", markdown=(GOLDEN / "page.md").read_text("utf-8"), headings=headings)
    code = file("src/app.py", markdown=CODE, code_language="python")
    return {
        "page.html": highlight(render_page(page, SPACE, index()).html),
        "code.html": highlight(render_page(code, REPOSITORY, index()).html),
    }


@pytest.mark.parametrize("name", sorted(shown()))
def test_a_page_is_what_was_looked_at(name: str) -> None:
    assert shown()[name] == (GOLDEN / name).read_text("utf-8")


if __name__ == "__main__":
    for golden, html in shown().items():
        (GOLDEN / golden).write_text(html, "utf-8")
