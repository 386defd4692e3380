"""REST v1, `/rest/api`: Data Center's only API, and Cloud's older one. Its addresses with their parameters, and the
answers of its spaces, people and searches; those of contents are in `v1_contents`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

from wiki_pipeline.demo.confluence import cql
from wiki_pipeline.demo.confluence.expansions import (
    CONTENT,
    HISTORY,
    RESTRICTION,
    RESTRICTIONS,
    SPACE,
    USER,
    expand_of,
    expansion_tree,
)
from wiki_pipeline.demo.confluence.paging import cursor, effective_limit, piece, start_of
from wiki_pipeline.demo.confluence.records import CURRENT
from wiki_pipeline.demo.confluence.search_index import Indexed
from wiki_pipeline.demo.confluence.site import Content
from wiki_pipeline.demo.confluence.v1_answers import Answers, Following
from wiki_pipeline.demo.confluence.v1_contents import Contents
from wiki_pipeline.demo.confluence.v1_parts import Json, timestamp
from wiki_pipeline.demo.confluence.view import plain_text
from wiki_pipeline.demo.confluence.world import World
from wiki_pipeline.demo.web import (
    Answer,
    ApiError,
    Check,
    ContractError,
    Request,
    Route,
    choice,
    find_route,
    integer,
    json_answer,
    route,
    text,
)

# Cloud took these away from OAuth apps; v1's search and restrictions have no successor in v2 and stay.
_GONE_FOR_OAUTH = re.compile(r"/content(?!/search)(?:/[^/]+(?:/child/[^/]+|/label|/history)?)?")
_STATUSES = choice("current", "archived", "trashed", "deleted", "historical", "draft", "any")
_KIND = "(?P<kind>page|comment|folder|whiteboard|database|embed)"
_SPACE_CONTENT = "/space/{key}/content/(?P<kind>page|blogpost)"
_OPERATION = "/(?P<operation>read|update)"
_PAGING: dict[str, Check] = {"start": integer(), "limit": integer()}
_CONTENT: dict[str, Check] = {"expand": expand_of(CONTENT)}


class V1:
    """Answers v1 requests about a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        answers = Answers(world)
        self._routes = [
            *_search_routes(Searches(answers), cloud=world.cloud),
            *_content_routes(Contents(answers), cloud=world.cloud),
            *_space_routes(SpacesAndPeople(answers), Contents(answers)),
        ]

    def answer(self, request: Request) -> Answer:
        """Answer one request.

        Raises:
            ApiError: an error that Confluence would answer; a `ContractError` if no right client sends this.
        """
        found, variables = find_route(self._routes, request)
        if self._world.cloud and request.with_oauth and _GONE_FOR_OAUTH.fullmatch(request.path):
            raise ApiError(410, "This deprecated endpoint has been removed.")
        return found.handler(request, **variables)


def _search_routes(searches: Searches, *, cloud: bool) -> list[Route]:
    search: dict[str, Check] = {"cql": text, **_PAGING}
    if cloud:
        search |= {"cursor": text, "next": text}
    return [
        route("/content/search", searches.contents, **search, **_CONTENT),
        route("/search", searches.results, **search, expand=expand_of({"content": CONTENT})),
    ]


