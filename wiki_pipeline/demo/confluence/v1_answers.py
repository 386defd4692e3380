"""How v1 answers: lists of contents and of other things, what can't be found, errors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from wiki_pipeline.demo.confluence.expansions import expansion_tree
from wiki_pipeline.demo.confluence.paging import effective_limit, link, piece, query_without
from wiki_pipeline.demo.confluence.records import TRASHED
from wiki_pipeline.demo.confluence.site import Content
from wiki_pipeline.demo.confluence.v1_json import V1Json
from wiki_pipeline.demo.confluence.v1_parts import V1Parts
from wiki_pipeline.demo.confluence.world import World
from wiki_pipeline.demo.web import Answer, ApiError, Request, json_answer

Following = list[tuple[str, str]]


class Answers:
    """What all v1 handlers of a world share."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.site = world.site

    def writer(self, request: Request) -> V1Json:
        """What writes JSON as this request's caller is to see it."""
        return V1Json(self.parts(request), self.world.written)

    def parts(self, request: Request, nested_limit: int | None = None) -> V1Parts:
        """What writes the smaller things."""
        base = request.origin + self.world.context
        limit = nested_limit or self.world.limits.nested
        return V1Parts(base, self.world.cloud, self.world.server_zone, limit)

    def content(self, request: Request, content_id: str) -> Content:
        """A content that the caller may see, whatever its status.

        Raises:
            ApiError: 404.
        """
        content = self.site.contents.get(content_id)
        if content is None or not self.world.sees(request.user, content):
            raise not_found(content_id)
        return content

    def living(self, request: Request, content_id: str) -> Content:
        """A content that the caller may see and that is not in the trash.

        Raises:
            ApiError: 404.
        """
        content = self.content(request, content_id)
        if content.status == TRASHED:
            raise not_found(content_id)
        return content

    def content_list(self, request: Request, contents: Sequence[Content]) -> Answer:
        """The piece of a list of contents that `start` and `limit` ask for."""
        limit, start = self.limit(request), request.number("start", 0)
        shown, more = piece(request, contents, start, limit)
        return self.list(request, self.contents(request, shown), start, limit, _from(start, limit) if more else None)

    def contents(self, request: Request, contents: Sequence[Content]) -> list[Any]:
        """Contents as JSON with what the request expands, kept as written where nothing else's state is in it."""
        writer, tree = self.writer(request), expansion_tree(request.many("expand"))
        if not tree.keys().isdisjoint(("children", "descendants")):
            return [writer.content(content, tree) for content in contents]
        form = (writer.base, request.get("expand"))
        return [self.world.written.get(item, form, partial(writer.content, item, tree)) for item in contents]

    def plain_list(self, request: Request, items: Sequence[Any], default: int = 25) -> Answer:
        """The piece of a list of labels, files, people or spaces that `start` and `limit` (or its default) ask for."""
        limit, start = effective_limit(request, default, self.world.limits.nested), request.number("start", 0)
        shown, more = piece(request, items, start, limit)
        return self.list(request, list(shown), start, limit, _from(start, limit) if more else None)

    def list(
        self, request: Request, results: list[Any], start: int, limit: int, following: Following | None, **facts: Any
    ) -> Answer:
        """A list; `following` are the paging parameters of its `next` link, which lacks the context path."""
        base = request.origin + self.world.context
        path = "/rest/api" + request.path
        rest = query_without(request, "start", "limit", "cursor", "next")
        links = {"base": base, "context": self.world.context, "self": base + link(path, rest)}
        if following:
            links["next"] = link(path, rest + following)
        if start and not request.get("cursor"):
            links["prev"] = link(path, [*rest, ("limit", str(limit)), ("start", str(max(start - limit, 0)))])
        size = len(results)
        return json_answer({"results": results, "start": start, "limit": limit, "size": size, **facts, "_links": links})

    def limit(self, request: Request) -> int:
        """The limit of a list of contents: the more is expanded, the lower it is capped."""
        desired, limits = request.many("expand"), self.world.limits
        if any(path.endswith(("body.export_view", "body.styled_view")) for path in desired):
            cap = limits.export_view
        elif any("body" in path.split(".") for path in desired):
            cap = limits.bodies
        else:
            cap = limits.expanded if desired else limits.plain
        return effective_limit(request, 25, cap)


def _from(start: int, limit: int) -> Following:
    return [("limit", str(limit)), ("start", str(start + limit))]


def not_found(content_id: str) -> ApiError:
    """404, also for what the caller may not see."""
    return ApiError(404, f"No content found with id: ContentId{{id={content_id}}}")


def error(problem: ApiError) -> Answer:
    """An error as v1 writes it."""
    reasons = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 410: "Gone"}
    data = {
        "statusCode": problem.status,
        "data": {
            "authorized": problem.status not in {401, 403, 404},
            "valid": problem.status != 400,
            "allowedInReadOnlyMode": True,
            "errors": [],
            "successful": False,
        },
        "message": problem.message,
        "reason": reasons.get(problem.status, "Internal Server Error"),
    }
    return json_answer(data, problem.status)
