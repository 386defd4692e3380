"""v2's handlers: spaces, pages, the tree they hang in, and their files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import orjson

from wiki_pipeline.demo.confluence.paging import (
    cursor,
    effective_limit,
    link,
    piece,
    place_of,
    query_without,
    start_of,
)
from wiki_pipeline.demo.confluence.records import Attachment
from wiki_pipeline.demo.confluence.site import Content, Space
from wiki_pipeline.demo.confluence.v2_json import V2Json
from wiki_pipeline.demo.confluence.world import World, sorted_contents
from wiki_pipeline.demo.web import Answer, ApiError, ContractError, Request, json_answer

# What a list holds when no status is asked for: archived pages too.
DEFAULT_STATUSES = ("current", "archived")
_SPACE_FACTS: dict[str, Callable[[Space], Any]] = {
    "ids": lambda space: space.id,
    "keys": lambda space: space.key,
    "names": lambda space: space.name,
    "type": lambda space: space.type,
    "status": lambda space: space.status,
}
_SPACE_SORTS = {"id": "ids", "key": "keys", "name": "names"}
_FILE_SORTS: dict[str, Callable[[Attachment], Any]] = {
    "created-date": lambda item: int(item.id.removeprefix("att")),  # ids grow with time
    "modified-date": lambda item: item.version.when,
}
_TREE_TYPES = frozenset({"page", "folder", "whiteboard", "database", "embed"})


class Handlers:
    """Answers of all v2 addresses about a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.site = world.site

    # --- spaces --------------------------------------------------------------------------------------------------

    def spaces(self, request: Request) -> Answer:
        """GET /spaces: those named by `keys` or `ids`, or all."""
        found = list(self.site.spaces.values())
        for name, fact in _SPACE_FACTS.items():
            desired = request.many(name)
            found = [space for space in found if not desired or str(fact(space)) in desired]
        sort = request.get("sort") or "id"
        found.sort(key=_SPACE_FACTS[_SPACE_SORTS[sort.removeprefix("-")]], reverse=sort.startswith("-"))
        described, writer = request.get("description-format"), self._writer(request)
        return self._list(request, found, lambda space: writer.space(space, described))

    def space(self, request: Request, space_id: str) -> Answer:
        """GET /spaces/{id}."""
        writer = self._writer(request)
        data = writer.space(self._space(space_id), request.get("description-format"))
        data["_links"]["base"] = writer.base
        return json_answer(data)

    def space_pages(self, request: Request, space_id: str) -> Answer:
        """GET /spaces/{id}/pages."""
        space = self._space(space_id)
        return self._page_list(request, self._listing(request, space))

    def space_labels(self, request: Request, space_id: str) -> Answer:
        """GET /spaces/{id}/content/labels: labels of anything in the space."""
        names = _labels(request, {name for item in self._space(space_id).contents.values() for name in item.labels})
        return self._list(request, self._sorted_labels(request, names), self._writer(request).label)

    # --- pages ---------------------------------------------------------------------------------------------------

    def pages(self, request: Request) -> Answer:
        """GET /pages: those named by `id`, those of a space, or all."""
        ids = request.many("id")
        if len(ids) > 250:
            raise ApiError(400, "at most 250 ids")
        if not ids:
            return self._page_list(request, self._listing(request, None))
        statuses = request.many("status") or DEFAULT_STATUSES
        named = [self.site.contents[item] for item in dict.fromkeys(ids) if item in self.site.contents]
        found = [page for page in named if page.type == "page" and page.status in statuses]
        found = [page for page in found if self.world.sees(request.user, page)]
        if request.get("sort"):
            found = sorted_contents(found, request.get("sort"))
        return self._page_list(request, found)

    def labelled_pages(self, request: Request, label_id: str) -> Answer:
        """GET /labels/{id}/pages."""
        name = next((name for name, number in self.site.labels.items() if str(number) == label_id), None)
        if name is None:
            raise ApiError(404)
        return self._page_list(request, [item for item in self._listing(request, None) if name in item.labels])

    def _listing(self, request: Request, space: Space | None) -> Sequence[Content]:
        statuses = request.many("status") or DEFAULT_STATUSES
        return self.world.listing(request.user, space, "page", statuses, request.get("sort"))

    def _page_list(self, request: Request, pages: Sequence[Content]) -> Answer:
        title, spaces = request.get("title"), request.many("space-id")
        if title:
            pages = [page for page in pages if page.title == title]
        if spaces:
            pages = [page for page in pages if str(page.space.id) in spaces]
        if request.get("depth") == "root":
            pages = [page for page in pages if page.parent is None]
        writer, kind = self._writer(request), request.get("body-format")
        form, written = (writer.base, kind), self.world.written
        return self._list(request, pages, lambda page: written.get(page, form, partial(writer.page, page, kind)))

    def page(self, request: Request, page_id: str) -> Answer:
        """GET /pages/{id}."""
        page = self._content(request, page_id, "page")
        number = request.number("version", 0)
        version = next((item for item in page.versions if item.number == number), None) if number else page.version
        statuses = request.many("status") or (*DEFAULT_STATUSES, *(["historical"] if number else []))
        if version is None or (page.status not in statuses and "historical" not in statuses):
            raise ApiError(404)
        writer = self._writer(request)
        data = writer.page(page, request.get("body-format"), version)
        if request.get("include-labels") == "true":
            labels = [writer.label(name) for name in page.labels]
            data["labels"] = {"results": labels, "meta": {"hasMore": False, "cursor": ""}, "_links": {"self": ""}}
        data["_links"]["base"] = writer.base
        return json_answer(data)

    def page_labels(self, request: Request, page_id: str) -> Answer:
        """GET /pages/{id}/labels."""
        page = self._content(request, page_id, "page")
        names = self._sorted_labels(request, _labels(request, page.labels))
        return self._list(request, names, self._writer(request).label)

    # --- the tree ------------------------------------------------------------------------------------------------

    def child_pages(self, request: Request, page_id: str) -> Answer:
        """GET /pages/{id}/children: pages only, so none behind a folder."""
        page = self._content(request, page_id, "page")
        children = [item for item in self._living(request, page.ordered_children()) if item.type == "page"]
        return self._list(request, children, self._writer(request).child_page)

    def direct_children(self, request: Request, content_id: str) -> Answer:
        """GET /pages|folders|.../{id}/direct-children: pages, folders, whiteboards, databases."""
        children = self._living(request, self._content(request, content_id).ordered_children())
        return self._list(request, children, self._writer(request).child)

    def descendants(self, request: Request, content_id: str) -> Answer:
        """GET /pages|folders|.../{id}/descendants: down to `depth` levels, not further."""
        top = self._content(request, content_id)
        depth, level = request.number("depth", 2), len(top.ancestors)
        below = [item for item in self._living(request, top.descendants()) if len(item.ancestors) - level <= depth]
        writer = self._writer(request)
        return self._list(request, below, lambda item: writer.descendant(item, len(item.ancestors) - level))

    def ancestors(self, request: Request, content_id: str) -> Answer:
        """GET /pages|folders|.../{id}/ancestors: the nearest `limit` ones, top first; more by asking for the first."""
        above = self._content(request, content_id).ancestors
        limit = request.number("limit", 25)
        return json_answer({"results": [{"id": item.id, "type": item.type} for item in above[-limit:]], "_links": {}})

    def container(self, kind: str, request: Request, content_id: str) -> Answer:
        """GET /folders/{id}, /whiteboards/{id}, ...: what pages may hang below besides pages."""
        writer = self._writer(request)
        data = writer.container(self._content(request, content_id, kind))
        data["_links"]["base"] = writer.base
        return json_answer(data)

    def _living(self, request: Request, contents: Sequence[Content]) -> list[Content]:
        return [
            item
            for item in contents
            if item.type in _TREE_TYPES and item.status in DEFAULT_STATUSES and self.world.sees(request.user, item)
        ]

    # --- people --------------------------------------------------------------------------------------------------

    def people(self, request: Request) -> Answer:
        """POST /users-bulk `{"accountIds": [...]}`: those of up to 250 people that there are."""
        try:
            ids = orjson.loads(request.body)["accountIds"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise ContractError("the body must be an object with accountIds") from error
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise ContractError("a body of JSON must say so", 415)
        if not isinstance(ids, list) or not 1 <= len(ids) <= 250 or not all(isinstance(item, str) for item in ids):
            raise ContractError("accountIds must be 1 to 250 ids")
        users = [user for user in self.site.users.values() if user.key in ids]
        return json_answer({"results": [self._writer(request).person(user) for user in users], "_links": {}})

    # --- files ---------------------------------------------------------------------------------------------------

    def attachments(self, request: Request, page_id: str) -> Answer:
        """GET /pages/{id}/attachments."""
        page = self._content(request, page_id, "page")
        media_type, filename = request.get("mediaType"), request.get("filename")
        found: list[Attachment] = [
            item
            for item in page.attachments
            if (not media_type or item.media_type == media_type) and (not filename or item.title == filename)
        ]
        if sort := request.get("sort"):
            found.sort(key=_FILE_SORTS[sort.removeprefix("-")], reverse=sort.startswith("-"))
        writer = self._writer(request)
        return self._list(request, found, lambda item: writer.attachment(page, item))

    def attachment(self, request: Request, attachment_id: str) -> Answer:
        """GET /attachments/{id}."""
        found = self.site.attachment(attachment_id)
        if found is None or not self.world.sees(request.user, found[0]):
            raise ApiError(404)
        return json_answer(self._writer(request).attachment(*found))

    def _sorted_labels(self, request: Request, names: Collection[str]) -> list[str]:
        sort = request.get("sort") or "name"
        key: Callable[[str], Any] = str if sort.endswith("name") else self.site.label_id
        return sorted(names, key=key, reverse=sort.startswith("-"))

    # --- inner parts ---------------------------------------------------------------------------------------------

    def _space(self, space_id: str) -> Space:
        if not space_id.isdigit():
            raise ApiError(
                400, f"Provided value {{{space_id}}} for 'id' is not the correct type. Expected type is long"
            )
        for space in self.site.spaces.values():
            if str(space.id) == space_id:
                return space
        raise ApiError(404)

    def _content(self, request: Request, content_id: str, kind: str = "") -> Content:
        if not content_id.isdigit():
            raise ApiError(
                400, f"Provided value {{{content_id}}} for 'id' is not the correct type. Expected type is long"
            )
        content = self.site.contents.get(content_id)
        if content is None or (kind and content.type != kind) or not self.world.sees(request.user, content):
            raise ApiError(404)
        return content

    def _writer(self, request: Request) -> V2Json:
        return V2Json(request.origin + self.world.context, self.site)

    def _list(self, request: Request, items: Sequence[Any], write: Callable[[Any], Any]) -> Answer:
        contents = items if items and isinstance(items[0], Content) else []
        limit, start = effective_limit(request, 25, 250), place_of(request, contents) if contents else start_of(request)
        shown, more = piece(request, items, start, limit)
        last = shown[-1].id if contents and shown else ""
        base = request.origin + self.world.context
        links: dict[str, str] = {"base": base}
        headers: dict[str, str] = {}
        following = [*query_without(request, "cursor"), ("cursor", cursor(request, start + limit, last))]
        # Host-relative, with the context path already in it.
        address = link(f"{self.world.context}/api/v2{request.path}", following)
        if more:
            links["next"] = address
        if more or start + len(shown) < len(items):
            headers["Link"] = f'<{address}>; rel="next", <{base}>; rel="base"'
        return json_answer({"results": [write(item) for item in shown], "_links": links}, headers=headers)


def _labels(request: Request, names: Collection[str]) -> list[str]:
    """The labels of the prefix that is asked for: all that are made here are global ones."""
    return list(names) if request.get("prefix", "global") == "global" else []
