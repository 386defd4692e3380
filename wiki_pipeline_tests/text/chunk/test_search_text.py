"""What is searched is a segment's surroundings and its text without marks; what is embedded is the text alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wiki_pipeline.text.chunk import ChunkSizes, chunk_page, embedding_text
from wiki_pipeline.text.chunk.search_text import plain_text, search_text, split_identifiers
from wiki_pipeline_tests.text.chunk.segments import PAGE, SOURCE, code, prose


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("getUserName", "get User Name"),
        ("max_retry_count", "max retry count"),
        ("MAX_RETRY_COUNT", "MAX RETRY COUNT"),
        ("HTTPServer", "HTTP Server"),
        ("call parseXMLFile(load_all_2)", "parse XML File load all 2"),
        ("twice_told twice_told", "twice told"),
        ("PLoS and x_axis", "Lo axis"),
        ("plain words, Capitals and ACRONYMS", ""),
        ("a sentence.Another", ""),
    ],
)
def test_identifiers_are_split_at_case_and_underscores(text: str, expected: str) -> None:
    assert split_identifiers(text) == expected


def test_the_words_of_a_great_many_identifiers_are_bounded() -> None:
    assert len(split_identifiers(" ".join(f"name_{number}" for number in range(5_000))).split()) == 400


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("## A *heading*", "A heading"),
        ("**bold** and ~~struck~~ and `code`", "bold and struck and code"),
        ("[a link](https://example.org/a_b) and ![a picture](p.png)", "a link and a picture"),
        ('[titled](page.md "A title")', "titled"),
        ("| a | b |\n| --- | :---: |\n| 1 | 2 |", "a b\n1 2"),
        ("| a | b |\n|:-:|-:|\n| 1 | 2 |", "a b\n1 2"),
        ("\\*args and \\*\\*kwargs and *emphasis*", "*args and **kwargs and emphasis"),
        ("> [!NOTE]\n> Mind the gap.", "Mind the gap."),
        ("```python\nx = 1\n```", "x = 1"),
        ("one<br>two <sub>three</sub><!-- hidden -->", "one two three"),
        ("2 \\* 3 and \\#5 and 1\\. item", "2 * 3 and #5 and 1. item"),
        ("snake_case stays, 2 * 3 stays, a < b stays", "snake_case stays, 2 * 3 stays, a < b stays"),
        ("", ""),
    ],
)
def test_marks_are_removed_and_words_stay(markdown: str, expected: str) -> None:
    assert plain_text(markdown) == expected


def test_a_long_row_of_dashes_that_is_no_rule_is_read_at_once() -> None:
    row = "-" * 100  # groups of three and more can be told apart in it in some 10 ** 16 ways
    assert plain_text(f"a\n{row} b\n{row}\nc") == f"a\n{row} b\nc"


def test_the_first_line_is_the_place_and_the_words_of_identifiers() -> None:
    page = replace(PAGE, space_name="Handbook", space_key="HB", path="docs/page.md")
    place, _, body = search_text(page, ("Guide", "Run"), "Call `runAll`.").partition("\n")
    assert place == "Handbook > The page > docs/page.md > Guide > Run run All"
    assert body == "Call runAll."


def test_a_place_names_nothing_twice_and_takes_one_line() -> None:
    page = replace(PAGE, title="docs/a\nb", path="docs/a\nb", space_key="HB")
    assert search_text(page, ("docs/a\nb",), "Text.") == "HB > docs/a b\nText."


def test_what_is_embedded_is_what_is_searched_without_its_first_line() -> None:
    for chunk in [*prose("# Guide\n\nSome **bold** text.\n\nMore of it."), *code("def f():\n    return 1\n", "python")]:
        assert embedding_text(chunk.search_text) == chunk.search_text.split("\n", 1)[1]
    assert embedding_text(prose("# Guide\n\nSome **bold** text.")[0].search_text) == "Guide\nSome bold text."


def test_the_marks_of_source_code_are_its_meaning_and_stay() -> None:
    text = "def power(a, b):\n    return a ** b  # `fast`"
    assert embedding_text(code(text, "python")[0].search_text) == text


def test_equal_texts_on_different_pages_share_a_text_hash_and_no_id() -> None:
    here, there = (
        chunk_page(replace(PAGE, document_id=name, title=name, markdown="The same text."), SOURCE, ChunkSizes())[0]
        for name in ("here", "there")
    )
    assert here.text_hash == there.text_hash
    assert here.chunk_id != there.chunk_id
    assert here.search_text != there.search_text
