"""REST v1, `/rest/api`: Data Center's only API, and Cloud's older one. Its addresses and their parameters."""

from __future__ import annotations

import re

from wiki_pipeline.demo.confluence.expansions import (
    CONTENT,
    HISTORY,
    RESTRICTION,
    RESTRICTIONS,
    SPACE,
    USER,
    expand_of,
)
from wiki_pipeline.demo.confluence.v1_answers import Answers
from wiki_pipeline.demo.confluence.v1_contents import Contents
from wiki_pipeline.demo.confluence.v1_search import Searches
from wiki_pipeline.demo.confluence.v1_spaces import SpacesAndPeople
from wiki_pipeline.demo.confluence.world import World
from wiki_pipeline.demo.web import (
    Answer,
    ApiError,
    Check,
    Request,
    Route,
    choice,
    find_route,
    integer,
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
