"""Counting words, and the check that a conversion lost none."""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter

from wiki_pipeline.model import CleanPage, RawPage

# What stands between white space in Markdown and is no word. (Looking into each word for a letter takes twice as long.)
_NO_WORD = {"|", "-", "*", "+", ">", "#", "##", "###", "####", "#####", "######", "---", ":---", "---:", ":---:", "```"}
_NO_WORD |= {"````", "~~~", "$$", "=", "==", "–", "—", "&", "/", "[", "]", "[x]", ".", "…", "→", "←"}
# Scripts that are written without spaces count by character.
_CHARACTER = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿가-힯]")


def count_words(text: str) -> int:
    """About the number of words that people would count."""
    runs = text.split()
    words = len(runs) - sum(map(_NO_WORD.__contains__, runs))
    return words if text.isascii() else words + len(_CHARACTER.findall(text))


# --- the check -------------------------------------------------------------------------------------------------------
# It reads the source with regular expressions only, so that it shares no mistake with the parser and the handlers.

_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\] ?>", re.DOTALL)
_FOR_PROGRAMS = re.compile(
    r"<!--.*?-->|<\?.*?\?>|<(ac:parameter|ac:default-parameter|ac:task-id|ac:task-status|ac:task-uuid|ac:placeholder"
    r"|ac:adf-attribute|ac:adf-fallback|script|style|head|template)\b(?:[^>]*/>|.*?</\1\s*>)",
    re.DOTALL | re.IGNORECASE,
)
_WITHIN_WORDS = re.compile(
    r"</?(?:a|abbr|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|time"
    r"|tt|u|var|ac:link|ac:link-body|ac:plain-text-link-body|ac:inline-comment-marker|ri:[a-z-]+)\b[^>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[A-Za-z][^>]*>")
_CODE = re.compile(
    r"^[ >]*(?P<fence>`{3,}).*?^[ >]*(?P=fence)$|(?<!`)(?P<span>`+)(?!`).+?(?<!`)(?P=span)(?!`)",
    re.DOTALL | re.MULTILINE,
)
_ESCAPED_TAG = re.compile(r"\\<")
# Where no spaces are written, the text of a link is one word with what stands beside it.
_LINK = re.compile(r"(?<![!\\])\[((?:[^\[\]\\]|\\.)*)\]\([^()\s]*\)")
_MARKS = re.compile(r"[\\*`]|~~")
_TOKEN = re.compile(r"\w+")


def lost_words(raw: RawPage, clean: CleanPage) -> Counter[str]:
    """The words of a document's source that its conversion holds less often, with how many are missing.

    Words of macro parameters and of other texts that are for programs don't count. Words that the conversion adds
    (link targets, names of files) don't either.
    """
    source = raw.body
    if raw.media_type.endswith(("xml", "html")):
        source = _CDATA.sub(lambda found: html.escape(found.group(1)), source)
        source = _visible(_FOR_PROGRAMS.sub("", source.replace("<![CDATA[", "")))  # left: sections without end
    result = clean.markdown if clean.code_language else _shown(clean.markdown)
    lost = _words(source) - _words(result)
    return lost & (_words(source) - _words(_LINK.sub(r"\1", result))) if lost else lost


def _visible(text: str) -> str:
    return html.unescape(_TAG.sub(" ", _WITHIN_WORDS.sub("", text)))


def _shown(markdown: str) -> str:
    """Markdown without escapes and tags; code as it stands."""
    parts, at = [], 0
    for code in _CODE.finditer(markdown):
        parts += [_visible(_ESCAPED_TAG.sub("&lt;", markdown[at : code.start()])), code.group()]
        at = code.end()
    parts.append(_visible(_ESCAPED_TAG.sub("&lt;", markdown[at:])))
    return "".join(parts)


def _words(text: str) -> Counter[str]:
    return Counter(_TOKEN.findall(_MARKS.sub("", unicodedata.normalize("NFC", text)).casefold()))
