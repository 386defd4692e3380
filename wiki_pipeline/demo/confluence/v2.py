"""REST v2, `/api/v2`: Cloud's newer API. Its addresses and their parameters, after the OpenAPI description."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from wiki_pipeline.demo.confluence.v2_handlers import Handlers
from wiki_pipeline.demo.confluence.world import World
from wiki_pipeline.demo.web import (
    Answer,
    ApiError,
    Request,
    boolean,
    choice,
    find_route,
    integer,
    json_answer,
    numbers,
    post,
    route,
    text,
)

_PAGE_SORTS = ("id", "created-date", "modified-date", "title")
_ONE_BODY = ("storage", "atlas_doc_format", "view", "export_view", "anonymous_export_view", "styled_view", "editor")
_CONTAINERS = ("folder", "whiteboard", "database", "embed")
_IN_TREE = "/(?:pages|folders|whiteboards|databases|embeds)/{content_id}"


def _sort(*names: str) -> Callable[[str], object]:
    return choice(*names, *(f"-{name}" for name in names))


class V2:
    """Answers v2 requests about a world."""

    def __init__(self, world: World) -> None:
        handlers = Handlers(world)
        paging = {"cursor": text, "limit": integer(1, 250)}
        pages = {"body_format": choice("storage", "atlas_doc_format"), "sort": _sort(*_PAGE_SORTS), **paging}
        filtered = {"status": choice("current", "archived", "deleted", "trashed"), "title": text, **pages}
        described = {"description_format": choice("plain", "view")}
        spaces = {"ids": numbers, "keys": text, "type": text, "status": choice("current", "archived")}
        labels = {
            "prefix": choice("my", "team", "global", "system"),
            "sort": _sort("created-date", "id", "name"),
            **paging,
        }
        files = {"mediaType": text, "filename": text, "sort": _sort("created-date", "modified-date"), **paging}
        self._routes = [
            route("/spaces", handlers.spaces, sort=_sort("id", "key", "name"), **spaces, **described, **paging),
            route("/spaces/{space_id}", handlers.space, **described),
            route("/spaces/{space_id}/pages", handlers.space_pages, depth=choice("all", "root"), **filtered),
            route("/spaces/{space_id}/content/labels", handlers.space_labels, **labels),
            route("/pages", handlers.pages, id=numbers, space_id=numbers, **filtered),
            route(
                "/pages/{page_id}",
                handlers.page,
                body_format=choice(*_ONE_BODY),
                status=choice("current", "archived", "trashed", "deleted", "historical", "draft"),
                version=integer(1),
                include_labels=boolean,
            ),
            route("/pages/{page_id}/labels", handlers.page_labels, **labels),
            route("/pages/{page_id}/children", handlers.child_pages, **paging),
            route("/pages/{page_id}/attachments", handlers.attachments, **files),
            route("/attachments/{attachment_id}", handlers.attachment),
            route("/labels/{label_id}/pages", handlers.labelled_pages, space_id=numbers, **pages),
            route(f"{_IN_TREE}/direct-children", handlers.direct_children, **paging),
            route(f"{_IN_TREE}/descendants", handlers.descendants, depth=integer(1, 10), **paging),
            route(f"{_IN_TREE}/ancestors", handlers.ancestors, limit=integer(1, 250)),
            *(route(f"/{kind}s/{{content_id}}", partial(handlers.container, kind)) for kind in _CONTAINERS),
            post("/users-bulk", handlers.people),
        ]

    def answer(self, request: Request) -> Answer:
        """Answer one request.

        Raises:
            ApiError: an error that Confluence would answer; a `ContractError` if no right client sends this.
        """
        found, variables = find_route(self._routes, request)
        return found.handler(request, **variables)


def error(problem: ApiError) -> Answer:
    """An error as v2 writes it."""
    kinds = {
        400: ("INVALID_REQUEST_PARAMETER", "Bad Request"),
        401: ("UNAUTHORIZED", "Unauthorized"),
        403: ("FORBIDDEN", "Forbidden"),
        404: ("NOT_FOUND", "Not Found"),
        405: ("METHOD_NOT_ALLOWED", "Method Not Allowed"),
        406: ("NOT_ACCEPTABLE", "Not Acceptable"),
    }
    code, title = kinds.get(problem.status, ("INTERNAL_SERVER_ERROR", "Internal Server Error"))
    detail = problem.message or None
    return json_answer(
        {"errors": [{"status": problem.status, "code": code, "title": title, "detail": detail}]}, problem.status
    )
