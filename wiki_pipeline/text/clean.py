"""Documents as Markdown with their structure: `clean_page` picks the reader by media type.

Pages of a wiki go through the table of handlers in `confluence/registry.py`; files of a repository through one module
a format.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from wiki_pipeline.model import CleanPage, RawPage
from wiki_pipeline.text.confluence.wiki_page import clean_html, clean_storage
from wiki_pipeline.text.files.asciidoc import clean_asciidoc
from wiki_pipeline.text.files.markdown_file import clean_markdown
from wiki_pipeline.text.files.notebook import clean_notebook
from wiki_pipeline.text.files.rst import clean_rst
from wiki_pipeline.text.files.source_code import clean_code
from wiki_pipeline.text.jira.issue import clean_issue
from wiki_pipeline.text.known import NOTHING_KNOWN, Known, no_page
from wiki_pipeline.text.named import named
from wiki_pipeline.text.page import noted, with_losses
from wiki_pipeline.text.words import lost_words

# Part of every clean page's fingerprint: raise it whenever the same input gives another output.
CODE_VERSION = "11"

# How many times as large as its source a text may become: a table, whose merged cells are repeated, some ten times.
_EXPANSION = 20
_SMALL = 100_000

__all__ = ["CODE_VERSION", "NOTHING_KNOWN", "Known", "clean_page"]


def clean_page(raw: RawPage, known: Known = NOTHING_KNOWN) -> CleanPage:
    """A document as Markdown with headings, links and notes. Pure: the same input gives the same bytes.

    The words of a wiki page are compared with those of its text. Pages that it includes stay out of that: their words
    would stand for others that are lost.

    Raises:
        DocumentError: the body can't be converted at all; names the document.
    """
    read = reader_of(raw.media_type)
    page = named(read(raw, known), known.names)
    if not page.dependencies and len(page.markdown) > _EXPANSION * len(raw.body) + _SMALL:
        return noted(clean_code(raw, known), "Laid out, this document is many times as large; its source is shown.")
    if not is_markup(raw.media_type):
        return page  # much of a file's text is for programs: keys, directives, comments
    includes = bool(page.dependencies) and known.page is not no_page
    alone = read(raw, replace(known, page=no_page)) if includes else page
    return with_losses(page, lost_words(raw, alone))


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
