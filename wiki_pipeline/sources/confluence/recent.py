"""The cheap look: which pages of a space were edited lately, by CQL.

CQL reads moments in the calling user's time zone, which no API tells, by the minute, from an index that lags behind
(notes of the vendor's forum). So the question reaches back further than the last look by more than all of that, and
what was seen by then, by page and version, is left out.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from wiki_pipeline.errors import AccessDeniedError, SourceNotFoundError
from wiki_pipeline.model import Changes
from wiki_pipeline.sources.confluence.answers import NotTheApiError, RefusedError
from wiki_pipeline.sources.confluence.client import ConfluenceClient
from wiki_pipeline.sources.confluence.cursors import follow
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings

_OVERLAP = timedelta(days=2)  # the index's lag and clocks that are wrong, a day; the time zone, up to 14 hours
_LIMIT = 100
_MOST_SEEN = 20_000  # pages kept in a cursor; beyond, a listing is as cheap


async def recently_changed(client: ConfluenceClient, settings: ConfluenceSettings, space: str, cursor: str) -> Changes:
    """Pages edited since the look that made `cursor`. Deletions, moves and labels don't show in it.

    Raises:
        SourceError: the site can't be asked.
    """
    began = datetime.now(UTC)
    since, seen = _read(cursor)
    if since is None:
        return Changes(_write(began, {}), whole=True)
    cql = f'space = "{space}" and type = page and lastmodified >= "{since - _OVERLAP:%Y-%m-%d %H:%M}"'
    params: dict[str, str | int] = {"cql": cql, "limit": _LIMIT, "expand": "version"}
    found: dict[str, int] = {}
    try:
        async for portion in follow(client, "/rest/api/content/search", params, settings.max_list_requests):
            found.update((str(item.get("id")), _version(item)) for item in portion.items)
    except (NotTheApiError, RefusedError, AccessDeniedError, SourceNotFoundError):
        # Some Cloud tokens may not search, and v1 is gone for others: only a listing tells.
        return Changes(_write(began, {}), whole=True)
    if len(found) > _MOST_SEEN:
        return Changes(_write(began, {}), whole=True)
    changed = sorted(page for page, version in found.items() if seen.get(page) != version)
    return Changes(_write(began, found), tuple(changed))


def _version(item: dict[str, object]) -> int:
    version = item.get("version")
    number = version.get("number") if isinstance(version, dict) else None
    return number if isinstance(number, int) else 0


def _read(cursor: str) -> tuple[datetime | None, dict[str, int]]:
    try:
        kept = json.loads(cursor)
        return datetime.fromisoformat(kept["since"]), dict(kept["seen"])
    except (ValueError, KeyError, TypeError):  # none yet, or of another version of the program
        return None, {}


def _write(since: datetime, seen: dict[str, int]) -> str:
    return json.dumps({"since": since.isoformat(), "seen": dict(sorted(seen.items()))})
