"""What became of an example: whether another program's Markdown of it still shows what a reader saw."""

from __future__ import annotations

import html
import re
from enum import StrEnum

from wiki_pipeline_tests.text.confluence.examples import Example

# Tags are no words; those of emphasis don't part words either.
_TAG_IN_WORD = re.compile(
    r"</?(?:a|b|code|del|em|i|img|ins|mark|q|s|small|span|strong|sub|sup|u)\b[^<>]*>", re.IGNORECASE
)
_TAG = re.compile(
    r"</?(?:blockquote|br|dd|details|div|dl|dt|h\d|hr|iframe|li|ol|p|pre|summary|t[dhr]|table|tbody|thead|ul)\b[^<>]*>",
    re.IGNORECASE,
)
_LINK = re.compile(r"!?\[((?:[^\[\]\\]|\\.)*)\]\(([^()\s]*)(?:\s\"[^\"]*\")?\)")
_MARKS = re.compile(r"[*`\\]|~~")
_WORD = re.compile(r"\w+|[^\w\s\x00-\x7f]")


class Verdict(StrEnum):
    """How much of an example is left, from all to worse than nothing."""

    KEPT = "kept"
    WORDS = "words only"
    PARTLY = "partly"
    LOST = "lost"
    GARBLED = "garbled"


def verdict(example: Example, markdown: str) -> Verdict:
    """Whether words, code and form of an example are in the text, in order, and nothing that no reader sees."""
    words = _words(markdown)
    found = [shown for shown in example.shown if _holds(words, markdown, shown)]
    if any(hidden.casefold() in _alphanumeric(markdown) for hidden in map(_alphanumeric, example.hidden) if hidden):
        return Verdict.GARBLED
    if len(found) < len(example.shown):
        damaged = [shown for shown in example.shown if _alphanumeric(shown) in _alphanumeric(markdown)]
        if len(damaged) > len(found):
            return Verdict.GARBLED
        return Verdict.PARTLY if found else Verdict.LOST
    return Verdict.KEPT if re.search(example.form, markdown, re.MULTILINE) else Verdict.WORDS


def _holds(words: list[str], markdown: str, shown: str) -> bool:
    """Whether words stand there as such; of several lines, which are code, exactly those lines, indented alike."""
    if "\n" in shown:
        lines = "\\n[ >]*".join(re.escape(line) for line in shown.split("\n"))
        return bool(re.search(rf"^[ >|]*{lines}[ |]*$", markdown, re.MULTILINE))
    desired = _words(shown)
    return any(words[at : at + len(desired)] == desired for at in range(len(words)))


def _words(markdown: str) -> list[str]:
    text = _LINK.sub(lambda link: f"{link[1]} {link[2]} ", markdown)
    text = html.unescape(_MARKS.sub("", _TAG.sub(" ", _TAG_IN_WORD.sub("", text))))
    return [word for word in (found.strip("_").casefold() for found in _WORD.findall(text)) if word]


def _alphanumeric(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum() or ord(character) > 0x2000)
