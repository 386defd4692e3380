"""Where documents live in the wiki: `/wiki/{source}/{wiki_path}`."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote

from wiki_pipeline.model import Document, SourceKey

ROOT = "/wiki/"
_SLUG_CHARACTERS = 80
_NEITHER = re.compile(r"[\W_]+")


def wiki_path_of(document: Document) -> str:
    """A document's address below its source's own; unique in the source, whatever the title.

    A file keeps its path (`docs/intro.md`). Any other document is found by its id; its title follows for people
    (`98487/onboarding`), and an address with an old or wrong title still leads there.
    """
    return wiki_path(document.document_id, document.title, document.path)


def wiki_path(document_id: str, title: str, path: str) -> str:
    """`wiki_path_of` for the columns of a document."""
    if path:
        return path
    slug = title_slug(title)
    identity = quote(document_id, safe="")
    return f"{identity}/{slug}" if slug else identity


def title_slug(title: str) -> str:
    """A title as a part of an address: letters and digits of any script, at most 80 characters; may be empty.

    Combining marks stay: without them words of several Indian and right-to-left scripts are not words.
    """
    text = unicodedata.normalize("NFKC", title).replace("İ", "i").lower()  # as Turks write it, in one letter
    kept = _NEITHER.sub(" ", text) if text.isascii() else "".join(map(_kept, text))
    return "-".join(kept.split())[:_SLUG_CHARACTERS].rstrip("-")


def _kept(character: str) -> str:
    return character if character.isalnum() or unicodedata.category(character)[0] == "M" else " "


@lru_cache(maxsize=1024)
def source_address(source: SourceKey) -> str:
    """The source's home in the wiki."""
    return f"{ROOT}{quote(source.slug)}/"


def page_address(source: SourceKey, path: str) -> str:
    """The address of a document by its wiki path, or of a folder by its path with a slash at the end."""
    return source_address(source) + quote(path)
