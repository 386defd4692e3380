"""An excerpt shows why a chunk was found."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.wiki.snippet import pieces_of


def text_of(text: str, query: str, *, code: bool = False) -> str:
    return "".join(f"[{piece.text}]" if piece.found else piece.text for piece in pieces_of(text, query, code=code))


def test_words_of_the_query_are_marked_whatever_their_case() -> None:
    assert text_of("The Tide table of TIDES.", "tide Table") == "The [Tide] [table] of TIDES."
    assert text_of("Straße und STRASSE", "strasse") == "[Straße] und [STRASSE]"


def test_short_words_are_marked_only_if_there_are_no_others() -> None:
    assert text_of("go to the harbour", "how to go to the harbour") == "go to the [harbour]"
    assert text_of("go to it", "go to") == "[go] [to] it"
    assert text_of("in 42 steps, 横浜 by ñu", "42 横浜 ñu x") == "in [42] steps, [横浜] by [ñu]"


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("## Paging\n\nCall **first** [the guide](https://x.org/a).", "Call first the guide."),
        ("> [!NOTE]\n>\n> Careful, `x` and <b>y</b>", "Careful, x and y"),
        ("| a | b |\n|---|:-:|\n| 1 | 2 |", "a b 1 2"),
        ("```bash\nrun it\n```", "run it"),
        ("- one\n  - two\n- > three", "one two three"),
        ('![A map](x.png "t") 5 \\* 3', "A map 5 * 3"),
        ("## Only a heading", "Only a heading"),
    ],
)
def test_markup_is_left_out(markdown: str, shown: str) -> None:
    assert text_of(markdown, "nothing") == shown


def test_a_long_passage_is_cut_to_where_most_words_are() -> None:
    text = (
        "Filler. " * 100 + "One harbour. " + "Filler. " * 100 + "The harbour master opens the gate. " + "Filler. " * 100
    )
    shown = text_of(text, "harbour master gate")
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert "The [harbour] [master] opens the [gate]." in shown
    assert len(shown) < 360


def test_code_keeps_its_lines() -> None:
    code = "\ndef level(station):\n    return *station\n"
    assert text_of(code, "station", code=True) == "def level([station]):\n    return *[station]"


@given(st.text(max_size=400), st.text(max_size=40), st.booleans())
def test_no_text_is_too_strange(text: str, query: str, code: bool) -> None:
    pieces_of(text, query, code=code)


def test_a_very_long_passage_takes_no_time() -> None:
    start = time.process_time()
    for text in (
        "word " * 20_000,
        "[" * 50_000,
        "<" * 50_000,
        "| " * 20_000,
        "- " * 20_000,
        "`" * 50_000,
        "\\" * 50_000,
    ):
        pieces_of(text, "word other")
    assert time.process_time() - start < 5
