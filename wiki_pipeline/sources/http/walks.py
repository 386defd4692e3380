"""Walks over lists, each to an end that is proven. Every paged call goes one (`paging` says which).

A list is complete when the server says so, and servers say it badly. They lower the limit silently, leave `next` out,
send it for ever, lead it back to where it came from, and filter what the account may not see after they have cut the
list in pages, so that a page is short or empty in the middle. Neither a short nor an empty page is an end therefore:

- A page without `next` that brings nothing new is one.
- After a page that brings nothing new and has `next`, the server is asked far behind any end. If there is no `next`
  there, its `next` means something, and is followed through any stretch of hidden items.
- If there is one even there, or where cursors leave no such question, the end needs another proof: the same list read
  from its other end until both ways meet, or as many items as the server counts.
- Without proof the list is an `IncompleteListingError`, and nothing may be deleted on its account.

A list by offset shifts while items come and go. Each request begins with the last items of the one before; where those
are hidden, the list is read again until two readings agree.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from wiki_pipeline.errors import IncompleteListingError
from wiki_pipeline.sources.http.answers import Json

BARREN = 400  # requests in a row without anything new that are made on the word of a `next` that is not proven

Count = Callable[[], Awaitable[int | None]]


@dataclass(frozen=True, slots=True)
class Portion:
    """One page of a list.

    Attributes:
        items: what the server gave; in what a walk yields, without what it has yielded before.
        next_link: the address of the next page; empty if the server names none.
        base: the address that `webui` links are relative to.
        start: offset of its first item, in a list by offset; where items are hidden, about.
        total: how many items the server counts in the list; None if it doesn't.
    """

    items: list[Json]
    next_link: str = ""
    base: str = ""
    start: int = 0
    total: int | None = None

    @property
    def ids(self) -> list[str]:
        """The items' ids."""
        return [str(item.get("id")) for item in self.items]

    @property
    def cursor(self) -> str:
        """The cursor of its link; empty if that holds none."""
        return str(link_query(self.next_link).get("cursor", ""))

    @property
    def next_start(self) -> int | None:
        """The offset that its link leads to; None if that names none."""
        start = link_query(self.next_link).get("start", "")
        return int(start) if start.isdecimal() else None


def link_query(link: str) -> dict[str, str]:
    """The parameters of a link, whatever else is wrong with it."""
    try:
        return dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))
    except ValueError:  # an address that can't be read, with its parameters all the same
        return dict(parse_qsl(link.partition("?")[2], keep_blank_values=True))


class Walk(Protocol):
    """One reading of a list.

    Attributes:
        seen: ids of the items that were yielded.
        is_sure: whether it can't have missed an item because the list shifted; known at its end.
    """

    seen: set[str]
    is_sure: bool

    def portions(self) -> AsyncGenerator[Portion, None]:
        """The list's items, each once, some portions of them empty. Close it to leave it before its end.

        Raises:
            IncompleteListingError: the end is not proven, or the server does not go on.
            SourceError: as `SiteClient.get`.
        """


def endless(max_requests: int) -> IncompleteListingError:
    """The error for a list that is not at its end after so many requests."""
    return IncompleteListingError(
        f"The listing is not at its end after {max_requests} requests.",
        "If it is really that long, raise the setting MAX_LIST_REQUESTS of its kind. Nothing was deleted.",
    )


def unproven(count: int) -> IncompleteListingError:
    """The error for a list that goes no further, without a proof that it is at its end."""
    return IncompleteListingError(
        f"The site ended the listing after {count} items, and nothing proves that it is at its end.",
        "Nothing is deleted on its account.",
    )
