"""A text in its parts."""

from __future__ import annotations

import pytest

from wiki_pipeline.answers.sentences import Kind, parts_of


def of(text: str) -> list[tuple[str, str]]:
    return [(part.kind.value, part.of(text)) for part in parts_of(text)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Ana is called. Ben is next! Who else?", ["Ana is called.", "Ben is next!", "Who else?"]),
        (
            "Use v1.2.3, e.g. on host a.b.example. Then wait 3.5 s.",
            ["Use v1.2.3, e.g. on host a.b.example.", "Then wait 3.5 s."],
        ),
        (
            "Am 3. Oktober um 4.30 Uhr, d.h. nachts. Danach nicht.",
            ["Am 3. Oktober um 4.30 Uhr, d.h. nachts.", "Danach nicht."],
        ),
        ("Dr. Ruiz calls J. Ito. He answers.", ["Dr. Ruiz calls J. Ito.", "He answers."]),
        ("第一です。第二です。", ["第一です。", "第二です。"]),
        ("هل هذا سؤال؟ نعم.", ["هل هذا سؤال؟", "نعم."]),
        ("“Stop.” She left.", ["“Stop.”", "She left."]),
        ("One\nsentence over\nthree lines.", ["One\nsentence over\nthree lines."]),
        ("Week 17. Remark 18 follows.", ["Week 17.", "Remark 18 follows."]),
    ],
)
def test_running_text_is_cut_at_its_sentences(text: str, sentences: list[str]) -> None:
    assert [said for _, said in of(text)] == sentences


def test_every_kind_of_part_is_told() -> None:
    text = (
        "# Paging\n\nAna is called.\n\n- first do this. Then that.\n- [ ] second\n\n"
        "| a | b |\n| - | - |\n| 1 | 2 |\n\n```py\nx = 1.\ny = 2\n```\n> quoted.\n"
    )
    assert of(text) == [
        ("heading", "Paging"),
        ("sentence", "Ana is called."),
        ("item", "first do this."),
        ("item", "Then that."),
        ("item", "second"),
        ("row", "| 1 | 2 |"),
        ("code", "x = 1.\ny = 2"),
        ("sentence", "quoted."),
    ]
    assert next(part for part in parts_of(text) if part.kind is Kind.ROW).header == "| a | b |"


def test_a_part_that_is_very_long_is_cut_and_nothing_is_lost() -> None:
    text = "word " * 1_000
    parts = parts_of(text)
    assert len(parts) > 5
    assert " ".join(part.of(text) for part in parts).split() == text.split()


def test_an_unclosed_fence_is_code_to_the_end() -> None:
    assert of("```\nx = 1\n") == [("code", "x = 1")]
