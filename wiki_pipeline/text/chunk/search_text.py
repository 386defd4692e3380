"""The text that is searched and embedded, beside the one that is shown.

Its first line is the place: space, page, path. That line is searched and not embedded, so that a renamed or moved
document keeps its vectors. Below are the headings, the text without markup, and identifiers split into their words.
"""

from __future__ import annotations

import re

from wiki_pipeline.model import CleanPage

_IDENTIFIER = re.compile(r"\b(?:[A-Za-z]+[a-z0-9]*[A-Z]|[A-Za-z0-9]+_)[A-Za-z0-9_]*\b")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[A-Z]+")
_LINK = re.compile(r"!?\[((?:[^\[\]\\]|\\.)*)\]\([^()\s]*(?: \"[^\"]*\")?\)")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--.*?-->", re.DOTALL)
_RULE = re.compile(r"^[ >]*\|?(?:[ :]*-{3,}[ :]*\|?)+[ ]*$\n?|^ *(?:```|~~~).*$\n?", re.MULTILINE)
_MARKS = re.compile(
    r"\\(?=[!-/:-@\[-`{-~])|\*\*|~~|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)|`|^[ >]*#{1,6} |^ *> ?(?:\[!\w+\])?|^(?:\||\s)+|\|",
    re.MULTILINE,
)
_MOST_IDENTIFIERS = 200


def search_text(page: CleanPage, path: tuple[str, ...], text: str) -> str:
    """What full-text search reads: place, headings, text, words of identifiers."""
    place = [part for part in (page.space_name or page.space_key, page.title, page.path) if part]
    body = text if page.code_language else plain_text(text)
    lines = [" ".join(" > ".join(dict.fromkeys(place)).split()), " > ".join(path), body, split_identifiers(body)]
    return "\n".join([lines[0], *filter(None, lines[1:])])


def embedding_text(searched: str) -> str:
    """What is embedded of a search text: all but its first line, the place."""
    return searched.partition("\n")[2]


def plain_text(markdown: str) -> str:
    """Markdown without its marks: no link targets, tags, table rules or escapes."""
    text = _LINK.sub(r"\1", markdown) if "](" in markdown else markdown
    text = _TAG.sub("", text.replace("<br>", " ")) if "<" in text else text
    text = _MARKS.sub("", _RULE.sub("", text))
    return "\n".join(line for line in (" ".join(line.split()) for line in text.split("\n")) if line)


def split_identifiers(text: str) -> str:
    """The words of identifiers: `getUserName max_retry_count` as `get User Name max retry count`."""
    found = dict.fromkeys(match.group() for match in _IDENTIFIER.finditer(text))
    parts = (" ".join(_PARTS.findall(name)) for name in list(found)[:_MOST_IDENTIFIERS])
    return " ".join(part for part in parts if " " in part)
