"""v1's contents: lists, single ones, the tree, and what hangs on a page."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from wiki_pipeline.demo.confluence import downloads
from wiki_pipeline.demo.confluence.expansions import Tree, expansion_tree
from wiki_pipeline.demo.confluence.records import CURRENT, Version
from wiki_pipeline.demo.confluence.site import Content
from wiki_pipeline.demo.confluence.v1_answers import Answers, not_found
from wiki_pipeline.demo.confluence.v1_parts import Json
from wiki_pipeline.demo.web import Answer, ApiError, Request, json_answer

# What a single content expands by default; a list expands nothing.
_EXPANDED_ALONE = ["space", "history", "version"]
# What Data Center expands of restrictions by default.
_BOTH: Tree = {"user": {}, "group": {}}


class Contents:
    """Handlers of `/content` and of `/space/{key}/content`."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._world = answers.world
        self._site = answers.site

    def listed(self, request: Request) -> Answer:
        """GET /content: contents of a space (or of all) by type, title and status."""
        key, title, kind = request.get("spaceKey"), request.get("title"), request.get("type", "page")
        if key and key not in self._site.spaces:
            raise ApiError(404, f"No space with key : {key}")
        if self._world.cloud and request.number("start", 0) > self._world.limits.start:
            raise ApiError(400, f"start must not be over {self._world.limits.start}: use a cursor")
        statuses = request.many("status") or [CURRENT]
        found = self._world.listing(request.user, self._site.spaces.get(key), kind, statuses)
        if title:
            found = [content for content in found if content.title == title]
        return self._answers.content_list(request, found)

    def of_space(self, request: Request, key: str, kind: str) -> Answer:
        """GET /space/{key}/content/{type}: current contents of a space."""
        space = self._world.space(key)
        found = self._world.listing(request.user, space, kind, [CURRENT])
        if request.get("depth") == "root":
            found = [content for content in found if content.parent is None]
        return self._answers.content_list(request, found)

    def one(self, request: Request, content_id: str) -> Answer:
        """GET /content/{id}: 404 also for what is in the trash, or may not be seen."""
        statuses = request.many("status") or [CURRENT]
        page, version = self._answers.content(request, content_id), None
        number = request.number("version", 0)
        if number and "historical" in statuses:
            version = next((item for item in page.versions if item.number == number), None)
            if version is None:
                raise not_found(content_id)
        elif "any" not in statuses and page.status not in statuses:
            raise not_found(content_id)
        return self._one(request, page, version)

    def _one(self, request: Request, page: Content, version: Version | None) -> Answer:
        writer = self._answers.writer(request)
        data = writer.content(page, expansion_tree(request.many("expand") or _EXPANDED_ALONE), version)
        data["_links"] |= {"base": writer.base, "context": self._world.context, "collection": "/rest/api/content"}
        return json_answer(data)

    def history(self, request: Request, content_id: str) -> Answer:
        """GET /content/{id}/history."""
        page = self._answers.content(request, content_id)
        return json_answer(self._answers.writer(request).history(page, expansion_tree(request.many("expand"))))

    def children(self, request: Request, content_id: str, kind: str) -> Answer:
        """GET /content/{id}/child/{type}: only children of that very type, so none behind a folder."""
        page = self._answers.living(request, content_id)
        source = page.comments if kind == "comment" else page.ordered_children()
        return self._answers.content_list(request, self._seen(request, source, kind))

    def descendants(self, request: Request, content_id: str, kind: str) -> Answer:
        """GET /content/{id}/descendant/{type}."""
        page = self._answers.living(request, content_id)
        return self._answers.content_list(request, self._seen(request, page.descendants(), kind))

    def _seen(self, request: Request, contents: Sequence[Content], kind: str) -> list[Content]:
        return [
            content
            for content in contents
            if content.type == kind and content.status == CURRENT and self._world.sees(request.user, content)
        ]

    # --- what hangs on a page ------------------------------------------------------------------------------------

    def attachments(self, request: Request, content_id: str) -> Answer:
        """GET /content/{id}/child/attachment: its version only if it is expanded."""
        page, want = self._answers.living(request, content_id), expansion_tree(request.many("expand"))
        filename, media_type = request.get("filename"), request.get("mediaType")
        items = [
            self._answers.parts(request).attachment(page, item, want)
            for item in page.attachments
            if (not filename or item.title == filename) and (not media_type or item.media_type == media_type)
        ]
        return self._answers.plain_list(request, items)

    def download(self, request: Request, content_id: str, attachment_id: str) -> Answer:
        """GET /content/{id}/child/attachment/{attachmentId}/download."""
        return downloads.redirect(self._world, request, content_id, attachment_id)

    def labels(self, request: Request, content_id: str) -> Answer:
        """GET /content/{id}/label."""
        page, parts = self._answers.living(request, content_id), self._answers.parts(request)
        names = page.labels if request.get("prefix", "global") == "global" else ()
        return self._answers.plain_list(request, [parts.label(page, name) for name in names], default=200)

    def restrictions(self, request: Request, content_id: str) -> Answer:
        """GET /content/{id}/restriction/byOperation: both operations, users and groups as expanded."""
        page, writer = self._answers.living(request, content_id), self._answers.writer(request)
        want = expansion_tree(request.many("expand"))
        answer: Json = {"_links": writer.restrictions(page, {})["_links"]}
        for operation in ("read", "update"):
            if self._world.cloud:
                lists = want.get("restrictions", {})
            else:
                lists = want.get(operation, {}).get("restrictions", {}) if want else _BOTH
            answer[operation] = writer.parts.restriction(page, operation, lists)
        return json_answer(answer)

    def restriction(self, request: Request, content_id: str, operation: str) -> Answer:
        """GET /content/{id}/restriction/byOperation/{operation}."""
        page = self._answers.living(request, content_id)
        want = expansion_tree(request.many("expand")).get("restrictions", {})
        return json_answer(self._answers.parts(request).restriction(page, operation, want))

    def restricted_to(self, request: Request, content_id: str, operation: str, kind: str) -> Answer:
        """The rest of a nested list of users or groups, at the address that its `next` gave."""
        page = self._answers.living(request, content_id)
        parts = self._answers.parts(request, nested_limit=sys.maxsize)
        items = parts.restriction(page, operation, {kind: {}})["restrictions"][kind]["results"]
        return self._answers.plain_list(request, items, default=100)
