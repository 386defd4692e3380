"""Counting words, and the check that a conversion lost none."""

from __future__ import annotations

import re

# A run of letters and digits; a character of a script without spaces is a word of its own.
_WORD = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿가-힯]|[^\W_]+(?:['’_-][^\W_]+)*")


def count_words(text: str) -> int:
    """How many words people would count."""
    return sum(1 for _ in _WORD.finditer(text))
