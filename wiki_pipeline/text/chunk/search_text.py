"""The text that is searched and embedded, beside the one that is shown.

Its first line is what surrounds the segment: space, page, path, headings, and the words of its identifiers. That line
is searched and not embedded, so that a renamed document or heading costs no embedding. (Identifiers' words in what is
embedded made vector search worse, by a point of recall.) Below is the text without markup, which is both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from string import ascii_letters, digits

from wiki_pipeline.model import CleanPage

# A capital or an underscore within a word; the first class is what lets the engine skip all other characters.
_INNER = re.compile(r"[A-Z_](?<=[A-Za-z0-9][A-Z_])")
_WORD = re.compile(r"[A-Za-z0-9_]{3,}")
_WORD_CHARACTERS = f"{ascii_letters}{digits}_"
_COMPOUND = re.compile(r"[a-z0-9][A-Z]|[A-Z][A-Z][a-z]|[A-Za-z0-9]_[A-Za-z0-9]")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[A-Z]+")
_LINK = re.compile(r"!?\[((?:[^\[\]\\]|\\.)*)\]\([^()\s]*(?: \"[^\"]*\")?\)")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
# Patterns of lines begin with the line end above: the engine seeks that, and tries nothing elsewhere. The first finds
# rules of tables, others, and fences. It gives back nothing of what it took, since a row of dashes can be shared out
# among groups in more ways than can be tried.
_RULE = re.compile(
    r"\n(?:[ >]*+(?:"
    r"(?:\|[ ]*+:?-++:?[ ]*+)+\|?[ ]*+"
    r"|\|?[ :]*+-{3,}+(?:[ :]*+\|?[ :]*+-{3,}+)*[ :]*+\|?[ ]*+"
    r")(?=\n|\Z)|[ ]*+(?:```|~~~).*)"
)
# What a line may begin with: quotes, a heading's marks, an admonition's kind.
_BEGINNING = re.compile(r"\n(?:[ >\t]++(?:#{1,6} )?(?:\[!\w+\])?|#{1,6} (?:\[!\w+\])?|\[!\w+\])")
# Escapes and emphasis; the first class is what lets the engine skip all other characters.
_MARKS = re.compile(
    r"[*~\\](?:(?<=\\)(?=[!-/:-@\[-`{-~])|(?<=\*)\*|(?<=~)~|(?<=\w\*)(?!\w)|(?<!\w\*)(?<!\\\*)(?<=\*)(?=\w))"
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
    # Plain searches spare most texts most patterns.
    text = _LINK.sub(r"\1", markdown) if "](" in markdown else markdown
    text = _TAG.sub("", text.replace("<br>", " ")) if "<" in text else text
    text = f"\n{text}"
    if "---" in text or ":-" in text or "-:" in text or "```" in text or "~~~" in text:
        text = _RULE.sub("", text)
    if "*" in text or "~" in text or "\\" in text:
        text = _MARKS.sub("", text)
    text = _BEGINNING.sub("\n", text.replace("|", "").replace("`", ""))
    return "\n".join(filter(None, map(_evenly_spaced, text.split("\n"))))


def _evenly_spaced(line: str) -> str:
    """The line with its words one space apart. Most lines are so; other white space is not printable."""
    return line.strip() if line.isprintable() and "  " not in line else " ".join(line.split())


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
            begin = end + len(text[end : inner.start()].rstrip(_WORD_CHARACTERS))
            word = _WORD.match(text, begin)
            end = word.end() if word else inner.end()
            if word:
                yield word.group()
