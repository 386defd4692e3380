"""The body of a wiki's page as a tree of elements, whichever representation it came in."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from wiki_pipeline.model import RawPage
from wiki_pipeline.text.confluence import view
from wiki_pipeline.text.confluence.html import parse_html
from wiki_pipeline.text.confluence.registry import Element
from wiki_pipeline.text.confluence.storage import parse_storage
from wiki_pipeline.text.confluence.stray import settle

STORAGE = "application/vnd.atlassian.confluence.storage+xml"
# Some editors and importers save what a server once rendered: formulas drawn by KaTeX, copied panels.
_RENDERED = re.compile(r'class="[^"]*\b(?:katex-html|confluence-information-macro|expand-container)\b')


def tree_of(raw: RawPage) -> tuple[Element, str]:
    """The root of a page in the storage format or in HTML, and what had to be repaired (empty if nothing)."""
    is_storage = raw.media_type == STORAGE
    root, repair = parse_storage(raw.body) if is_storage else parse_html(raw.body)
    if not is_storage or _RENDERED.search(raw.body):
        view.adapt(root)
    settle(root)
    return root, repair


# A reference to a user, or the plain user name in old profile macros.
_PERSON = re.compile(r'ri:(?:account-id|userkey|username)="([^"<]{1,200})"|<ac:parameter ac:name="user">([^<]{1,200})<')


def people_in(page: RawPage) -> Iterator[str]:
    """Account ids, user keys and user names in a page's body, in order, with repetitions."""
    if page.media_type == STORAGE and ("ri:user" in page.body or 'ac:name="user"' in page.body):
        for found in _PERSON.finditer(page.body):
            yield html.unescape(found[1] or found[2]).strip()
