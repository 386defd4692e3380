"""Hashes: no two different sequences of parts have the same, however they are made."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wiki_pipeline.model import digest, digests

_PARTS = st.text() | st.binary() | st.integers() | st.tuples(st.text())


@given(st.lists(_PARTS, max_size=4), st.lists(_PARTS, max_size=4))
def test_hashes_of_several_ends_are_those_of_each(beginning: list[object], ends: list[object]) -> None:
    assert digests(beginning, ends) == [digest(*beginning, end) for end in ends]


@given(st.lists(st.text(max_size=3), max_size=4), st.lists(st.text(max_size=3), max_size=4))
def test_different_parts_have_different_hashes(one: list[str], other: list[str]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)
