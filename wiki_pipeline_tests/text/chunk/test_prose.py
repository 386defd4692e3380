"""Prose is cut along its structure, and every segment says where it stands."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from wiki_pipeline.model import Chunk
from wiki_pipeline.text.chunk import ChunkSizes, chunk_page
from wiki_pipeline.text.chunk.prose import prose_pieces
from wiki_pipeline.text.chunk.size import ChunkSize
from wiki_pipeline.text.tokens import estimate_tokens
from wiki_pipeline_tests.text.chunk.segments import PAGE, SOURCE, cited, prose

SENTENCE = "The ingest worker reads the queue and writes what it finds. "  # 15 tokens


def paragraph(name: str, sentences: int = 2) -> str:
    return f"{name}. {SENTENCE * sentences}".strip()


# --- headings --------------------------------------------------------------------------------------------------------


def test_sections_that_fit_are_passages_with_the_headings_above_them() -> None:
    page = (
        f"# Guide\n\n{paragraph('Intro')}\n\n## Install\n\n{paragraph('One')}\n\n"
        f"### Linux\n\n{paragraph('Two')}\n\n## Run\n\n{paragraph('Three')}"
    )
    chunks = prose(page, tokens=40)
    assert [chunk.heading_path for chunk in chunks] == [
        ("Guide",),
        ("Guide", "Install"),
        ("Guide", "Install", "Linux"),
        ("Guide", "Run"),
    ]
    assert [chunk.text.split("\n")[0] for chunk in chunks] == ["# Guide", "## Install", "### Linux", "## Run"]


@pytest.mark.parametrize(
    ("heading", "shown"),
    [
        ("## `load()` and **more** ##", "load() and more"),
        ("## See [the guide](guide.md)", "See the guide"),
        ("Underlined\n---", "Underlined"),
        ("Underlined\n===", "Underlined"),
    ],
)
def test_headings_are_shown_as_plain_text(heading: str, shown: str) -> None:
    assert prose(f"{heading}\n\nText.")[0].heading_path == (shown,)


def test_a_heading_is_never_parted_from_the_text_below_it() -> None:
    page = "\n\n".join(f"## Part {number}\n\n{paragraph('Text', 3)}" for number in range(20))
    for chunk in prose(page, tokens=60):
        assert chunk.text.startswith("## Part")
        assert not chunk.text.split("\n")[-1].startswith("#")


def test_a_hash_within_a_fence_is_no_heading() -> None:
    chunks = prose("# Real\n\n```bash\n# not a heading\n```\n\nText.")
    assert [chunk.heading_path for chunk in chunks] == [("Real",)]


# --- sizes -----------------------------------------------------------------------------------------------------------


def test_passages_are_packed_to_about_the_bound() -> None:
    page = "\n\n".join(paragraph(f"Paragraph {number}") for number in range(200))
    sizes = [estimate_tokens(chunk.text) for chunk in prose(page, tokens=400)]
    assert max(sizes) <= 600
    assert 200 <= sum(sizes) / len(sizes) <= 500


def test_small_neighbours_are_one_passage() -> None:
    page = "\n\n".join(f"## Term {number}\n\nShort." for number in range(5))
    chunks = prose(page, tokens=100)
    assert len(chunks) == 1
    assert chunks[0].heading_path == ()
    assert chunks[0].text == page


def test_a_scrap_joins_its_neighbour() -> None:
    page = f"## Long\n\n{paragraph('Long', 7)}\n\n## Scrap\n\nShort."
    assert [chunk.text for chunk in prose(page, tokens=102)] == [page]


def test_a_paragraph_over_the_bound_is_cut_between_sentences() -> None:
    page = " ".join(f"Sentence number {number} tells about the ingest worker." for number in range(60))
    chunks = prose(page, tokens=60)
    assert len(chunks) > 5
    for chunk in chunks:
        assert chunk.text.startswith("Sentence number")
        assert chunk.text.endswith("worker.")
        assert estimate_tokens(chunk.text) <= 90


def test_text_without_sentences_or_spaces_is_bounded_too() -> None:
    for page in ("word " * 2_000, "x" * 10_000, "漢字" * 3_000):
        assert max(estimate_tokens(chunk.text) for chunk in prose(page, tokens=60)) <= 90


def test_scraps_that_join_one_after_the_other_do_not_grow_beyond_the_bound() -> None:
    scraps = [f"{'#' * level} Level {level}\n\n{SENTENCE * 2}{SENTENCE[:20]}" for level in (6, 5, 4, 3, 2)]
    page = "\n\n".join([paragraph("Large", 15), *scraps, paragraph("Behind", 16)])
    assert max(estimate_tokens(chunk.text) for chunk in prose(page, tokens=200)) <= 300


# --- tables ----------------------------------------------------------------------------------------------------------


def test_a_table_that_is_too_large_is_cut_between_rows_with_its_header_repeated() -> None:
    header = "| Service | Port |\n| --- | --- |"
    rows = [f"| service-{number:02} | {8000 + number} |" for number in range(40)]
    chunks = prose("\n".join([header, *rows]), tokens=80)
    assert len(chunks) > 2
    assert all(chunk.text.startswith(header + "\n") for chunk in chunks)
    assert [row for chunk in chunks for row in chunk.text.split("\n")[2:]] == rows
    assert [chunk.end_line + 1 for chunk in chunks[:-1]] == [chunk.start_line for chunk in chunks[1:]]


def test_a_table_in_html_that_is_too_large_is_cut_between_rows_with_its_header_repeated() -> None:
    header = "<table>\n<tr><th>Service</th></tr>\n"
    rows = [f"<tr><td>\n\nservice-{number:02} {SENTENCE}\n\n</td></tr>" for number in range(12)]
    chunks = prose(header + "\n".join(rows) + "\n</table>", tokens=120)
    assert len(chunks) > 2
    for chunk in chunks:
        assert chunk.text.startswith(header)
        assert chunk.text.endswith("\n</table>")
        assert chunk.text.count("<tr>") == chunk.text.count("</tr>")
    assert sum(chunk.text.count("<td>") for chunk in chunks) == len(rows)


# --- blocks that stay whole ------------------------------------------------------------------------------------------

FENCE = "```python\n" + "\n\n".join(f"value_{number} = {number}" for number in range(8)) + "\n```"
ITEM = f"- An item. {SENTENCE}\n\n  Its second paragraph. {SENTENCE}\n\n  ```\n  a block\n\n  within\n  ```"
ADMONITION = f"> [!WARNING]\n> {SENTENCE}\n>\n> {SENTENCE}\n>\n> - a list"
DETAILS = f"<details><summary>More</summary>\n\n{SENTENCE}\n\n{SENTENCE}\n\n</details>"
TABLE = "| a | b |\n| --- | --- |\n" + "\n".join(f"| cell {number} | text |" for number in range(8))


@pytest.mark.parametrize(
    "block", [FENCE, ITEM, ADMONITION, DETAILS, TABLE], ids=["fence", "list item", "admonition", "details", "table"]
)
def test_a_block_that_fits_is_whole_wherever_it_stands(block: str) -> None:
    for before in range(6):
        page = "\n\n".join(
            [
                *(paragraph(f"Before {number}") for number in range(before)),
                block,
                *(paragraph(f"After {n}") for n in range(4)),
            ]
        )
        chunks = prose(page, tokens=80)
        assert len(chunks) > 1
        whole = "\n".join(line.rstrip() for line in block.split("\n"))
        assert len([chunk for chunk in chunks if whole in "\n".join(map(str.rstrip, chunk.text.split("\n")))]) == 1


def test_a_fence_over_the_bound_is_cut_between_lines_and_stays_a_fence() -> None:
    lines = [f"value_{number:02} = compute(value_{number:02})" for number in range(40)]
    chunks = prose("\n".join(["```python", *lines, "```"]), tokens=80)
    assert len(chunks) > 2
    assert all(chunk.text.startswith("```python\n") and chunk.text.endswith("\n```") for chunk in chunks)
    assert [line for chunk in chunks for line in chunk.text.split("\n")[1:-1]] == lines


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("# A #", "A"),
        ("## A# ##  ", "A#"),
        ("# #", "#"),
        ("###", ""),
        ("# A # #", "A #"),
        (f"# A{' ' * 100_000}B", "A B"),
    ],
)
def test_a_heading_is_its_text_without_closing_marks(line: str, title: str) -> None:
    assert [piece.path for piece in prose_pieces(line, 1_000_000)] == [(title,)]


def test_a_long_list_is_cut_between_its_items() -> None:
    items = [f"- Item {number:02}. {SENTENCE}\n  And its second line." for number in range(20)]
    chunks = prose("\n".join(items), tokens=80)
    assert len(chunks) > 3
    assert [item for chunk in chunks for item in chunk.text.split("\n- ")] == [
        item if number in starts(chunks, items) else item.removeprefix("- ") for number, item in enumerate(items)
    ]


def starts(chunks: list[Chunk], items: list[str]) -> set[int]:
    """The numbers of the items that begin a segment."""
    return {number for number, item in enumerate(items) for chunk in chunks if chunk.text.startswith(item)}


# --- overlap, empty pages, lines -------------------------------------------------------------------------------------


def test_a_passage_repeats_the_end_of_the_one_before_if_so_set() -> None:
    page = "\n\n".join(paragraph(f"Paragraph {number}", 3) for number in range(12))
    plain, overlapping = prose(page, tokens=100), prose(page, tokens=118, overlap=20)
    assert len(plain) == len(overlapping) > 2
    assert overlapping[0].text == plain[0].text
    for before, own, longer in zip(plain, plain[1:], overlapping[1:], strict=False):
        assert longer.text.endswith(own.text)
        repeated = longer.text.removesuffix(own.text).strip()
        assert before.text.endswith(repeated)
        assert 10 <= estimate_tokens(repeated) <= 20
        assert longer.start_line < own.start_line
        assert longer.end_line == own.end_line


@pytest.mark.parametrize(
    "page",
    [
        " ".join(f"word{number}" for number in range(1_500)),
        "".join(f"第{number}号の漢字。" for number in range(700)),
        "\n\n".join(f"Line {number}.\nAnother one, {number}." for number in range(200)),
    ],
    ids=["words", "sentences", "paragraphs"],
)
def test_sizes_may_be_in_characters_and_hold_what_is_repeated(page: str) -> None:
    sizes = ChunkSizes(prose=ChunkSize(1000, 200, "characters"))
    chunks = chunk_page(replace(PAGE, markdown=page), SOURCE, sizes)
    lengths = [len(chunk.text) for chunk in chunks]
    assert max(lengths) <= 1000 * 5 // 4
    assert 500 <= sum(lengths) / len(lengths) <= 1100
    repeated = [overlap(before.text, after.text) for before, after in pairwise(chunks)]
    assert all(100 <= length <= 220 for length in repeated), repeated


def overlap(before: str, after: str) -> int:
    """How much of the end of one text is the beginning of the other."""
    return next(length for length in range(min(len(before), len(after)), -1, -1) if before.endswith(after[:length]))


@pytest.mark.parametrize("markdown", ["", "\n\n", "   \n\t\n"])
def test_a_page_without_text_has_its_title_as_its_one_passage(markdown: str) -> None:
    (chunk,) = prose(markdown)
    assert (chunk.text, chunk.heading_path, chunk.start_line, chunk.end_line) == ("The page", (), 1, 1)
    assert (chunk.chunk_index, chunk.total_chunks) == (0, 1)


def test_passages_are_numbered_in_reading_order() -> None:
    chunks = prose("\n\n".join(paragraph(f"Paragraph {number}") for number in range(20)))
    assert [chunk.chunk_index for chunk in chunks] == list(range(len(chunks)))
    assert {chunk.total_chunks for chunk in chunks} == {len(chunks)}


def test_the_lines_of_the_page_that_a_passage_names_are_its_text() -> None:
    parts = [f"## Part {n}\n\n{paragraph('Text', 2)}\n\n\n{ITEM}\n\n{TABLE}\n\n{FENCE}" for n in range(4)]
    page = "\n\n" + "\n\n".join(parts) + "\n\n"
    chunks = prose(page, tokens=70)
    assert len(chunks) > 8
    for chunk in chunks:
        assert chunk.text == cited(page, chunk).rstrip()


def test_the_lines_of_the_page_hold_all_of_a_part_but_what_is_repeated() -> None:
    page = "Intro.\n\n" + "\n".join(["| a | b |", "| --- | --- |", *(f"| row {n} | {SENTENCE} |" for n in range(30))])
    for chunk in prose(page, tokens=80)[1:]:
        lines = chunk.text.split("\n")
        assert lines[:2] == ["| a | b |", "| --- | --- |"]
        assert "\n".join(lines[2:]) == cited(page, chunk)


@pytest.mark.parametrize("seed", range(5))
def test_paragraphs_alike_are_cut_into_passages_that_are_neither_scraps_nor_above_the_size(seed: int) -> None:
    chance = random.Random(seed)
    text = "\n\n".join(f"Paragraph {chance.random()} " + "of some words. " * 10 for _ in range(300))
    sizes = [estimate_tokens(chunk.text) for chunk in prose(text, tokens=400)]
    assert min(sizes) >= 120
    assert max(sizes) <= 460
