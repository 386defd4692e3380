"""Which function reads a document, by its media type."""

from __future__ import annotations

from collections.abc import Callable

from wiki_pipeline.model import CleanPage, RawPage
from wiki_pipeline.text.confluence.wiki_page import clean_html, clean_storage
from wiki_pipeline.text.files.asciidoc import clean_asciidoc
from wiki_pipeline.text.files.markdown_file import clean_markdown
from wiki_pipeline.text.files.notebook import clean_notebook
from wiki_pipeline.text.files.rst import clean_rst
from wiki_pipeline.text.files.source_code import clean_code
from wiki_pipeline.text.jira.issue import clean_issue
from wiki_pipeline.text.known import Known

Reader = Callable[[RawPage, Known], CleanPage]

READERS: dict[str, Reader] = {
    "application/vnd.atlassian.confluence.storage+xml": clean_storage,
    "application/vnd.atlassian.jira.issue+json": clean_issue,
    "application/x-ipynb+json": clean_notebook,
    "application/xhtml+xml": clean_html,
    "text/asciidoc": clean_asciidoc,
    "text/html": clean_html,
    "text/markdown": clean_markdown,
    "text/x-rst": clean_rst,
}


def is_markup(media_type: str) -> bool:
    """Whether all that such a document says is in its elements: it is a wiki page, or HTML."""
    return reader_of(media_type) in {clean_html, clean_storage}


def reader_of(media_type: str) -> Reader:
    """The reader of a media type; what has none of its own is kept as it is, as code or plain text."""
    return READERS.get(media_type, clean_code)
