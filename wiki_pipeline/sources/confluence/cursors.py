"""Lists that page by cursor: v2, and Cloud's search."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from urllib.parse import parse_qsl, urlsplit

from wiki_pipeline.errors import IncompleteListingError
from wiki_pipeline.sources.confluence.client import ConfluenceClient, Params
from wiki_pipeline.sources.confluence.paging import Portion, endless, get_portion, together


async def follow(
    client: ConfluenceClient, path: str, params: Params, max_requests: int, start: Portion | None = None
) -> AsyncIterator[Portion]:
    """The portions of a list that pages by cursor, without empty ones. `start`: its first portion, if already there.

    An empty page with a link to more is asked for again: it may be a hiccup. If it stays empty it may be a stretch of
    pages that the credentials may not see; two such in a row are the end.

    Raises:
        IncompleteListingError: the links lead round in a circle, or the list does not end.
    """
    beginnings: set[str] = set()
    empty = 0
    query = dict(params)
    for _ in range(max_requests):
        portion = start or await get_portion(client, path, query)
        start = None
        if not portion.items and portion.next_link:
            portion = await get_portion(client, path, query)
        if portion.items:
            if portion.ids[0] in beginnings:
                raise IncompleteListingError(
                    f"The listing at {path} brings the same items again and again.", "Sync again; nothing was deleted."
                )
            beginnings.add(portion.ids[0])
            yield portion
        empty = 0 if portion.items else empty + 1
        if not portion.next_link or empty == 2:
            return
        query = next_query(params, portion.next_link)
    raise endless(max_requests)


async def follow_from_both_ends(
    client: ConfluenceClient, path: str, params: Params, max_requests: int
) -> AsyncGenerator[Portion, None]:
    """The portions of a list that pages by cursor and can be sorted by id, read upwards and downwards until both meet.

    That takes half the time of one way, and proves that nothing is missing: a link that got lost on one way looks
    like the list's end, but does not make the two meet. Each item comes once.

    Raises:
        IncompleteListingError: the two ways did not meet; else as `follow`.
    """
    up = _Way(follow(client, path, {**params, "sort": "id"}, max_requests), ascending=True)
    down = _Way(follow(client, path, {**params, "sort": "-id"}, max_requests), ascending=False)
    seen: set[str] = set()
    only_down: set[str] = set()
    while not up.meets(down):
        if up.ended:
            if not only_down:
                return
            raise IncompleteListingError(
                f"Confluence ended the listing at {path} after {len(seen)} items, before its end.",
                "Sync again; nothing was deleted.",
            )
        # A server that does not sort as it was asked to is read one way, and the other shows what must be met.
        others = down.take() if up.in_order and down.in_order else _nothing()
        upper, lower = await together(up.take(), others)
        if lower:
            only_down.update(set(lower.ids) - seen)
        if upper:
            only_down.difference_update(upper.ids)
        for portion in filter(None, (upper, lower)):
            new = [item for item, id_ in zip(portion.items, portion.ids, strict=True) if id_ not in seen]
            seen.update(portion.ids)
            yield Portion(new, portion.next_link, portion.base)


class _Way:
    """One of two ways through a sorted list."""

    def __init__(self, portions: AsyncIterator[Portion], *, ascending: bool) -> None:
        self.ended = False
        self.in_order = True
        self._edge: int | None = None
        self._portions = portions
        self._sign = 1 if ascending else -1

    async def take(self) -> Portion | None:
        """The next portion; None at the end."""
        portion = await anext(self._portions, None)
        if portion is None:
            self.ended = True
            return None
        ids = portion.ids
        numbers = [int(id_) * self._sign for id_ in ids if id_.isdecimal()]
        edge = [] if self._edge is None else [self._edge * self._sign]
        walked = edge + numbers
        self.in_order = self.in_order and len(numbers) == len(ids) and walked == sorted(walked)
        self._edge = max(walked, default=0) * self._sign
        return portion

    def meets(self, down: _Way) -> bool:
        """Whether this way up and the way down have met, so that nothing lies between them."""
        if self._edge is None or down._edge is None or not (self.in_order and down.in_order):
            return False
        return self._edge >= down._edge


async def _nothing() -> None:
    return None


def next_query(params: Params, link: str) -> dict[str, str | int]:
    """The parameters of the next request: our own, and from the link what only it knows (the cursor).

    Only the link's parameters are used: links come with a wrong host, with the context path twice, or without the
    gateway's prefix, and sometimes drop parameters.
    """
    theirs = dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))
    return {**theirs, **params, **{name: theirs[name] for name in ("cursor", "start") if name in theirs}}
