"""Lists of a project's issues: complete ones, and what changed lately.

A complete list goes in the order in which issues were created, which no edit changes, and ends where the server names
no further page. It lacks what the index does not hold yet, so nothing is dropped on its account before it was asked for
by its id (`Source.confirms_missing`).

Moments in queries are milliseconds since 1970: quoted dates are read in the account's time zone, by the minute.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from wiki_pipeline.errors import ConfigurationError, IncompleteListingError
from wiki_pipeline.links.jql import QueryError, without_order
from wiki_pipeline.model import Changes
from wiki_pipeline.sources.http.answers import Json
from wiki_pipeline.sources.http.cursor_walk import CursorWalk
from wiki_pipeline.sources.http.offset_walk import OffsetWalk
from wiki_pipeline.sources.http.walks import Portion, Walk, unproven
from wiki_pipeline.sources.jira.config import SourceConfig
from wiki_pipeline.sources.jira.site import JiraSite

_FORWARDS, _BACKWARDS = "created ASC, key ASC", "created DESC, key DESC"
_OVERLAP = timedelta(minutes=15)  # the index's lag, and clocks that differ
_READINGS = 3
_MOST_SEEN = 20_000  # ids kept in a cursor; beyond, a listing is as cheap


class UnprovenItemsError(IncompleteListingError):
    """A list that goes no further, without a proof that it is complete.

    Args:
        found: what was listed.
    """

    def __init__(self, error: IncompleteListingError, found: Sequence[Json]) -> None:
        super().__init__(error.message, error.advice)
        self.found = found


@dataclass(frozen=True, slots=True)
class Listing:
    """The lists of one source."""

    site: JiraSite
    config: SourceConfig

    def jql(self, *clauses: str) -> str:
        """The source's issues, within more clauses."""
        return " AND ".join((f'project = "{self.config.project}"', *self._scope(), *clauses))

    def _scope(self) -> list[str]:
        try:
            scopes = [f"({without_order(query)})" for query in self.config.jql]
        except QueryError as error:
            raise ConfigurationError(
                f"The query of project {self.config.project} can't be read: {error}", "Mend it in JIRA_PROJECTS."
            ) from None
        return [scopes[0] if len(scopes) == 1 else f"({' OR '.join(scopes)})"] if scopes else []

    async def everything(self, fields: Sequence[str], *clauses: str) -> list[Json]:
        """All of the source's issues.

        Raises:
            UnprovenItemsError: nothing proves that they are all.
            IncompleteListingError: the server does not go on.
            SourceError: as `JiraSite.search`.
        """
        jql, found = self.jql(*clauses), dict[str, Json]()
        if not await self.site.is_cloud():
            for _ in range(_READINGS):
                walk = self._by_offset(jql, fields)
                found = await self._items(walk)
                if walk.is_sure:
                    break
            return list(found.values())
        for order in (_FORWARDS, _BACKWARDS, _FORWARDS)[:_READINGS]:
            # Beside each other: where an issue is made meanwhile, the second reading counts anew.
            more, counted = await asyncio.gather(
                self._items(self._by_token(f"{jql} ORDER BY {order}", fields)), self.site.count(jql)
            )
            found |= more
            if counted is None or len(found) >= counted:
                return list(found.values())
        # The estimate may be wrong, or pages were lost: what is not listed is looked for by name.
        raise UnprovenItemsError(unproven(len(found)), list(found.values()))

    async def _items(self, walk: Walk) -> dict[str, Json]:
        found: dict[str, Json] = {}
        async with aclosing(walk.portions()) as portions:
            async for portion in portions:
                found.update((str(item.get("id")), item) for item in portion.items)
        return found

    def _by_offset(self, jql: str, fields: Sequence[str]) -> OffsetWalk:
        settings = self.site.settings

        async def get(start: int, limit: int) -> Portion:
            return await self.site.search(f"{jql} ORDER BY {_FORWARDS}", fields, limit, place=start)

        async def count() -> int | None:
            return (await get(0, 1)).total

        return OffsetWalk(get, settings.list_limit, settings.max_concurrency, settings.max_list_requests, count)

    def _by_token(self, jql: str, fields: Sequence[str]) -> CursorWalk:
        settings = self.site.settings

        async def get(link: str) -> Portion:
            token = Portion([], link).cursor
            return await self.site.search(jql, fields, settings.list_limit, place=token)

        return CursorWalk(
            get, settings.max_list_requests, count=partial(self.site.count, jql.partition(" ORDER BY ")[0])
        )

    async def window(self, since: datetime) -> list[Json]:
        """Issues of the source that were changed at or after a moment, as far as the index knows; never bounded from
        above, or an issue that changes faster than the index would never be found."""
        jql = f"{self.jql(f'updated >= {milliseconds(since)}')} ORDER BY updated DESC"
        if await self.site.is_cloud():
            return list((await self._items(self._by_token(jql, ["updated"]))).values())
        found: dict[str, Json] = {}
        start, portion = 0, None
        while portion is None or portion.next_start is not None:
            portion = await self.site.search(jql, ["updated"], self.site.settings.list_limit, place=start)
            found.update((str(item.get("id")), item) for item in portion.items)
            start = portion.next_start or 0
        return list(found.values())


async def recently_changed(listing: Listing, cursor: str) -> Changes:
    """Issues changed since the look that made `cursor`. Deletions and moves away don't show in it.

    Raises:
        SourceError: the site can't be asked.
    """
    began = datetime.now(UTC)
    since, seen = _read(cursor)
    if since is None:
        return Changes(write_cursor(began), whole=True)
    found = {str(item.get("id")): updated_of(item) or 0 for item in await listing.window(since - _OVERLAP)}
    if len(found) > _MOST_SEEN:
        return Changes(write_cursor(began), whole=True)
    changed = sorted((id_ for id_, moment in found.items() if seen.get(id_) != moment), key=_number)
    return Changes(write_cursor(began, found), documents=tuple(changed))


def updated_of(item: Json) -> int | None:
    """When an issue was changed last, in milliseconds since 1970; None where it doesn't say."""
    moment = read_time((item.get("fields") or {}).get("updated"))
    return milliseconds(moment) if moment else None


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return round(moment.timestamp() * 1000)


def read_time(value: object) -> datetime | None:
    """A moment as Jira writes it, `2019-08-27T12:43:24.193-0700`, in UTC; None if it is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _number(id_: str) -> int:
    return int(id_) if id_.isdecimal() else 0


def _read(cursor: str) -> tuple[datetime | None, dict[str, int]]:
    try:
        kept = json.loads(cursor)
        return datetime.fromisoformat(kept["since"]), dict(kept["seen"])
    except (ValueError, KeyError, TypeError):  # none yet, or of another version of the program
        return None, {}


def write_cursor(since: datetime, seen: dict[str, int] | None = None) -> str:
    """A cursor from which the next look goes on."""
    return json.dumps({"since": since.isoformat(), "seen": dict(sorted((seen or {}).items()))})
