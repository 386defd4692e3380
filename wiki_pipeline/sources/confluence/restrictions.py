"""Which pages not everyone who sees the space may read: those with a read restriction on them, or on anything above.

Confluence says of each content what is set on it alone, and its rights are the intersection over all that stands above;
so does this: one restriction anywhere above leaves a page out. Setting or lifting one changes no version.

A listing asks the search, which gives restrictions as they are now for whatever is in its index, many a request. What
the index does not have yet is asked for singly, and so is what is fetched by name. What can't be known is an error:
a page is not kept because nobody could say whether it is secret.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from functools import partial

from wiki_pipeline.errors import AccessDeniedError, IncompleteListingError, SourceError, SourceNotFoundError
from wiki_pipeline.sources.confluence.answers import Json, RefusedError
from wiki_pipeline.sources.confluence.concurrency import in_order
from wiki_pipeline.sources.confluence.lookups_v2 import chunks
from wiki_pipeline.sources.confluence.paging import Lists

RESTRICTED = "Not everybody may read the page: it, or one above it, is restricted."
SKIPPED = "with restrictions"
_EXPANDED = "restrictions.read.restrictions.user,restrictions.read.restrictions.group"
_LIMIT = 200
_FEW = 25  # are asked for singly
_IN_A_QUERY = 100


class Restrictions:
    """Looks restrictions up for one source; remembers what it was told until the next listing."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._known: dict[str, bool] = {}

    async def listed(self, space_key: str, above: Mapping[str, Sequence[str]]) -> set[str]:
        """The restricted ones among pages that were just listed.

        Args:
            above: of each page, the ids of what is above it.

        Raises:
            SourceError: the site does not say.
        """
        self._known.clear()
        desired = {*above, *(each for ids in above.values() for each in ids)}
        if len(desired) > _FEW:
            await self._search(f'space="{space_key}" and type=page')
        return await self._among(above, desired)

    async def fetched(self, above: Mapping[str, Sequence[str]]) -> set[str]:
        """The same for pages that were fetched by name; what the last listing said of them holds."""
        return await self._among(above, {*above, *(each for ids in above.values() for each in ids)})

    async def _among(self, above: Mapping[str, Sequence[str]], desired: Collection[str]) -> set[str]:
        unknown = sorted(set(desired) - self._known.keys())
        if len(unknown) > _FEW:
            for some in chunks(unknown, _IN_A_QUERY):
                await self._search(f"id in ({','.join(some)})")
            unknown = sorted(set(unknown) - self._known.keys())
        calls = (partial(self._ask, content_id) for content_id in unknown)
        async with aclosing(in_order(calls, self._lists.settings.max_concurrency)) as answers:
            async for content_id, is_restricted in answers:
                self._known[content_id] = is_restricted
        return {
            page_id for page_id, ids in above.items() if self._known[page_id] or any(self._known[each] for each in ids)
        }

    async def _search(self, cql: str) -> None:
        """Learn what the search knows of pages."""
        try:
            async with aclosing(self._lists.search(cql, _EXPANDED, _LIMIT)) as portions:
                async for portion in portions:
                    for item in portion.items:
                        read = (item.get("restrictions") or {}).get("read")
                        if isinstance(read, dict) and item.get("id"):
                            self._known[str(item["id"])] = _is_set(read)
        except (IncompleteListingError, SourceNotFoundError, RefusedError):
            return  # one page can spoil a search, or it changed meanwhile: what is unknown is asked for singly

    async def _ask(self, content_id: str) -> tuple[str, bool]:
        try:
            path = f"/rest/api/content/{content_id}/restriction/byOperation/read"
            answer = await self._lists.client.get(path, {"expand": "restrictions.user,restrictions.group"})
        except SourceNotFoundError:
            # Gone between two requests, or above a page and in the trash: whoever sees the page is let in by all that
            # is above it and there.
            return content_id, False
        except AccessDeniedError as error:
            raise _denied(error) from None
        except RefusedError:  # as for tokens that v1 is gone for, all but the search
            await self._search(f"id in ({content_id})")
            if content_id not in self._known:
                raise
            return content_id, self._known[content_id]
        return content_id, _is_set(answer)


def _is_set(operation: Json) -> bool:
    """Whether an operation is restricted to some people or groups. Of lists that did not come along it is not known."""
    held = operation.get("restrictions") or {}
    lists = [held.get(kind) for kind in ("user", "group")]
    if not all(isinstance(each, dict) for each in lists):
        raise SourceError(
            "Confluence does not say who may read a page.",
            "To keep pages whoever may read them, set WIKI_PIPELINE_CONFLUENCE_RESTRICTED to true.",
        )
    return any(each.get("results") or each.get("size") for each in lists if each)


def _denied(error: AccessDeniedError) -> AccessDeniedError:
    return AccessDeniedError(
        f"Which pages are restricted can't be read: {error.message}",
        "Give the token the scope read:content-details:confluence (restrictions), or, to keep pages whoever may read "
        "them, set WIKI_PIPELINE_CONFLUENCE_RESTRICTED to true.",
    )
