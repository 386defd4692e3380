"""What a model wrote against what it cites."""

from __future__ import annotations

import pytest

from wiki_pipeline.answers.answer import Sentence
from wiki_pipeline.answers.check import checked
from wiki_pipeline.answers.markers import canonical, read

SHOWN = {
    "c1": "[c1] On-call guide > Escalation (Engineering; version 7; changed 2026-10-03 by Ana Ruiz)\n"
    "After twelve minutes the pager calls the second person. The budget is 1,250.50 EUR. Set `max_retries = 5` "
    "in `deploy/values.yaml` and run wiki-pipeline 2.1.0 on keel-03. See https://status.example.org/now. "
    "Since 4 May 2024.",
    "c2": "[c2] Rota (Engineering)\nBen is on duty on the 1st of each month, from 08:00 to 20:00.",
}


def sentences(text: str) -> tuple[Sentence, ...]:
    return checked(read(text, SHOWN.keys() | {"c0"}), SHOWN, "c0")


def missing(text: str) -> tuple[str, ...]:
    (one,) = sentences(text)
    return one.missing


@pytest.mark.parametrize(
    "text",
    [
        "After twelve minutes the pager calls the second person [c1].",
        "After 12 minutes the pager calls the second person [c1].",
        "Nach zwölf Minuten, also 12, wird die zweite Person gerufen [c1].",
        "The budget is 1250.50 EUR [c1].",
        "Das Budget beträgt 1.250,50 EUR [c1].",
        "Set `max_retries = 5` in `deploy/values.yaml` [c1].",
        "It is in deploy/values.yaml, as max_retries [c1].",
        "It runs version v2.1.0 on keel-03 [c1].",
        "It was changed on 3 October 2026 [c1].",
        "Es wurde am 3. Oktober 2026 geändert, zuerst am 4.5.2024 [c1].",
        "C'était le 4 mai 2024 [c1].",
        "Since May 4, 2024 [c1].",
        "2024年5月4日からです [c1]。",
        "The page is at https://status.example.org/now [c1].",
        "Ben is on duty from 08:00 to 20:00 and/or longer [c2].",
        "The pager calls after ١٢ minutes [c1].",
    ],
)
def test_a_fact_that_its_source_holds_in_any_spelling_is_grounded(text: str) -> None:
    assert missing(text) == ()


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("After 15 minutes the pager calls the second person [c1].", ("15",)),
        ("The budget is 12,505 EUR [c1].", ("12,505",)),
        ("It runs version 2.2.0 [c1].", ("2.2.0",)),
        ("It is in deploy/secrets.yaml [c1].", ("deploy/secrets.yaml",)),
        ("Set `min_retries` first [c1].", ("min_retries",)),
        ("It calls pageSecond on the host [c1].", ("pageSecond",)),
        ("It was changed on 4 October 2026 [c1].", ("2026-10-04",)),
        ("Read https://evil.example/now first [c1].", ("https://evil.example/now",)),
        ("See OPS-12 for more [c1].", ("OPS-12",)),
        # In another source than the one that is named.
        ("Ben is on duty from 08:00 [c1].", ("08:00",)),
    ],
)
def test_a_fact_that_its_source_does_not_hold_is_named(text: str, facts: tuple[str, ...]) -> None:
    assert missing(text) == facts


def test_a_fact_may_stand_in_any_of_the_sources_named() -> None:
    assert missing("After 12 minutes, from 08:00 on [c1, c2].") == ()


def test_sentences_without_a_source_are_told_from_those_with_one() -> None:
    text = (
        "# Answer\n\nAna is called first. Ben is next. [c2] In short:\n\n1. Wait for the pager [c1]\n2. Call Ben too\n"
    )
    found = sentences(text)
    said = [canonical(read(text, SHOWN))[one.begin : one.end] for one in found]
    assert said == ["Ana is called first.", "Ben is next. [c2]", "Wait for the pager [c1]", "Call Ben too"]
    assert [one.citations for one in found] == [(), ("c2",), ("c1",), ()]


def test_what_says_that_nothing_is_there_needs_no_source() -> None:
    assert sentences("The excerpts don't say who that is. [c0]") == ()


def test_marks_behind_the_full_stop_belong_to_the_sentence_before() -> None:
    text = "Ana is called first.[c1] Ben comes after that.[c2]"
    found = sentences(text)
    assert [one.citations for one in found] == [("c1",), ("c2",)]
    assert [text[one.begin : one.end] for one in found] == ["Ana is called first.[c1]", "Ben comes after that.[c2]"]


def test_scripts_without_spaces_are_claims_too() -> None:
    assert [one.citations for one in sentences("二番目の人が呼ばれます。")] == [()]
