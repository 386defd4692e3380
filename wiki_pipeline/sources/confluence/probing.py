"""What a site answers when it is asked who we are and what there is: shows that address and credentials are right."""

from __future__ import annotations

from collections.abc import Mapping

from wiki_pipeline.errors import SourceError
from wiki_pipeline.sources.confluence.client import ConfluenceClient
from wiki_pipeline.sources.confluence.cursors import follow
from wiki_pipeline.sources.confluence.resolve import has_v2
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings

_A_REQUEST = 100
_MOST_REQUESTS = 100
_NOT_TOLD = "not told to this kind of token"


async def probe(settings: ConfluenceSettings, name: str) -> Mapping[str, str]:
    """Who the credentials are of, which REST API the site has, and how many spaces they may see.

    Raises:
        SourceError: the site can't be asked.
    """
    async with ConfluenceClient(settings, f"connection {name}") as client:
        v2 = await has_v2(client, settings)
        path = "/api/v2/spaces" if v2 else "/rest/api/space"
        spaces = 0
        async for portion in follow(client, path, {"limit": _A_REQUEST}, _MOST_REQUESTS):
            spaces += len(portion.items)
        return {"who": await _who(client), "API": "v2" if v2 else "v1", "spaces": str(spaces)}


async def _who(client: ConfluenceClient) -> str:
    try:
        user = await client.get("/rest/api/user/current")
    except SourceError:  # v1 is gone for some tokens; they read spaces all the same
        return _NOT_TOLD
    names = (user.get(key) for key in ("displayName", "publicName", "username", "accountId"))
    return next((str(name) for name in names if name), "anonymous")
