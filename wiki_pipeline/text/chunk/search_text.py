"""The text that is searched and embedded, beside the one that is shown.

Its first line is what surrounds the passage: space, page, path, headings, and the words of its identifiers. That line
is searched and not embedded, so that a renamed document or heading costs no embedding. (Identifiers' words in what is
embedded made vector search worse, by a point of recall.) Below is the text without markup, which is both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from wiki_pipeline.model import CleanPage

# A capital or an underscore within a word; the first class is what lets the engine skip all other characters.
_INNER = re.compile(r"[A-Z_](?<=[A-Za-z0-9][A-Z_])")
_WORD = re.compile(r"[A-Za-z0-9_]{3,}")
_COMPOUND = re.compile(r"[a-z0-9][A-Z]|[A-Z][A-Z][a-z]|[A-Za-z0-9]_[A-Za-z0-9]")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[A-Z]+")
_LINK = re.compile(r"!?\[((?:[^\[\]\\]|\\.)*)\]\([^()\s]*(?: \"[^\"]*\")?\)")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
_RULE = re.compile(
    r"^[ >]*(?:\|[ ]*:?-+:?[ ]*)+\|?[ ]*$\n?|^[ >]*\|?(?:[ :]*-{3,}[ :]*\|?)+[ ]*$\n?|^ *(?:```|~~~).*$\n?",
    re.MULTILINE,
)
# At the beginning of a line: quotes, cells, a heading's marks, an admonition's kind.
_LINE = re.compile(r"[ >|\t]*(?:#{1,6} )?(?:\[!\w+\])?")
# Within it; the first class is what lets the engine skip all other characters.
_MARKS = re.compile(
    r"[*~`|\\](?:(?<=\\)(?=[!-/:-@\[-`{-~])|(?<=[`|])|(?<=\*)\*|(?<=~)~|(?<=\w\*)(?!\w)|(?<!\w\*)(?<!\\\*)(?<=\*)(?=\w))"
)
_MOST_IDENTIFIERS = 200


def search_text(page: CleanPage, path: tuple[str, ...], text: str) -> str:
    """What full-text search reads: a line of surroundings, then the text without markup."""
    body = text if page.code_language else plain_text(text)
    place = dict.fromkeys(part for part in (page.space_name or page.space_key, page.title, page.path, *path) if part)
    placed = " > ".join(place)
    surroundings = f"{placed} {split_identifiers(f'{placed} {body}')}"
    return f"{' '.join(surroundings.split())}\n{body}"


def embedding_text(searched: str) -> str:
    """What is embedded of a search text: all but its first line, the surroundings."""
    return searched.partition("\n")[2]


def plain_text(markdown: str) -> str:
    """Markdown without its marks: no link targets, tags, table rules or escapes."""
    text = _LINK.sub(r"\1", markdown) if "](" in markdown else markdown
    text = _TAG.sub("", text.replace("<br>", " ")) if "<" in text else text
    text = (
        _RULE.sub("", text) if "---" in text or ":-" in text or "-:" in text or "```" in text or "~~~" in text else text
    )
    lines = (_LINE.sub("", line, count=1) for line in _MARKS.sub("", text).split("\n"))
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)


def split_identifiers(text: str) -> str:
    """The words of identifiers: `getUserName max_retry_count` as `get User Name max retry count`.

    Single letters are no words: of `PLoS` they would make a question for P and S, which any list of initials answers.
    """
    found = filter(_COMPOUND.search, dict.fromkeys(_identifiers(text)))
    parts = (word for name in islice(found, _MOST_IDENTIFIERS) for word in _PARTS.findall(name))
    return " ".join(word for word in parts if len(word) > 1 or word.isdigit())


def _identifiers(text: str) -> Iterator[str]:
    """The words that have a capital or an underscore within, in order; words without, by far the most, cost nothing."""
    end = 0
    for inner in _INNER.finditer(text):
        if inner.start() >= end:
            begin = inner.start()
            while begin > end and (text[begin - 1].isalnum() or text[begin - 1] == "_") and text[begin - 1].isascii():
                begin -= 1
            word = _WORD.match(text, begin)
            end = word.end() if word else inner.end()
            if word:
                yield word.group()
