"""The cheap look: which pages and attachments of a space were edited lately, by CQL.

CQL reads moments in the calling user's time zone, which no API names, by the minute, from an index that lags behind
(notes of the vendor's forum). So the question reaches back further than the last look by more than all of that, and
what was seen by then, by id and version, is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from wiki_pipeline.errors import AccessDeniedError, IncompleteListingError, SourceNotFoundError
from wiki_pipeline.links.confluence import PAGE_ID
from wiki_pipeline.model import AttachmentRef, Changes
from wiki_pipeline.sources.confluence.answers import Json, NotTheApiError, RefusedError
from wiki_pipeline.sources.confluence.page import read_time
from wiki_pipeline.sources.confluence.paging import Lists

_OVERLAP = timedelta(days=2)  # the index's lag and clocks that are wrong, a day; the time zone, up to 14 hours
_LIMIT = 100
_MOST_SEEN = 20_000  # ids kept in a cursor; beyond, a listing is as cheap


async def recently_changed(
    lists: Lists,
    space: str,
    cursor: str,
    attachment: Callable[[Json, str], AttachmentRef | None],
) -> Changes:
    """Pages and attachments edited since the look that made `cursor`; in the first look, those edited lately.
    Deletions, moves and labels don't show in it.

    Args:
        attachment: reads an item that the search found.

    Raises:
        SourceError: the site can't be asked.
    """
    began = datetime.now(UTC)
    since, seen = _read(cursor)
    edited = f'space = "{space}" and lastmodified >= "{(since or began) - _OVERLAP:%Y-%m-%d %H:%M}"'
    try:
        pages = await _found(lists, f"{edited} and type = page", "version")
        files = await _found(lists, f"{edited} and type = attachment", "version,container")
    except (NotTheApiError, RefusedError, AccessDeniedError, SourceNotFoundError, IncompleteListingError):
        # Some Cloud tokens may not search, and v1 is gone for others: only a listing shows what changed.
        return Changes(_write(began, {}), whole=True)
    found = {id_: _version(item) for id_, (item, _) in {**files, **pages}.items()}
    if len(found) > _MOST_SEEN:
        return Changes(_write(began, {}), whole=True)
    changed = sorted(id_ for id_, version in found.items() if seen.get(id_) != version)
    return Changes(
        _write(began, found),
        documents=tuple(id_ for id_ in changed if id_ in pages),
        attachments=tuple(ref for id_ in changed if id_ in files and (ref := attachment(*files[id_]))),
        whole=since is None,
    )


async def changed_since(lists: Lists, space: str, moment: datetime) -> list[str]:
    """Ids of pages that were edited, or whose attachments were, at or after a moment.

    Raises:
        SourceError: the site can't be asked.
    """
    # The reader's time zone is unknown: the question reaches back further, the answers say exactly when.
    day_before = moment.astimezone(UTC) - timedelta(days=1)
    edited = f'space = "{space}" and lastmodified >= "{day_before:%Y-%m-%d %H:%M}"'
    pages = await _found(lists, f"{edited} and type = page", "version")
    files = await _found(lists, f"{edited} and type = attachment", "version,container")
    ids = [id_ for id_, (item, _) in pages.items() if _is_since(item, moment)]
    ids += [str((item.get("container") or {}).get("id")) for item, _ in files.values() if _is_since(item, moment)]
    return [id_ for id_ in dict.fromkeys(ids) if PAGE_ID.fullmatch(id_)]


def _is_since(item: Json, moment: datetime) -> bool:
    """Whether an item's version was made at or after a moment; also where it does not say when."""
    when = read_time((item.get("version") or {}).get("when"))
    return when is None or when >= moment


async def _found(lists: Lists, cql: str, expand: str) -> dict[str, tuple[Json, str]]:
    """What a search finds, by id, each with the address that its links begin with."""
    async with aclosing(lists.search(cql, expand, _LIMIT)) as portions:
        return {str(item.get("id")): (item, portion.base) async for portion in portions for item in portion.items}


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
