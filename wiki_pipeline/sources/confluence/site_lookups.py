"""What a site is asked outside of a source: which API it has, who we are, and where a page is that an address names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from wiki_pipeline.errors import AccessDeniedError, SourceError, SourceNotFoundError
from wiki_pipeline.links.confluence import PAGE_ID, Target
from wiki_pipeline.sources.confluence.answers import Json, NotTheApiError, RefusedError
from wiki_pipeline.sources.confluence.client import ConfluenceClient
from wiki_pipeline.sources.confluence.concurrency import in_order
from wiki_pipeline.sources.confluence.lookups_v2 import MAX_LIMIT, chunks
from wiki_pipeline.sources.confluence.paging import Lists
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings

_LIMIT = 100
_BY_ID = ("id", "-id")
_UNKNOWN = "not shown to this kind of token"


async def has_v2(client: ConfluenceClient, settings: ConfluenceSettings) -> bool:
    """Whether the site's REST API v2 can be used, unless a setting says which to use."""
    if settings.api != "auto":
        return settings.api == "v2"
    try:
        await client.get("/api/v2/spaces", {"limit": 1})
    except (NotTheApiError, RefusedError, AccessDeniedError, SourceNotFoundError):
        return False
    return True


async def probe(settings: ConfluenceSettings, name: str) -> Mapping[str, str]:
    """Who the credentials are of, which REST API the site has, and how many spaces they may see.

    Raises:
        SourceError: the site can't be asked.
    """
    async with ConfluenceClient(settings, f"connection {name}") as client:
        v2 = await has_v2(client, settings)
        path = "/api/v2/spaces" if v2 else "/rest/api/space"
        spaces = await Lists(client, settings).items(path, {"limit": _LIMIT}, ends=_BY_ID if v2 else None)
        return {"who": await _who(client), "API": "v2" if v2 else "v1", "spaces": str(len(spaces.items))}


async def _who(client: ConfluenceClient) -> str:
    try:
        user = await client.get("/rest/api/user/current")
    except SourceError:  # v1 is gone for some tokens; they read spaces all the same
        return _UNKNOWN
    names = (user.get(key) for key in ("displayName", "publicName", "username", "accountId"))
    return next((str(name) for name in names if name), "anonymous")


# --- the page of an address ---


async def find_page(settings: ConfluenceSettings, target: Target) -> Target:
    """The same page with space key and id.

    Raises:
        SourceNotFoundError: there is no such current page, or the credentials may not see it.
        SourceError: the site can't be asked.
    """
    async with ConfluenceClient(settings, "confluence") as client:
        find = _find_v2 if await has_v2(client, settings) else _find_v1
        return await find(client, target)


async def _find_v2(client: ConfluenceClient, target: Target) -> Target:
    if target.page_id:
        page = await client.get(f"/api/v2/pages/{target.page_id}")
        space = await client.get(f"/api/v2/spaces/{page.get('spaceId')}")
        return Target(str(space.get("key")), target.page_id)
    space = _first(await client.get("/api/v2/spaces", {"keys": target.space}), target)
    params = {"space-id": str(space.get("id")), "title": target.title, "status": "current"}
    return Target(str(space.get("key")), str(_first(await client.get("/api/v2/pages", params), target).get("id")))


async def _find_v1(client: ConfluenceClient, target: Target) -> Target:
    if target.page_id:
        page = await client.get(f"/rest/api/content/{target.page_id}", {"expand": "space"})
    else:
        params = {"spaceKey": target.space, "title": target.title, "type": "page", "expand": "space"}
        page = _first(await client.get("/rest/api/content", params), target)
    return Target(str((page.get("space") or {}).get("key")), str(page.get("id")))


def _first(answer: Json, target: Target) -> Json:
    items = answer.get("results") or ()
    if not items:
        raise SourceNotFoundError(
            f"There is no page {target.title!r} in space {target.space}, or the credentials may not see it.",
            "Copy the page's address from the browser again.",
        )
    return dict(items[0])


# --- the spaces of pages ---


async def spaces_of(settings: ConfluenceSettings, page_ids: Sequence[str]) -> dict[str, str]:
    """The key of each page's space; pages that are gone, or that the credentials may not see, are missing.

    Raises:
        SourceError: the site can't be asked.
    """
    ids = [page_id for page_id in dict.fromkeys(page_ids) if PAGE_ID.fullmatch(page_id)]
    if not ids:
        return {}
    async with ConfluenceClient(settings, "confluence") as client:
        if await has_v2(client, settings):
            return await _spaces_v2(Lists(client, settings), ids)
        # One by one: the index that CQL asks does not have pages that were created a moment ago.
        calls = (partial(_space_v1, client, page_id) for page_id in ids)
        found = [answer async for answer in in_order(calls, settings.max_concurrency)]
        return {page_id: space for page_id, space in found if space}


async def _spaces_v2(lists: Lists, ids: Sequence[str]) -> dict[str, str]:
    of_page: dict[str, str] = {}
    for some in chunks(list(ids), MAX_LIMIT):
        portion = await lists.items("/api/v2/pages", {"id": ",".join(some), "limit": MAX_LIMIT}, ends=_BY_ID)
        of_page.update((str(item.get("id")), str(item.get("spaceId"))) for item in portion.items)
    keys: dict[str, str] = {}
    for some in chunks(sorted(set(of_page.values())), MAX_LIMIT):
        portion = await lists.items("/api/v2/spaces", {"ids": ",".join(some), "limit": MAX_LIMIT}, ends=_BY_ID)
        keys.update((str(item.get("id")), str(item.get("key"))) for item in portion.items)
    return {page: keys[space] for page, space in of_page.items() if space in keys}


async def _space_v1(client: ConfluenceClient, page_id: str) -> tuple[str, str]:
    try:
        page = await client.get(f"/rest/api/content/{page_id}", {"expand": "space"})
    except SourceNotFoundError:
        return page_id, ""
    return page_id, str((page.get("space") or {}).get("key") or "")
