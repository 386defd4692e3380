"""Documents as Markdown with their structure: `clean_page` picks the reader by media type.

Pages of a wiki go through the table of handlers in `registry.py`; files of a repository through one module a format.
"""

from __future__ import annotations

from dataclasses import replace

from wiki_pipeline.model import CleanPage, RawPage
from wiki_pipeline.text.files.readers import is_markup, reader_of
from wiki_pipeline.text.files.source_code import clean_code
from wiki_pipeline.text.known import NOTHING_KNOWN, Known, no_page
from wiki_pipeline.text.named import named
from wiki_pipeline.text.page import noted, with_losses
from wiki_pipeline.text.words import lost_words

# Part of every clean page's fingerprint: raise it whenever the same input gives another output.
CODE_VERSION = "10"

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
