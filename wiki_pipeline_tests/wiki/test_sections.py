from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.wiki.sections import sections


def body(words: int) -> str:
    return "word " * words + "\n\n"


def test_a_page_that_fits_is_one_section() -> None:
    (only,) = sections("# Title\n\nText.\n", 1_000)
    assert (only.title, only.start_line, only.end_line, only.text) == ("Title", 1, 3, "# Title\n\nText.\n")
    (empty,) = sections("", 1_000)
    assert (empty.text, empty.start_line) == ("", 1)


def test_sections_begin_at_the_highest_heading_near_the_end_of_what_fits() -> None:
    text = f"# Page\n{body(40)}## One\n{body(40)}### Part\n{body(40)}## Two\n{body(30)}### Part\n{body(60)}"
    found = sections(text, 800)
    assert [part.text.split("\n")[0] for part in found] == ["# Page", "## Two"]
    assert [part.title for part in found] == ["Page", "Two"]


def test_text_without_headings_is_cut_between_paragraphs() -> None:
    found = sections("".join(f"Paragraph {n}. {body(20)}" for n in range(20)), 500)
    assert all(part.text.startswith("Paragraph") for part in found)


def test_what_looks_like_a_heading_in_code_is_none() -> None:
    fence = "```sh\n# not a heading\nmake\n```\n\n"
    found = sections(f"Text.\n\n{fence}" + body(10) + fence * 8 + "## Heading\n" + body(60), 500)
    assert "not a heading" not in {part.title for part in found}
    code = sections("# a comment\nx = 1\n\n" * 100, 400, code=True)
    assert {part.title for part in code} == {""}
    assert all(part.text.startswith("# a comment") for part in code)


@pytest.mark.parametrize("text", ["x" * 10_000, "好" * 5_000, "🚀" * 3_000 + "\n" + "y" * 2_000, "\n" * 5_000])
def test_lines_longer_than_a_section_are_cut(text: str) -> None:
    found = sections(text, 1_000)
    assert all(len(part.text.encode()) <= 1_000 for part in found)
    assert "".join(part.text for part in found) == text


@given(
    st.lists(
        st.sampled_from(["# A\n", "## B\n", "text\n", "\n", "```\n", "long " * 40 + "\n", "é" * 90, "\r", "\x0c"])
    ),
    st.integers(64, 400),
)
def test_sections_put_together_are_the_page_and_none_is_too_large(lines: list[str], most: int) -> None:
    text = "".join(lines)
    found = sections(text, most)
    assert "".join(part.text for part in found) == text
    assert all(len(part.text.encode()) <= most for part in found)
    assert found[0].start_line == 1
    for before, after in pairwise(found):
        assert after.start_line in {before.end_line, before.end_line + 1}
