"""Tokens word by word are those of the tokenizer that the model was made with."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from wiki_pipeline.text.embed.static import StaticEmbedder, WordTokens

TOKENIZER: Tokenizer = StaticEmbedder()._tokenizer
WORDS = WordTokens(TOKENIZER)
# The tokenizer reads these as its own marks; in a text from outside they are only characters.
OWN_MARKS = ("<unk>", "<s>", "</s>")


@given(
    st.lists(
        st.sampled_from(["a", "data", " ", "  ", "\n", "\t", "\x00", "\u2581", "\u0130", "漢", "😀", "\r", ".", "Qx"])
    )
)
@example(["  ", "\n", "\n", "  ", "a"])
def test_words_and_spaces_in_any_order_have_the_tokenizers_tokens(parts: list[str]) -> None:
    text = "".join(parts)
    assert [*WORDS.ids(text)] == TOKENIZER.encode(text, add_special_tokens=False).ids


@given(st.text())
def test_any_text_has_the_tokenizers_tokens(text: str) -> None:
    if not any(mark in text for mark in OWN_MARKS):
        assert [*WORDS.ids(text)] == TOKENIZER.encode(text, add_special_tokens=False).ids


def test_no_token_of_the_vocabulary_reaches_over_a_space_or_a_line() -> None:
    reaching = [token for token in TOKENIZER.get_vocab() if "\u2581" in token.lstrip("\u2581") or "\n" in token]
    assert reaching == []


def test_a_text_is_read_the_same_after_more_words_than_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wiki_pipeline.text.embed.static._REMEMBERED", 3)
    text = "one two three four five six one two"
    few = WordTokens(TOKENIZER)
    assert [*few.ids(text)] == [*few.ids(text)] == TOKENIZER.encode(text, add_special_tokens=False).ids
