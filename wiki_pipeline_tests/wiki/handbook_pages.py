"""The handbook's pages as Markdown and as HTML of the wiki, made by pure functions alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from urllib.parse import unquote_plus

from wiki_pipeline.links.index import LinkIndex
from wiki_pipeline.model import CleanPage, RawPage, SourceKey, WikiPage
from wiki_pipeline.text.clean import Known, clean_page
from wiki_pipeline.text.heading_anchors import Places
from wiki_pipeline.text.known import Included, text_hash
from wiki_pipeline.wiki.render import render_page
from wiki_pipeline_tests import handbook
from wiki_pipeline_tests.text.confluence.pages import STORAGE
from wiki_pipeline_tests.wiki.pages import columns_of

SOURCE = SourceKey("default", "confluence", "HANDBOOK")
_SITE = "https://harbourlight.example"


@cache
def raw_pages() -> tuple[RawPage, ...]:
    """The pages as a Data Center would give them."""
    space = handbook.space()
    return tuple(
        RawPage(
            document_id=page.id,
            title=page.title,
            url=f"{_SITE}/pages/viewpage.action?pageId={page.id}",
            space_key=space["key"],
            space_name=space["name"],
            media_type=STORAGE,
            version_key="1",
            body=page.body,
        )
        for page in handbook.pages()
    )


@cache
def clean_pages() -> tuple[CleanPage, ...]:
    """The pages as Markdown; people are known, and pages that others include."""
    users = {
        user[key]: user["display_name"] for user in handbook.space()["users"] for key in ("account_id", "user_key")
    }
    known = Known(users=users, page=_finder())
    return tuple(clean_page(page, known) for page in raw_pages())


@cache
def wiki_pages() -> tuple[WikiPage, ...]:
    """The pages as HTML, with links that lead to each other."""
    anchors = {
        (SOURCE, page.document_id): Places.of_page(page.title, page.headings, page.markdown).find
        for page in clean_pages()
    }
    links = LinkIndex({SOURCE: columns_of(clean_pages())}).with_anchors(anchors)
    return tuple(render_page(page, SOURCE, links) for page in clean_pages())


def _finder() -> Callable[[str], Included | None]:
    found = {f"{_SITE}/display/{page.space_key}/{page.title}": page for page in raw_pages()}
    found |= {page.url: page for page in raw_pages()}

    def find(target: str) -> Included | None:
        page = found.get(target) or found.get(unquote_plus(target))
        return Included(page, str(SOURCE), text_hash(page)) if page else None

    return find
