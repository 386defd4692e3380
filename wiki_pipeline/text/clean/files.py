"""Files of a repository that need no conversion: Markdown, plain text and source code."""

from __future__ import annotations

import re

from wiki_pipeline.model import CleanPage, Heading, RawPage
from wiki_pipeline.text.clean import markdown
from wiki_pipeline.text.clean.anchors import Slugs
from wiki_pipeline.text.clean.known import Known
from wiki_pipeline.text.clean.languages import language_of
from wiki_pipeline.text.clean.page import finished

_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*$", re.MULTILINE)


def clean_markdown(raw: RawPage, known: Known) -> CleanPage:
    """A Markdown file."""
    text = raw.body.replace("\r\n", "\n")
    slugs = Slugs()
    headings = []
    for found in _HEADING.finditer(text):
        shown = markdown.plain(found.group(2))
        headings.append(Heading(len(found.group(1)), shown, slugs.add(shown)))
    return finished(raw, text, title=headings[0].text if headings else "", headings=headings)


def clean_text(raw: RawPage, known: Known) -> CleanPage:
    """A plain text file: its text in a fence, so that nothing in it reads as markup."""
    return finished(raw, markdown.fence(raw.body) if raw.body.strip() else "")


def clean_code(raw: RawPage, known: Known) -> CleanPage:
    """Source code or configuration: the code itself."""
    return finished(raw, raw.body, code_language=language_of(raw.path, raw.media_type))
