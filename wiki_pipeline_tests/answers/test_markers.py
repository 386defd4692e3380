"""Markers in a model's text: what is one, what is not, however it is cut into pieces."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.answers.markers import Marker, MarkerReader, canonical, read

KNOWN = frozenset({"c1", "c2", "c3", "c7"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ana is called [c1].", "Ana is called [c1]."),
        ("Ana is called [C1].", "Ana is called [c1]."),
        ("Ana is called [1].", "Ana is called [c1]."),
        ("Ana is called【1】.", "Ana is called[c1]."),
        ("Ana is called【3†source】.", "Ana is called[c3]."),
        ("Ana is called［c1］.", "Ana is called[c1]."),
        ("Ana is called [[c1]].", "Ana is called [c1]."),
        ("Ana is called [^1].", "Ana is called [c1]."),
        ("Ana is called [1, 3].", "Ana is called [c1][c3]."),
        ("Ana is called [c3; c7].", "Ana is called [c3][c7]."),
        ("Ana is called [c3][c7].", "Ana is called [c3][c7]."),
        ("Ana is called [ c3 , c7 ].", "Ana is called [c3][c7]."),
        ("アナです【c1、c2】。", "アナです[c1][c2]。"),
        ("يتصل [c1] بآنا", "يتصل [c1] بآنا"),
        # What was never issued goes, and what stands beside it stays.
        ("Ana [c99] is called [99].", "Ana  is called ."),
        ("Ana is called [c1, c99].", "Ana is called [c1]."),
        # No address of the model's own.
        ("Ana is called [1](http://evil.example/x?q=secret).", "Ana is called [c1]."),
        ("Ana is called [c1](javascript:alert(1)).", "Ana is called [c1]."),
        # What is no marker.
        ("argv[12] and a[0]", "argv[12] and a[0]"),
        ("status [404] in [2026]", "status [404] in [2026]"),
        ("- [ ] to do, [x] done, [c] and [see c1]", "- [ ] to do, [x] done, [c] and [see c1]"),
        (r"escaped \[c1]", r"escaped \[c1]"),
        ("`a[c1]` and ``b[1]`` then [c1]", "`a[c1]` and ``b[1]`` then [c1]"),
        ("```py\nx[1]\n[c1]\n```\nsaid [c1]", "```py\nx[1]\n[c1]\n```\nsaid [c1]"),
        ("~~~\n[c1]\n~~~\n[c1]", "~~~\n[c1]\n~~~\n[c1]"),
        ("an open ` in one paragraph\n\nand [c1]", "an open ` in one paragraph\n\nand [c1]"),
        ("the end [c", "the end [c"),
        ("[", "["),
    ],
)
def test_a_text_is_read_the_same_however_it_is_cut(text: str, said: str) -> None:
    assert canonical(read(text, KNOWN)) == said
    reader = MarkerReader(KNOWN)
    tokens = [token for character in text for token in reader.feed(character)]
    assert canonical([*tokens, *reader.end()]) == said


def test_markers_in_code_are_code() -> None:
    tokens = read("```\n[c1]\n```\n`[c2]` said [c3]", KNOWN)
    assert [token for token in tokens if isinstance(token, Marker)] == [Marker(("c3",))]


def test_what_was_never_issued_is_counted() -> None:
    reader = MarkerReader(KNOWN)
    reader.feed("a [c99] b [c1, c50] c [98] d [1](http://evil.example)")
    reader.end()
    assert (reader.unknown, reader.links) == (3, 1)


@given(
    st.lists(
        st.sampled_from(
            ["[", "]", "c1", "1", ",", " ", "`", "```", "\n", "\n\n", "(", ")", "http://x", "【", "】", "a", "^"]
        )
    ),
    st.data(),
)
def test_pieces_make_no_difference(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    reader, tokens, at = MarkerReader(KNOWN), [], 0
    while at < len(text):
        size = data.draw(st.integers(1, 5))
        tokens += reader.feed(text[at : at + size])
        at += size
    tokens += reader.end()
    assert canonical(tokens) == canonical(read(text, KNOWN))
    whole = MarkerReader(KNOWN)
    whole.feed(text)
    whole.end()
    assert (reader.unknown, reader.links) == (whole.unknown, whole.links)


@pytest.mark.parametrize("part", ["[", "[1", "[c1,", "1234567890", "`", "[c1](", "【", "~", "[[[", "\\["])
def test_time_is_linear_in_the_text(part: str) -> None:
    def seconds(count: int) -> float:
        reader, begun = MarkerReader(KNOWN), time.process_time()
        text = part * count
        for at in range(0, len(text), 1_000):
            reader.feed(text[at : at + 1_000])
        reader.end()
        return time.process_time() - begun

    seconds(1_000)
    assert seconds(40_000) < 40 * seconds(4_000) + 0.5  # ten times as much text; quadratic would be a hundred
