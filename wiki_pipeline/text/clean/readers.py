"""Which function reads a document, by its media type."""

from __future__ import annotations

from collections.abc import Callable

from wiki_pipeline.model import CleanPage, RawPage
from wiki_pipeline.text.clean.files import clean_code, clean_markdown, clean_text
from wiki_pipeline.text.clean.known import Known
from wiki_pipeline.text.clean.languages import language_of
from wiki_pipeline.text.clean.wiki_page import clean_html, clean_storage

Reader = Callable[[RawPage, Known], CleanPage]

STORAGE = "application/vnd.atlassian.confluence.storage+xml"
_READERS: dict[str, Reader] = {
    STORAGE: clean_storage,
    "text/html": clean_html,
    "application/xhtml+xml": clean_html,
    "text/markdown": clean_markdown,
    "text/plain": clean_text,
}


def reader_of(raw: RawPage) -> Reader:
    """The reader of a document; source code and configuration by language, anything else as plain text."""
    reader = _READERS.get(raw.media_type)
    if (reader is None or reader is clean_text) and language_of(raw.path, raw.media_type):
        return clean_code
    return reader or clean_text