def _content_routes(contents: Contents, *, cloud: bool) -> list[Route]:
    listing = {"type": choice("page", "blogpost"), "spaceKey": text, "title": text, "status": _STATUSES}
    files = {"filename": text, "mediaType": text}
    restriction = "/content/{content_id}/restriction/byOperation"
    download = "/content/{content_id}/child/attachment/{attachment_id}/download"
    return [
        *([route(download, contents.download, version=integer(1))] if cloud else []),
        route("/content", contents.listed, **listing, **_CONTENT, **_PAGING),
        route("/content/{content_id}", contents.one, status=_STATUSES, version=integer(1), **_CONTENT),
        route("/content/{content_id}/history", contents.history, expand=expand_of(HISTORY)),
        route("/content/{content_id}/child/attachment", contents.attachments, **files, **_CONTENT, **_PAGING),
        route(f"/content/{{content_id}}/child/{_KIND}", contents.children, **_CONTENT, **_PAGING),
        route(f"/content/{{content_id}}/descendant/{_KIND}", contents.descendants, **_CONTENT, **_PAGING),
        route("/content/{content_id}/label", contents.labels, prefix=choice("global", "my", "team"), **_PAGING),
        # Cloud documents the expansions of one operation here, Data Center those of both.
        route(restriction, contents.restrictions, expand=expand_of(RESTRICTION if cloud else RESTRICTIONS)),
        route(restriction + _OPERATION, contents.restriction, expand=expand_of(RESTRICTION), **_PAGING),
        route(restriction + _OPERATION + "/(?P<kind>user|group)", contents.restricted_to, **_PAGING),
    ]


def _space_routes(spaces: SpacesAndPeople, contents: Contents) -> list[Route]:
    space, user = {"expand": expand_of(SPACE)}, {"expand": expand_of(USER)}
    kinds = {"type": choice("global", "personal"), "status": choice("current", "archived")}
    return [
        route("/space", spaces.spaces, spaceKey=text, **kinds, **space, **_PAGING),
        route("/space/{key}", spaces.space, **space),
        route(
            "/space/{key}/content/(?P<kind>page|blogpost)",
            contents.of_space,
            depth=choice("all", "root"),
            **_CONTENT,
            **_PAGING,
        ),
        route("/user", spaces.user, accountId=text, key=text, username=text, **user),
        route("/user/current", spaces.current_user, **user),
    ]


class SpacesAndPeople:
    """Handlers of `/space` and `/user`."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._world = answers.world
        self._site = answers.site

    def spaces(self, request: Request) -> Answer:
        """GET /space."""
        keys, kind, status = request.many("spaceKey"), request.get("type"), request.get("status")
        tree = expansion_tree(request.many("expand"))
        found = [
            self._answers.writer(request).space(space, tree)
            for space in self._site.spaces.values()
            if (not keys or space.key in keys) and (not kind or space.type == kind)
            if not status or space.status == status
        ]
        return self._answers.plain_list(request, found)

    def space(self, request: Request, key: str) -> Answer:
        """GET /space/{key}."""
        writer = self._answers.writer(request)
        data = writer.space(self._world.space(key), expansion_tree(request.many("expand")))
        data["_links"] |= {"base": writer.base, "context": self._world.context, "collection": "/rest/api/space"}
        return json_answer(data)

    def user(self, request: Request) -> Answer:
        """GET /user?accountId= (Cloud), ?key= or ?username= (Data Center)."""
        desired = "accountId" if self._world.cloud else "key"
        value, name = request.get(desired), request.get("username")
        if not value and not (name and not self._world.cloud):
            raise ContractError(f"a user is asked for by {desired}")
        for user in self._site.users.values():
            if user.key == value or (name and user.name == name):
                return json_answer(self._answers.parts(request).user(user))
        raise ApiError(404, f"No user found with {desired} : {value or name}")

    def current_user(self, request: Request) -> Answer:
        """GET /user/current."""
        if request.user is None:
            return json_answer({"type": "anonymous", "displayName": "Anonymous", "_expandable": {}, "_links": {}})
        return json_answer(self._answers.parts(request).user(request.user))


_FILES = re.compile(r"\btype\s*=\s*\"?attachment\b", re.IGNORECASE)


def _indexed(entries: Iterable[Indexed], query: str) -> Iterable[Indexed]:
    """What is searched: files only by those who ask for files, which keeps the answers to all others of one kind."""
    files = _FILES.search(query) is not None
    return (entry for entry in entries if (entry.type == "attachment") == files)


class Searches:
    """Handlers of `/content/search` and `/search`: found in the index by CQL, shown as things are now, so that what has
    gone since makes a short page. Data Center pages by `start`; Cloud ignores `start` and pages by the cursor of its
    `next` link.
    """

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
