"""v1's searches by CQL: found in the index, shown as things are now, so what has gone since makes a short page.

Data Center pages by `start`; Cloud ignores `start` and pages by the cursor of its `next` link.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

from wiki_pipeline.demo.confluence import cql
from wiki_pipeline.demo.confluence.expansions import expansion_tree
from wiki_pipeline.demo.confluence.paging import cursor, effective_limit, piece, start_of
from wiki_pipeline.demo.confluence.records import CURRENT
from wiki_pipeline.demo.confluence.site import Content, Indexed
from wiki_pipeline.demo.confluence.v1_answers import Answers, Following
from wiki_pipeline.demo.confluence.v1_parts import Json, timestamp
from wiki_pipeline.demo.confluence.view import plain_text
from wiki_pipeline.demo.web import Answer, ContractError, Request

_FILES = re.compile(r"\btype\s*=\s*\"?attachment\b", re.IGNORECASE)


def _indexed(entries: Iterable[Indexed], query: str) -> Iterable[Indexed]:
    """What is searched: files only by those who ask for files, which keeps the answers to all others of one kind."""
    files = _FILES.search(query) is not None
    return (entry for entry in entries if (entry.type == "attachment") == files)


class Searches:
    """Handlers of `/content/search` and `/search`."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._world = answers.world
        self._site = answers.site

    def contents(self, request: Request) -> Answer:
        """GET /content/search: contents as everywhere in v1."""
        limit = self._answers.limit(request)
        if _FILES.search(request.get("cql")):
            return self._files(request, limit)
        start, found, following, total = self._found(request, limit)
        facts = self._facts(request, total)
        return self._answers.list(request, self._answers.contents(request, found), start, limit, following, **facts)

    def _files(self, request: Request, limit: int) -> Answer:
        """Attachments, which hang on contents and are none themselves here."""
        want = expansion_tree(request.many("expand"))
        start, ids, following, total = self._ids(request, limit)
        found = [pair for attachment_id in ids if (pair := self._site.attachment(attachment_id))]
        parts = self._answers.parts(request)
        written = [parts.attachment(page, item, want) for page, item in found if self._world.sees(request.user, page)]
        return self._answers.list(request, written, start, limit, following, **self._facts(request, total))

    def results(self, request: Request) -> Answer:
        """GET /search: contents wrapped with title, excerpt and address; `expand` goes with the prefix `content.`."""
        limit = effective_limit(request, 25, self._world.limits.expanded)
        start, found, following, total = self._found(request, limit)
        tree = expansion_tree(request.many("expand")).get("content", {})
        wrapped = [self._wrapped(request, content, tree) for content in found]
        return self._answers.list(request, wrapped, start, limit, following, **self._facts(request, total))

    def _found(self, request: Request, limit: int) -> tuple[int, list[Content], Following | None, int]:
        start, ids, following, total = self._ids(request, limit)
        contents = [self._site.contents[content_id] for content_id in ids if content_id in self._site.contents]
        seen = [item for item in contents if item.status == CURRENT and self._world.sees(request.user, item)]
        return start, seen, following, total

    def _ids(self, request: Request, limit: int) -> tuple[int, Sequence[str], Following | None, int]:
        try:
            query = cql.parse(request.get("cql"), self._world.user_zone, self._site.now())
        except cql.CqlError as error:
            raise ContractError(f"Could not parse cql : {request.get('cql')} ({error})") from error
        cloud = self._world.cloud
        if cloud and request.number("start", 0) and not request.get("cursor"):
            self._world.violation(request, "Cloud's search ignores start: follow the next link's cursor")
        ids = query.run(_indexed(self._site.index.entries(), request.get("cql")))
        start = start_of(request) if cloud else request.number("start", 0)
        shown, more = piece(request, ids, start, limit)
        following = [("limit", str(limit)), ("start", str(start + limit))]
        if cloud:
            following += [("next", "true"), ("cursor", cursor(request, start + limit))]
        return start, shown, following if more else None, len(ids)

    def _facts(self, request: Request, total: int) -> dict[str, Any]:
        if self._world.cloud and request.path == "/content/search":
            return {}
        return {"totalSize": total, "cqlQuery": request.get("cql"), "searchDuration": 7}

    def _wrapped(self, request: Request, content: Content, tree: Json) -> Json:
        writer = self._answers.writer(request)
        space = writer.space(content.space, {})
        return {
            "content": writer.content(content, tree),
            "title": html.escape(content.title),
            "excerpt": html.escape(plain_text(content.body)[:250]),
            "url": writer.webui(content),
            "resultGlobalContainer": {"title": content.space.name, "displayUrl": space["_links"]["webui"]},
            "breadcrumbs": [],
            "entityType": "content",
            "iconCssClass": "aui-icon content-type-page",
            "lastModified": timestamp(content.version.when, writer.parts.zone),
            "friendlyLastModified": content.version.when.strftime("%b %d, %Y"),
            "score": 0.0,
        }
