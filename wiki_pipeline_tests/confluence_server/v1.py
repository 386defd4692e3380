"""REST v1, `/rest/api`: Data Center's only API, and Cloud's older one."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from wiki_pipeline_tests.confluence_server import cql
from wiki_pipeline_tests.confluence_server.content import CURRENT, Content, Version
from wiki_pipeline_tests.confluence_server.expansions import (
    CONTENT,
    HISTORY,
    RESTRICTION,
    RESTRICTIONS,
    SPACE,
    USER,
    expand_of,
    expansion_tree,
)
from wiki_pipeline_tests.confluence_server.paging import cursor, effective_limit, link, piece, query_without, start_of
from wiki_pipeline_tests.confluence_server.v1_json import Json, V1Json
from wiki_pipeline_tests.confluence_server.web import (
    Answer,
    ApiError,
    ContractError,
    Request,
    choice,
    find_route,
    integer,
    json_answer,
    route,
    text,
)
from wiki_pipeline_tests.confluence_server.world import World

# Cloud took these away from OAuth apps; v1's search and restrictions have no successor in v2 and stay.
_GONE_FOR_OAUTH = re.compile(r"/content(?!/search)(?:/[^/]+(?:/child/[^/]+|/label|/history)?)?")

STATUSES = ("current", "archived", "trashed", "deleted", "historical", "draft", "any")


class V1:
    """Answers v1 requests about a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.site = world.site
        paging = {"start": integer(), "limit": integer()}
        content = {"expand": expand_of(CONTENT)}
        statuses = choice(*STATUSES)
        search = {"cql": text, "cqlcontext": text, **content, **paging}
        if world.cloud:
            search |= {"cursor": text, "next": text, "prev": text}
        listing = {"type": choice("page", "blogpost"), "spaceKey": text, "title": text, "status": statuses}
        self._routes = [
            route("/content", self.list_contents, orderby=text, postingDay=text, **listing, **content, **paging),
            route("/content/search", self.search, **search),
            route("/content/{content_id}", self.one_content, status=statuses, version=integer(1), **content),
            route("/content/{content_id}/history", self.history, expand=expand_of(HISTORY)),
            route(
                "/content/{content_id}/child/attachment",
                self.attachments,
                filename=text,
                mediaType=text,
                **content,
                **paging,
            ),
            route("/content/{content_id}/child/{kind}", self.children, **content, **paging),
            route("/content/{content_id}/descendant/{kind}", self.descendants, **content, **paging),
            route("/content/{content_id}/label", self.labels, prefix=choice("global", "my", "team"), **paging),
            route("/content/{content_id}/restriction/byOperation", self.restrictions, expand=expand_of(RESTRICTIONS)),
            route(
                "/content/{content_id}/restriction/byOperation/{operation}",
                self.restriction,
                expand=expand_of(RESTRICTION),
                **paging,
            ),
            route("/content/{content_id}/restriction/byOperation/{operation}/{kind}", self.restricted_to, **paging),
            route(
                "/space",
                self.spaces,
                spaceKey=text,
                type=choice("global", "personal"),
                status=text,
                expand=expand_of(SPACE),
                **paging,
            ),
            route("/space/{key}", self.space, expand=expand_of(SPACE)),
            route("/space/{key}/content/{kind}", self.space_contents, depth=choice("all", "root"), **content, **paging),
            route("/user", self.user, accountId=text, key=text, username=text, expand=expand_of(USER)),
            route("/user/current", self.current_user, expand=expand_of(USER)),
        ]

    def answer(self, request: Request) -> Answer:
        """Answer one request.

        Raises:
            ApiError: an error that Confluence would answer; a `ContractError` if no right client sends this.
        """
        found, variables = find_route(self._routes, request)
        if self.world.cloud and request.with_oauth and _GONE_FOR_OAUTH.fullmatch(request.path):
            raise ApiError(410, "This deprecated endpoint has been removed.")
        return found.handler(request, **variables)

    # --- contents ------------------------------------------------------------------------------------------------

    def list_contents(self, request: Request) -> Answer:
        """GET /content: contents of a space (or of all) by type, title and status."""
        key, title, kind = request.get("spaceKey"), request.get("title"), request.get("type", "page")
        if key and key not in self.site.spaces:
            raise ApiError(404, f"No space with key : {key}")
        if self.world.cloud and request.number("start", 0) > self.world.limits.start:
            raise ApiError(400, f"start must not be over {self.world.limits.start}: use a cursor")
        statuses = request.many("status") or [CURRENT]
        found = self.world.listing(request.user, self.site.spaces.get(key), kind, statuses)
        if title:
            found = [content for content in found if content.title == title]
        return self._content_list(request, found)

    def space_contents(self, request: Request, key: str, kind: str) -> Answer:
        """GET /space/{key}/content/{type}: current contents of a space."""
        space = self.world.space(key)
        found = self.world.listing(request.user, space, kind, [CURRENT])
        if request.get("depth") == "root":
            found = [content for content in found if content.parent is None]
        return self._content_list(request, found)

    def one_content(self, request: Request, content_id: str) -> Answer:
        """GET /content/{id}: 404 also for what is in the trash, or may not be seen."""
        statuses = request.many("status") or [CURRENT]
        page, version = self._content(request, content_id), None
        number = request.number("version", 0)
        if number and "historical" in statuses:
            version = next((item for item in page.versions if item.number == number), None)
            if version is None:
                raise self._not_found(content_id)
        elif "any" not in statuses and page.status not in statuses:
            raise self._not_found(content_id)
        return self._one(request, page, version)

    def _one(self, request: Request, page: Content, version: Version | None) -> Answer:
        writer = self._writer(request)
        data = writer.content(page, expansion_tree(request.many("expand")), version)
        data["_links"] |= {"base": writer.base, "context": self.world.context, "collection": "/rest/api/content"}
        return json_answer(data)

    def history(self, request: Request, content_id: str) -> Answer:
        """GET /content/{id}/history."""
        page = self._content(request, content_id)
        return json_answer(self._writer(request).history(page, expansion_tree(request.many("expand"))))

    def children(self, request: Request, content_id: str, kind: str) -> Answer:
        """GET /content/{id}/child/{type}: only children of that very type, so none behind a folder."""
        page = self._content(request, content_id)
        source = page.comments if kind == "comment" else page.ordered_children()
        return self._content_list(request, self._seen(request, source, kind))

    def descendants(self, request: Request, content_id: str, kind: str) -> Answer:
        """GET /content/{id}/descendant/{type}."""
        page = self._content(request, content_id)
        return self._content_list(request, self._seen(request, page.descendants(), kind))

    def _seen(self, request: Request, contents: Sequence[Content], kind: str) -> list[Content]:
        return [
            content
            for content in contents
            if content.type == kind and content.status == CURRENT and self.world.sees(request.user, content)
        ]

    def search(self, request: Request) -> Answer:
        """GET /content/search: found in the index, shown as it is now; what has gone since makes a short page."""
        try:
            query = cql.parse(request.get("cql"), self.world.user_zone, self.site.now())
        except cql.CqlError as error:
            raise ContractError(f"Could not parse cql : {request.get('cql')} ({error})") from error
        if self.world.cloud and request.number("start", 0) and not request.get("cursor"):
            self.world.violation(request, "Cloud's search ignores start: follow the next link's cursor")
        ids = query.run(self.site.index.entries())
        limit = self._limit(request)
        start = start_of(request) if self.world.cloud else request.number("start", 0)
        shown_ids, more = piece(request, ids, start, limit)
        contents = [self.site.contents[content_id] for content_id in shown_ids if content_id in self.site.contents]
        shown = [item for item in contents if item.status == CURRENT and self.world.sees(request.user, item)]
        following = [("limit", str(limit)), ("start", str(start + limit))]
        if self.world.cloud:
            following += [("next", "true"), ("cursor", cursor(request, start + limit))]
        return self._list(request, self._contents(request, shown), start, limit, following if more else None)

    def _content_list(self, request: Request, contents: Sequence[Content]) -> Answer:
        limit, start = self._limit(request), request.number("start", 0)
        shown, more = piece(request, contents, start, limit)
        following = [("limit", str(limit)), ("start", str(start + limit))]
        return self._list(request, self._contents(request, shown), start, limit, following if more else None)

    def _contents(self, request: Request, contents: Sequence[Content]) -> list[Any]:
        writer, wanted = self._writer(request), request.get("expand")
        tree = expansion_tree(request.many("expand"))
        if not tree.keys().isdisjoint(("children", "descendants")):
            return [writer.content(content, tree) for content in contents]
        form = (writer.base, wanted)
        return [self.world.written.get(item, form, partial(writer.content, item, tree)) for item in contents]

    # --- what hangs on a page ------------------------------------------------------------------------------------

    def attachments(self, request: Request, content_id: str) -> Answer:
        """GET /content/{id}/child/attachment."""
        page = self._content(request, content_id)
        filename, media_type = request.get("filename"), request.get("mediaType")
        items = [
            self._writer(request).attachment(page, item)
            for item in page.attachments
            if (not filename or item.title == filename) and (not media_type or item.media_type == media_type)
        ]
        return self._plain_list(request, items)

    def labels(self, request: Request, content_id: str) -> Answer:
        """GET /content/{id}/label."""
        page = self._content(request, content_id)
        return self._plain_list(request, [self._writer(request).label(page, name) for name in page.labels])

    def restrictions(self, request: Request, content_id: str) -> Answer:
        """GET /content/{id}/restriction/byOperation: both operations, users and groups as expanded."""
        page = self._content(request, content_id)
        want = expansion_tree(request.many("expand"))
        writer = self._writer(request)
        answer: Json = {
            name: writer.restriction(page, name, want.get(name, {}).get("restrictions", {}))
            for name in ("read", "update")
        }
        return json_answer(answer | {"_links": writer.restrictions(page, {})["_links"]})

    def restriction(self, request: Request, content_id: str, operation: str) -> Answer:
        """GET /content/{id}/restriction/byOperation/{operation}."""
        page = self._content(request, content_id)
        if operation not in {"read", "update"}:
            raise ContractError(f"there is no operation {operation!r}", 404)
        want = expansion_tree(request.many("expand")).get("restrictions", {})
        return json_answer(self._writer(request).restriction(page, operation, want))

    def restricted_to(self, request: Request, content_id: str, operation: str, kind: str) -> Answer:
        """The rest of a nested list of users or groups, at the address that its `next` gave."""
        page = self._content(request, content_id)
        writer = self._writer(request, nested_limit=sys.maxsize)
        items = writer.restriction(page, operation, {kind: {}})["restrictions"][kind]["results"]
        return self._plain_list(request, items)

    # --- spaces and people ---------------------------------------------------------------------------------------

    def spaces(self, request: Request) -> Answer:
        """GET /space."""
        keys, kind = request.many("spaceKey"), request.get("type")
        tree = expansion_tree(request.many("expand"))
        found = [
            self._writer(request).space(space, tree)
            for space in self.site.spaces.values()
            if (not keys or space.key in keys) and (not kind or space.type == kind)
        ]
        return self._plain_list(request, found)

    def space(self, request: Request, key: str) -> Answer:
        """GET /space/{key}."""
        writer = self._writer(request)
        data = writer.space(self.world.space(key), expansion_tree(request.many("expand")))
        data["_links"] |= {"base": writer.base, "context": self.world.context, "collection": "/rest/api/space"}
        return json_answer(data)

    def user(self, request: Request) -> Answer:
        """GET /user?accountId= (Cloud), ?key= or ?username= (Data Center)."""
        wanted = "accountId" if self.world.cloud else "key"
        value, name = request.get(wanted), request.get("username")
        if not value and not (name and not self.world.cloud):
            raise ContractError(f"a user is asked for by {wanted}")
        for user in self.site.users.values():
            if user.key == value or (name and user.name == name):
                return json_answer(self._writer(request).user(user))
        raise ApiError(404, f"No user found with {wanted} : {value or name}")

    def current_user(self, request: Request) -> Answer:
        """GET /user/current."""
        if request.user is None:
            return json_answer({"type": "anonymous", "displayName": "Anonymous", "_expandable": {}, "_links": {}})
        return json_answer(self._writer(request).user(request.user))

    # --- inner parts ---------------------------------------------------------------------------------------------

    def _content(self, request: Request, content_id: str) -> Content:
        content = self.site.contents.get(content_id)
        if content is None or not self.world.sees(request.user, content):
            raise self._not_found(content_id)
        return content

    def _not_found(self, content_id: str) -> ApiError:
        return ApiError(404, f"No content found with id: ContentId{{id={content_id}}}")

    def _writer(self, request: Request, nested_limit: int | None = None) -> V1Json:
        return V1Json(
            request.origin + self.world.context,
            cloud=self.world.cloud,
            zone=self.world.server_zone,
            nested_limit=nested_limit or self.world.limits.nested,
            written=self.world.written,
        )

    def _limit(self, request: Request) -> int:
        wanted = request.many("expand")
        limits = self.world.limits
        if any(path.endswith(("body.export_view", "body.styled_view")) for path in wanted):
            cap = limits.export_view
        else:
            cap = limits.bodies if any("body" in path.split(".") for path in wanted) else limits.contents
        return effective_limit(request, 25, cap)

    def _plain_list(self, request: Request, items: Sequence[Json]) -> Answer:
        limit, start = effective_limit(request, 200, self.world.limits.nested), request.number("start", 0)
        shown, more = piece(request, items, start, limit)
        following = [("limit", str(limit)), ("start", str(start + limit))]
        return self._list(request, list(shown), start, limit, following if more else None)

    def _list(
        self, request: Request, results: list[Any], start: int, limit: int, following: list[tuple[str, str]] | None
    ) -> Answer:
        base = request.origin + self.world.context
        path = "/rest/api" + request.path
        rest = query_without(request, "start", "limit", "cursor", "next")
        links: dict[str, Any] = {"base": base, "context": self.world.context, "self": base + link(path, rest)}
        if following:
            links["next"] = link(path, rest + following)
        return json_answer({"results": results, "start": start, "limit": limit, "size": len(results), "_links": links})


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
