"""Names of people through v1, which tells one in a request."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

from wiki_pipeline.errors import AccessDeniedError, SourceNotFoundError
from wiki_pipeline.sources.confluence.answers import RefusedError
from wiki_pipeline.sources.confluence.client import ConfluenceClient
from wiki_pipeline.sources.confluence.paging import in_order

MOST_REQUESTS = 500  # at a time; the rest is asked for by the next syncs
_USER_KEY = re.compile(r"[0-9a-f]{32}")
_ACCOUNT_ID = re.compile(r"[0-9a-f]{24}|[0-9A-Za-z_-]+:[0-9A-Za-z:_-]+")
_log = logging.getLogger(__name__)


async def read_names(client: ConfluenceClient, person_ids: Sequence[str], ahead: int) -> dict[str, str]:
    """Display names of people, empty for those whom Confluence does not know; the first `MOST_REQUESTS` of them."""
    found: dict[str, str] = {}
    calls = (partial(_read_name, client, person_id) for person_id in person_ids[:MOST_REQUESTS])
    try:
        async with aclosing(in_order(calls, ahead)) as names:
            async for person_id, name in names:
                found[person_id] = name  # noqa: PERF403 - what was found before an error counts
    except AccessDeniedError as error:
        _log.warning("Mentions show no names: %s", error.message)
    return found


async def _read_name(client: ConfluenceClient, person_id: str) -> tuple[str, str]:
    try:
        answer = await client.get("/rest/api/user", {_called(person_id): person_id})
    except (SourceNotFoundError, RefusedError):
        return person_id, ""
    return person_id, str(answer.get("displayName") or answer.get("publicName") or "")


def _called(person_id: str) -> str:
    """What v1 calls an id of this form; user names are all that is left."""
    if _USER_KEY.fullmatch(person_id):
        return "key"
    return "accountId" if _ACCOUNT_ID.fullmatch(person_id) else "username"
