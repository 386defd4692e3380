"""Whom a document mentions by an id that says nothing to readers, found without converting it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from wiki_pipeline.model import RawPage
from wiki_pipeline.text.confluence.trees import STORAGE

# A reference to a user, or the plain user name in old profile macros.
_PERSON = re.compile(r'ri:(?:account-id|userkey|username)="([^"<]{1,200})"|<ac:parameter ac:name="user">([^<]{1,200})<')


def people_in(page: RawPage) -> Iterator[str]:
    """Account ids, user keys and user names in a page's body, in order, with repetitions."""
    if page.media_type == STORAGE and ("ri:user" in page.body or 'ac:name="user"' in page.body):
        for found in _PERSON.finditer(page.body):
            yield html.unescape(found[1] or found[2]).strip()
