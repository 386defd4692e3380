"""The handbook's pages, Markdown and HTML, as they were looked at in a browser and found right.

Pages that change on purpose are written again by `python -m wiki_pipeline_tests.wiki.test_handbook_pages`, and looked
at (`python -m wiki_pipeline_tests.pictures.handbook`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from wiki_pipeline_tests.wiki.handbook_pages import wiki_pages

GOLDEN = Path(__file__).parent / "golden" / "handbook"


def shown() -> Iterator[tuple[str, str]]:
    """Each golden file's name, and what it holds now."""
    for page in wiki_pages():
        yield f"{page.document_id}.md", f"{page.markdown}\n"
        yield f"{page.document_id}.html", page.html


@pytest.mark.parametrize(("name", "text"), [pytest.param(name, text, id=name) for name, text in shown()])
def test_a_page_of_the_handbook_is_what_was_looked_at(name: str, text: str) -> None:
    assert text == (GOLDEN / name).read_text("utf-8")


def test_every_link_to_a_place_on_a_page_lands_there() -> None:
    pages = {page.document_id: page for page in wiki_pages()}
    landed = 0
    for page in pages.values():
        for address, place in re.findall(r'href="((?:/wiki/[^"#]*)?)#([^"]+)"', page.html):
            target = pages[address.split("/")[3]] if address else page
            assert f'id="{place}"' in target.html, (page.title, address, place)
            landed += bool(address)
    assert landed > 3


def test_there_is_no_golden_page_too_many() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {name for name, _ in shown()}


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for golden, text in shown():
        (GOLDEN / golden).write_text(text, "utf-8")
