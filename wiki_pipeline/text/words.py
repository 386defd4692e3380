"""Counting words, and the check that a conversion lost none."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections import Counter
from itertools import filterfalse

from wiki_pipeline.model import CleanPage, RawPage

# What stands between white space in Markdown and is no word. (Looking into each word for a letter takes twice as long.)
_NO_WORD = {"|", "-", "*", "+", ">", "#", "##", "###", "####", "#####", "######", "---", ":---", "---:", ":---:", "```"}
_NO_WORD |= {"````", "~~~", "$$", "=", "==", "–", "—", "&", "/", "[", "]", "[x]", ".", "…", "→", "←"}
# Scripts that are written without spaces count by character.
_CHARACTER = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿가-힯]")


def count_words(text: str) -> int:
    """About the number of words that people would count."""
    words = len(list(filterfalse(_NO_WORD.__contains__, text.split())))
    return words if text.isascii() else words + len(_CHARACTER.findall(text))


# --- the check -------------------------------------------------------------------------------------------------------
# It reads the source with searches and regular expressions only, so that it shares no mistake with the parser and the
# handlers. Each of them takes time in proportion to the text, whatever is in it: none looks past the next bracket.

_CDATA_BEGIN, _CDATA_END = "<![CDATA[", "]]>"
# Elements whose text is for programs. Most hold no other element, and one expression finds those.
_PLAIN = re.compile(
    r"<(ac:(?:default-)?parameter|ac:task-(?:id|status|uuid)|ac:placeholder|ac:adf-(?:attribute|parameter|mark))\b[^<>]*>"
    r"[^<]*</\1\s*>",
    re.IGNORECASE,
)
_FOR_PROGRAMS = re.compile(
    r"</(script|style|head|template|ac:(?:default-)?parameter|ac:placeholder|ac:adf-(?:attribute|parameter|mark|fallback))\b",
    re.IGNORECASE,
)
_HIDDEN_MACRO = re.compile(
    r"<ac:structured-macro\b[^<>]*\sac:name=\"(?:style|css-stylesheet|htmlcomment|comment-macro)\"[^<>]*(?<!/)>",
    re.IGNORECASE,
)
_MACRO = "<ac:structured-macro"
_DIAGRAM = re.compile(rf'{_MACRO}\b[^<>]*\sac:name="[^"]*(?:mermaid|plantuml|graphviz)', re.IGNORECASE)
_PACKED = re.compile(r"\s*[A-Za-z0-9+/=]{16,}\s*")  # a diagram's source, deflated
# Marked sections of these kinds are no text (`<![if !IE]>`); those of any other kind are shown as they stand.
_SECTION = r"\[(?i:if|else|endif|temp|ignore|include|rcdata)\b"
# Declarations as a doctype, instructions to programs, end tags without a name: HTML ends each at the next `>`.
_DECLARATION = re.compile(rf"<(?:!(?:[A-Za-z]|{_SECTION})|\?|/[^A-Za-z<>])")
# Storage format has no doctype and no entities of its own: these two are shown as the text that they are.
_STRAY_DECLARATION = re.compile(rf"<(?:!(?:(?!DOCTYPE|ENTITY)[A-Za-z]|{_SECTION})|\?|/[^A-Za-z<>])")
_FORMULA = re.compile(r"<math\b[^<>]*(?<!/)>", re.IGNORECASE)
_TEX = re.compile(r"<annotation\b[^<>]*application/x-tex[^<>]*>([^<]*)<", re.IGNORECASE)
_WITHIN_WORDS = re.compile(
    r"</?(?:a|abbr|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|time"
    r"|tt|u|var|ac:inline-comment-marker)\b[^<>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_HTML = {"text/html", "application/xhtml+xml"}
# Characters that XML can't hold; words are whole without them.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_BETWEEN_LETTERS = re.compile(r"\x01(?<=\w\x01)(?=\w)")
# Where no spaces are written, the text of a link is one word with what stands beside it.
_LINK = re.compile(r"(?<![!\\])\[((?:[^\[\]\\]|\\.)*)\]\([^()\s]*\)")
_MARKS = re.compile(r"[\\*`]|~~")
_TOKEN = re.compile(r"\w+")


def lost_words(raw: RawPage, clean: CleanPage) -> Counter[str]:
    """The words of a document's source that its conversion holds less often, with how many are missing.

    Words of macro parameters and of other texts that are for programs don't count. Words that the conversion adds
    (link targets, names of files) don't either, but one of them may hide that the same word is lost elsewhere.
    """
    source, result = raw.body, clean.markdown
    if raw.media_type.endswith(("xml", "html")):
        source = _for_people(source, _DECLARATION if raw.media_type in _HTML else _STRAY_DECLARATION)
        if _stands_there(source, result):
            return Counter()
        source = _visible(_CONTROL.sub("", source))
    desired = _words(source)
    lost = desired - _words(result)
    for shown in (_visible, _without_links):  # what is code and what is prose need not be told apart that way
        lost &= desired - _words(shown(result)) if lost else lost
    return lost


def _stands_there(source: str, result: str) -> bool:
    """Whether all text of the source stands in the result in the same order, line by line: so it does in most pages,
    which are done with that, in a tenth of the time that counting words takes."""
    text = _TAG.sub("\x01", source)
    if _BETWEEN_LETTERS.search(text):
        return False  # parts of one word, perhaps
    text = html.unescape(text).replace("\x01", "\n").replace("\xa0", " ").replace("\\", "")
    result = result.replace("\\", "").replace("\xa0", " ")
    at, result = 1, f"\n{result}\n"
    for piece in filter(None, map(str.strip, text.split("\n"))):
        at = _end_of(piece, result, at)
        if at < 0:
            return False
    return True


def _end_of(piece: str, result: str, at: int) -> int:
    """Where a piece of text ends in the result, which has a line end on both sides, at whole words; -1 if nowhere."""
    while (begin := result.find(piece, at)) >= 0:
        at = begin + len(piece)
        if not (_is_torn(result[begin - 1], piece[0]) or _is_torn(piece[-1], result[at])):
            return at
        at = begin + 1
    return -1


def _is_torn(before: str, after: str) -> bool:
    """Whether two characters belong to one word."""
    return (before.isalnum() or before == "_") and (after.isalnum() or after == "_")


def _for_people(source: str, declaration: re.Pattern[str]) -> str:
    """Markup without what no reader sees; code in sections is text like any other."""
    source = _sections_as_text(source)
    if "<!--" in source or "<?" in source:
        source = _without(_without(source, re.compile("<!--"), "-->"), re.compile(r"<\?"), "?>")
    if declaration.search(source):
        source = _without(source, declaration, ">")
    if "<ac:" in source:
        source = _PLAIN.sub("", source)
    if "</ac:structured-macro>" in source:
        source = _without(source, _HIDDEN_MACRO, "</ac:structured-macro>")
    if "<math" in source:
        source = _formulas_as_tex(source)
    for name in sorted({found.lower() for found in _FOR_PROGRAMS.findall(source)}):
        source = _without(source, re.compile(rf"<{name}\b[^<>]*(?<!/)>", re.IGNORECASE), f"</{name}>")
    return source


def _sections_as_text(source: str) -> str:
    if _CDATA_BEGIN not in source:
        return source
    if _CDATA_END not in source:
        source = source.replace("]] >", _CDATA_END)  # XML exports end sections so
    first, *sections = source.split(_CDATA_BEGIN)
    parts = [first]
    for section in sections:
        code, end, markup = section.partition(_CDATA_END)
        if end and _DIAGRAM.match(parts[-1], max(0, parts[-1].rfind(_MACRO))):
            code = "" if _PACKED.fullmatch(code) else _longest_text(code)
        parts += [html.escape(code), markup] if end else [section]
    return "".join(parts)


def _longest_text(code: str) -> str:
    """The longest text in JSON, in which some apps wrap a diagram's source; what is no JSON as it is."""
    if code.lstrip()[:1] not in {"{", "["}:
        return code
    try:
        todo, longest = [json.loads(code)], ""
    except (ValueError, RecursionError):
        return code
    while todo:
        value = todo.pop()
        if isinstance(value, str):
            longest = max(longest, value, key=len)
        elif isinstance(value, list | dict):
            todo += value.values() if isinstance(value, dict) else value
    return longest or code


def _without(source: str, begin: re.Pattern[str], end: str) -> str:
    """The text without what stands between two marks; what has no end is left."""
    parts, at = [], 0
    while (found := begin.search(source, at)) and (until := source.find(end, found.end())) >= 0:
        parts.append(source[at : found.start()])
        at = until + len(end)
    return "".join((*parts, source[at:]))


def _formulas_as_tex(source: str) -> str:
    """A formula that is there as drawing and as TeX counts once, as TeX: that is what is kept of it."""
    parts, at = [], 0
    while (found := _FORMULA.search(source, at)) and (until := source.find("</math>", found.end())) >= 0:
        tex = _TEX.search(source, found.end(), until)
        parts += [source[at : found.start()], tex[1] if tex else source[found.start() : until]]
        at = until
    return "".join((*parts, source[at:]))


def _visible(text: str) -> str:
    return html.unescape(_TAG.sub(" ", _WITHIN_WORDS.sub("", text)))


def _without_links(markdown: str) -> str:
    return _LINK.sub(r"\1", _visible(markdown))


def _words(text: str) -> Counter[str]:
    return Counter(_TOKEN.findall(_MARKS.sub("", unicodedata.normalize("NFC", text)).casefold()))
