"""Finding the page behind an address that names only its id, or only its space and title."""

from __future__ import annotations

from wiki_pipeline.errors import AccessDeniedError, SourceNotFoundError
from wiki_pipeline.links.confluence import Target
from wiki_pipeline.sources.confluence.answers import Json, NotTheApiError, RefusedError
from wiki_pipeline.sources.confluence.client import ConfluenceClient
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings


async def find_page(settings: ConfluenceSettings, target: Target) -> Target:
    """The same page with space key and id.

    Raises:
        SourceNotFoundError: there is no such current page, or the credentials may not see it.
        SourceError: the site can't be asked.
    """
    async with ConfluenceClient(settings, "confluence") as client:
        find = _find_v2 if await has_v2(client, settings) else _find_v1
        return await find(client, target)


async def has_v2(client: ConfluenceClient, settings: ConfluenceSettings) -> bool:
    """Whether the site's REST API v2 can be used, unless a setting says which to use."""
    if settings.api != "auto":
        return settings.api == "v2"
    try:
        await client.get("/api/v2/spaces", {"limit": 1})
    except (NotTheApiError, RefusedError, AccessDeniedError, SourceNotFoundError):
        return False
    return True


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
