"""Text as it is indexed and asked for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wiki_pipeline.text.normalise import cjk_bigrams, normalise


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("İstanbul", "Istanbul"),
        ("I\u0307stanbul", "Istanbul"),
        ("ısı", "ısı"),
        ("ﬁn", "fin"),
        ("ｶﾞｲﾄﾞ", "ガイド"),
        ("Ａ１", "A1"),
        ("cafe\u0301", "café"),
        ("a\ud800b", "ab"),
        ("a\x00b", "a b"),
        ("é\x00b", "é b"),
    ],
)
def test_spellings_of_one_text_become_one(text: str, expected: str) -> None:
    assert normalise(text) == expected


@settings(deadline=None)
@given(st.text())
def test_normal_text_stays_as_it_is(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    once.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", ""),
        ("no such script: ünï", ""),
        ("東京都", "東京 京都"),
        ("猫", "猫"),
        ("the 東京 office in 大阪市、日本", "東京 大阪 阪市 日本"),
        ("ｶﾞｲﾄﾞ", "ガイ イド"),
        ("한국어", "한국 국어"),
        ("人々", "人々"),
        ("𠮷野家", "𠮷野 野家"),
    ],
)
def test_scripts_without_spaces_become_pairs(text: str, pairs: str) -> None:
    assert cjk_bigrams(text) == pairs


@settings(deadline=None)
@given(st.text(), st.text())
def test_what_a_text_contains_its_pairs_contain(before: str, after: str) -> None:
    assert "京都" in cjk_bigrams(f"{before}京都{after}").split()
