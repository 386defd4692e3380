"""Sentences that answer a question, and the words by which they are found."""

from __future__ import annotations

import pytest

from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.extract import Extracted, extract, parts_asked
from wiki_pipeline.answers.words import marked, stem, telling, words_of
from wiki_pipeline.text.embed.static import StaticEmbedder


def page(number: int, title: str, text: str, *, code: bool = False) -> Citation:
    return Citation(
        id=f"c{number}", chunk_id=str(number), source="default:git:acme/rocket", source_title="rocket", kind="git",
        document_id=title, version="1", title=title, headings=(), path="", start_line=0, end_line=0, code=code, url="",
        wiki_url="", author="", modified_at=None, text=text, text_hash=text,
    )  # fmt: skip


PAGES = [
    page(
        1,
        "Index",
        "See [the calibration of a radar gauge](https://example.org/radar-gauge-calibration) for more there.",
    ),
    page(
        2,
        "Calibrating a radar gauge",
        "Calibrate the gauge by measuring the level three times. Write the mean of them into the offset table.",
    ),
    page(3, "Rota", "| who | when |\n| - | - |\n| Ben Ito | from 08:00 to 20:00 |\n| Ana Ruiz | at night |\n"),
    page(4, "Code", "def calibrate(gauge):\n    return gauge.level\n", code=True),
]


def asked(question: str) -> Extracted:
    return extract(PAGES, question, telling(question), StaticEmbedder())


def test_what_a_link_is_called_says_where_and_not_what() -> None:
    found = asked("How is a radar gauge calibrated?")
    assert found.answers
    assert found.passages[0].citation != "c1"


def test_a_row_of_a_table_comes_with_its_header() -> None:
    best = asked("Who is there from 08:00 to 20:00?").passages[0]
    assert (best.citation, best.kind, best.header) == ("c3", "row", "| who | when |")


def test_code_that_holds_the_question_comes_behind_prose_that_answers_it() -> None:
    body = 'QUESTION = "How often is the gauge measured?"\nassert find(QUESTION, "gauge")'
    test = page(5, "test_pages.py", body, code=True)
    question = "How often is the gauge measured?"
    found = extract([test, *PAGES], question, telling(question), StaticEmbedder())
    assert found.passages[0].citation == "c2"
    code = page(6, "levels.py", "def read_level(gauge):\n    return gauge.level_in_metres\n", code=True)
    about_code = "What does read_level return?"
    found = extract([*PAGES, code], about_code, telling(about_code), StaticEmbedder())
    assert found.passages[0].citation == "c6"


def test_a_text_that_holds_the_very_question_is_no_answer_to_it() -> None:
    question = "How is a radar gauge calibrated?"
    echo = page(7, "README", f'Ask it something: wiki-pipeline ask "{question}" prints the answer.')
    found = extract([echo, *PAGES], question, telling(question), StaticEmbedder())
    assert found.passages[0].citation == "c2"
    alone = "Where is the dress code of the summer party?"
    found = extract([page(8, "questions", f"- {alone}")], alone, telling(alone), StaticEmbedder())
    assert not found.answers


@pytest.mark.parametrize("joined", ["{}, and {}", "{} und {}", "{} et {}"])
def test_a_question_of_two_parts_is_answered_in_both(joined: str) -> None:
    found = asked(joined.format("how is a radar gauge calibrated", "who is there at night?"))
    assert found.answers
    assert {"c2", "c3"} <= {passage.citation for passage in found.passages}


def test_what_is_said_together_is_not_parted() -> None:
    assert parts_asked("Which pages and files are stale?") == ["Which pages and files are stale?"]
    assert parts_asked("What is Keel, and how is it restarted?") == ["What is Keel", "how is it restarted?"]


def test_what_nothing_speaks_to_is_no_answer() -> None:
    assert not asked("What is the capital of Mongolia?").answers
    assert asked("???").passages == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Qu'a décidé l’équipe d'Alexandrie ?", ["a", "décidé", "équipe", "alexandrie"]),
        ("東京都の天気", ["東京", "京都", "都の", "の天", "天気"]),
        ("Größe & Groesse", ["grösse", "groesse"]),
    ],
)
def test_words_of_several_languages(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_endings_and_accents_make_no_other_word() -> None:
    assert stem("calibrated") == stem("calibrates")
    assert stem("café") == "cafe"
    assert stem("v2") == "v2"
    pieces = list(marked("The pagers called Ben.", ["pager", "call"]))
    assert [piece for piece, is_term in pieces if is_term] == ["pagers", "called"]
    assert "".join(piece for piece, _ in pieces) == "The pagers called Ben."
