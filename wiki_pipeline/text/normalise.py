"""Text as it is indexed and asked for. Rows and queries must go through the same functions, or they never meet."""

from __future__ import annotations

import re
import unicodedata

# Han with its extensions, the iteration marks, both kanas, the long vowel mark, Hangul: scripts without spaces, or
# (Hangul) whose words carry endings. Text is NFKC before it gets here, so half-width forms need no mention.
_CJK_RUN = re.compile("[々〆ぁ-ゖゝ-ゟァ-ヺー-ヿ㐀-䶿一-鿿가-힣豈-﫿\U00020000-\U0003ffff]+")


def normalise(text: str) -> str:
    """NFKC, with the Turkish capital İ as I; lone surrogates, which no text column can hold, go, and NUL is a space.

    Lowercasing is left to the index, which makes `i̇` (two characters) of `İ`, so that no one would find it.
    """
    if text.isascii():
        return text.replace("\x00", " ")
    text = text.encode("utf-8", "ignore").decode("utf-8")
    return unicodedata.normalize("NFKC", text).replace("\x00", " ").replace("İ", "I")


def cjk_bigrams(text: str) -> str:
    """The Chinese, Japanese and Korean parts of `text` as overlapping pairs of characters, separated by spaces.

    `東京都` gives `東京 京都`; a character between others of no such script stands alone. Text without any gives "".
    """
    if text.isascii():
        return ""
    return " ".join(pair for run in _CJK_RUN.findall(normalise(text)) for pair in _pairs(run))


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]
