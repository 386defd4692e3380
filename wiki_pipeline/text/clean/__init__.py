"""Documents as Markdown with their structure: `clean_page` picks the reader by media type.

Pages of a wiki go through the table of handlers in `registry.py`; files of a repository through one module a format.
"""

from __future__ import annotations

from wiki_pipeline.model import CleanPage, RawPage
from wiki_pipeline.text.clean.known import NOTHING_KNOWN, Known
from wiki_pipeline.text.clean.readers import reader_of

# Part of every clean page's fingerprint: raise it whenever the same input gives another output.
CODE_VERSION = "3"

__all__ = ["CODE_VERSION", "NOTHING_KNOWN", "Known", "clean_page"]


def clean_page(raw: RawPage, known: Known = NOTHING_KNOWN) -> CleanPage:
    """A document as Markdown with headings, links and notes. Pure: the same input gives the same bytes.

    Raises:
        DocumentError: the body can't be converted at all; names the document.
    """
    return reader_of(raw.media_type)(raw, known)
