"""What v1 gives of a page with `expand`, and what has to be asked for apart: long lists of labels, names of people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

from wiki_pipeline.errors import SourceError, SourceNotFoundError
from wiki_pipeline.links.confluence import join_link
from wiki_pipeline.model import Ancestor
from wiki_pipeline.sources.confluence.answers import Json, RefusedError
from wiki_pipeline.sources.confluence.concurrency import in_order
from wiki_pipeline.sources.confluence.fetching import LABELS, NAMES, Degraded
from wiki_pipeline.sources.confluence.page import Page, read_position, read_time, sorted_labels
from wiki_pipeline.sources.confluence.paging import Lists

MOST_PEOPLE = 500  # a request each; the rest is asked for by the next syncs
_LABELS = 200
_USER_KEY = re.compile(r"[0-9a-f]{32}")
_ACCOUNT_ID = re.compile(r"[0-9a-f]{24}|[0-9A-Za-z_-]+:[0-9A-Za-z:_-]+")


class Lookups:
    """Look-ups for one source."""

    def __init__(self, lists: Lists, degraded: Degraded) -> None:
        self._lists = lists
        self._degraded = degraded

    async def page(self, item: Json, base: str = "") -> Page:
        """The page in `item`; `base` is what its links are relative to, unless it says so itself."""
        links, version, history = item.get("_links") or {}, item.get("version") or {}, item.get("history") or {}
        author, ancestors = version.get("by") or {}, item.get("ancestors") or ()
        base = links.get("base") or base or self._lists.settings.public_url
        return Page(
            id=str(item["id"]),
            title=str(item.get("title") or ""),
            url=join_link(base, str(links.get("webui") or "")),
            version=int(version.get("number") or 0),
            changed_at=read_time(version.get("when")),
            position=read_position((item.get("extensions") or {}).get("position")),
            ancestors=tuple(
                Ancestor(str(ancestor.get("id")), str(ancestor.get("title") or "")) for ancestor in ancestors
            ),
            containers=frozenset(str(ancestor.get("id")) for ancestor in ancestors if not _is_document(ancestor)),
            labels=await self._labels(item),
            author=str(author.get("displayName") or author.get("publicName") or ""),
            # `history` alone doesn't say who changed the page last; `version` does.
            created_at=read_time(history.get("createdDate")),
        )

    async def _labels(self, item: Json) -> tuple[str, ...]:
        """A page's labels: those that came along, or all of them from their own list if that pages."""
        labels, page_id = (item.get("metadata") or {}).get("labels") or {}, str(item["id"])
        found = labels.get("results") or []
        if (labels.get("_links") or {}).get("next") or len(found) >= (labels.get("limit") or _LABELS):
            try:
                found = (await self._lists.items(f"/rest/api/content/{page_id}/label", {"limit": _LABELS})).items
            except SourceNotFoundError:
                pass  # the page went between two requests; the next listing shows that
            except SourceError as error:
                self._degraded.add(LABELS, error)
                return self._degraded.known_labels().get(page_id, sorted_labels(found))
        return sorted_labels(found)

    async def names(self, person_ids: Sequence[str]) -> dict[str, str]:
        """Display names of people, empty for those whom Confluence does not know; the first `MOST_PEOPLE` of them."""
        found: dict[str, str] = {}
        calls = (partial(self._name, person_id) for person_id in person_ids[:MOST_PEOPLE])
        try:
            async with aclosing(in_order(calls, self._lists.settings.max_concurrency)) as names:
                async for person_id, name in names:
                    found[person_id] = name  # noqa: PERF403 - what was found before an error counts
        except SourceError as error:
            self._degraded.add(NAMES, error)
        return found

    async def _name(self, person_id: str) -> tuple[str, str]:
        try:
            answer = await self._lists.client.get("/rest/api/user", {_parameter_of(person_id): person_id})
        except (SourceNotFoundError, RefusedError):
            return person_id, ""
        return person_id, str(answer.get("displayName") or answer.get("publicName") or "")


def _parameter_of(person_id: str) -> str:
    """What v1 calls an id of this form; user names are all that is left."""
    if _USER_KEY.fullmatch(person_id):
        return "key"
    return "accountId" if _ACCOUNT_ID.fullmatch(person_id) else "username"


def _is_document(ancestor: Json) -> bool:
    return bool(ancestor.get("type", "page") == "page" and ancestor.get("status", "current") == "current")
