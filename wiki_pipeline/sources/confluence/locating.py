"""In which spaces pages are of which only the id is known, as Data Center's webhooks tell no more."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from wiki_pipeline.errors import SourceNotFoundError
from wiki_pipeline.links.confluence import PAGE_ID
from wiki_pipeline.sources.confluence.client import ConfluenceClient
from wiki_pipeline.sources.confluence.lookups_v2 import MAX_LIMIT, chunks
from wiki_pipeline.sources.confluence.paging import get_portion, in_order
from wiki_pipeline.sources.confluence.resolve import has_v2
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings


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
            return await _spaces_v2(client, ids)
        # One by one: the index that CQL asks does not have pages that were created a moment ago.
        calls = (partial(_space_v1, client, page_id) for page_id in ids)
        found = [answer async for answer in in_order(calls, settings.max_concurrency)]
        return {page_id: space for page_id, space in found if space}


async def _spaces_v2(client: ConfluenceClient, ids: Sequence[str]) -> dict[str, str]:
    of_page: dict[str, str] = {}
    for some in chunks(list(ids), MAX_LIMIT):
        portion = await get_portion(client, "/api/v2/pages", {"id": ",".join(some), "limit": MAX_LIMIT})
        of_page.update((str(item.get("id")), str(item.get("spaceId"))) for item in portion.items)
    keys: dict[str, str] = {}
    for some in chunks(sorted(set(of_page.values())), MAX_LIMIT):
        portion = await get_portion(client, "/api/v2/spaces", {"ids": ",".join(some), "limit": MAX_LIMIT})
        keys.update((str(item.get("id")), str(item.get("key"))) for item in portion.items)
    return {page: keys[space] for page, space in of_page.items() if space in keys}


async def _space_v1(client: ConfluenceClient, page_id: str) -> tuple[str, str]:
    try:
        page = await client.get(f"/rest/api/content/{page_id}", {"expand": "space"})
    except SourceNotFoundError:
        return page_id, ""
    return page_id, str((page.get("space") or {}).get("key") or "")
