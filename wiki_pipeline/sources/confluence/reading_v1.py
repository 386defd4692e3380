"""Reading a page as v1 gives it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from wiki_pipeline.links.confluence import join_link
from wiki_pipeline.model import Ancestor
from wiki_pipeline.sources.confluence.answers import Json
from wiki_pipeline.sources.confluence.client import ConfluenceClient
from wiki_pipeline.sources.confluence.offsets import walk
from wiki_pipeline.sources.confluence.page import Page, read_position, read_time, sorted_labels
from wiki_pipeline.sources.confluence.paging import Portion, get_portion
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings

_LABELS = 200


class ReaderV1:
    """Reads pages, and asks for the rest of their labels where those page."""

    def __init__(self, client: ConfluenceClient, settings: ConfluenceSettings) -> None:
        self._client = client
        self._settings = settings

    async def page(self, item: Json, base: str = "") -> Page:
        """The page in `item`; `base` is what its links are relative to, unless it says so itself."""
        links, version, history = item.get("_links") or {}, item.get("version") or {}, item.get("history") or {}
        author, ancestors = version.get("by") or {}, item.get("ancestors") or ()
        base = links.get("base") or base or self._settings.public_url
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
        labels = (item.get("metadata") or {}).get("labels") or {}
        found = labels.get("results") or []
        if (labels.get("_links") or {}).get("next") or len(found) >= (labels.get("limit") or _LABELS):
            found = [label async for portion in self._walk_labels(str(item["id"])) for label in portion]
        return sorted_labels(found)

    async def _walk_labels(self, page_id: str) -> AsyncIterator[list[Json]]:
        async def get(start: int, limit: int) -> Portion:
            path = f"/rest/api/content/{page_id}/label"
            return await get_portion(self._client, path, {"start": start, "limit": limit})

        async for labels in walk(get, await get(0, _LABELS), _LABELS, 1, self._settings.max_list_requests):
            yield labels


def _is_document(ancestor: Json) -> bool:
    return bool(ancestor.get("type", "page") == "page" and ancestor.get("status", "current") == "current")
