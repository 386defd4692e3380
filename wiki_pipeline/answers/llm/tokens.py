"""How many tokens a text is for a model that nobody can ask: characters a token, learned from what endpoints say."""

from __future__ import annotations

import re
import threading

_CJK = re.compile("[々〆ぁ-ゖゝ-ゟァ-ヺー-ヿ㐀-䶿一-鿿가-힣豈-﫿]")
_START = 3.0  # characters a token, on the safe side for most European languages and code
_START_CJK = 1.2
_MOST, _LEAST = 5.5, 1.5  # what is learned from one odd answer stays within
_SHARE = 0.3  # of what is learned anew
_STEP = 0.5
_MESSAGE = 8  # tokens around a message
# No tokenizer makes fewer: if an endpoint says so, it has not read everything.
_FEWEST = 7.0


class TokenCounter:
    """Estimates tokens of texts for one model at one endpoint. Safe between threads."""

    def __init__(self) -> None:
        self._ratio = _START
        self._lock = threading.Lock()

    @property
    def characters(self) -> float:
        """Characters a token, of other scripts than Chinese, Japanese and Korean. In steps: what has room in a prompt,
        and with it what is kept of answers, doesn't change with every answer."""
        return int((self._ratio + 0.05) / _STEP) * _STEP

    def count(self, text: str) -> int:
        """About the tokens of a text, rather too many than too few."""
        cjk = 0 if text.isascii() else len(_CJK.findall(text))
        return int((len(text) - cjk) / self.characters + cjk / _START_CJK) + 1

    def count_messages(self, texts: list[str]) -> int:
        """About the tokens of a prompt."""
        return sum(self.count(text) + _MESSAGE for text in texts)

    def learn(self, texts: list[str], tokens: int) -> None:
        """Take in what an endpoint counted for a prompt."""
        text = "".join(texts)
        if tokens <= 0 or len(text) < 400 or (not text.isascii() and len(_CJK.findall(text)) > len(text) // 10):
            return
        seen = min(_MOST, max(_LEAST, len(text) / max(1, tokens - _MESSAGE * len(texts))))
        with self._lock:
            self._ratio += _SHARE * (seen - self._ratio)


def was_cut(texts: list[str], tokens: int) -> bool:
    """Whether an endpoint that counted so many tokens can't have read the whole prompt: some cut it and say nothing."""
    text = "".join(texts)
    if tokens <= 0 or len(text) < 2_000:
        return False
    if tokens < len(text) / _FEWEST:
        return True
    is_window = tokens >= 1_024 and tokens & (tokens - 1) == 0  # exactly 2,048, 4,096, ...: a window that is full
    return is_window and tokens < len(text) / 4.5
