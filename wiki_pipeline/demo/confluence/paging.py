"""Lists in pieces: by `start` as v1 does it, by an opaque cursor as v2 and Cloud's search do."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import urlencode

from wiki_pipeline.demo.confluence.site import Content
from wiki_pipeline.demo.web import ContractError, Request

T = TypeVar("T")


def piece(request: Request, items: Sequence[T], start: int, limit: int) -> tuple[Sequence[T], bool]:
    """The items from `start` on, and whether the answer is to say that there are more.

    What a request's quirks bend is bent here: capped limits, missing and never-ending `next` links.
    """
    shown = items[start : start + limit]
    more = start + len(shown) < len(items)
    if request.quirks.next_link == "missing":
        more = False
    elif request.quirks.next_link == "always":
        more = True
    return shown, more


def effective_limit(request: Request, default: int, cap: int) -> int:
    """The limit in force: what was asked for, or the server's silent cap."""
    limit = min(request.number("limit", default), cap)
    return min(limit, request.quirks.cap) if request.quirks.cap else limit


def query_without(request: Request, *names: str) -> list[tuple[str, str]]:
    """The request's parameters without some."""
    return [(key, value) for key, value in request.query if key not in names]


def link(path: str, query: list[tuple[str, str]]) -> str:
    """A relative address."""
    return f"{path}?{urlencode(query)}" if query else path


def cursor(request: Request, start: int, last: str = "") -> str:
    """An opaque token that leads to item `start` of this very list: path and filters are part of it.

    With the id of the last item before it, it leads behind that item whatever comes and goes (`place_of`).
    """
    return base64.urlsafe_b64encode(f"{_list_id(request)}:{start}:{last}".encode()).decode()


def start_of(request: Request) -> int:
    """Where the request's cursor points; 0 without one.

    Raises:
        ContractError: the cursor was changed, or belongs to another list.
    """
    return _read_cursor(request)[0]


def place_of(request: Request, items: Sequence[Content]) -> int:
    """Where the request's cursor points in a list as it is now: behind the item that was last.

    v2's cursors lose nothing when items come and go; an item that has gone itself is passed by its id's place in the
    order of ids, if the list is in that order.
    """
    start, last = _read_cursor(request)
    if not last or (0 < start <= len(items) and items[start - 1].id == last):
        return start
    ids = [item.id for item in items]
    if last in ids:
        return ids.index(last) + 1
    sort = request.get("sort", "id")
    if sort not in {"id", "-id"}:
        return start
    passed = [int(item) <= int(last) if sort == "id" else int(item) >= int(last) for item in ids]
    return passed.index(False) if False in passed else len(ids)


def _read_cursor(request: Request) -> tuple[int, str]:
    token = request.get("cursor")
    if not token:
        return 0, ""
    try:
        list_id, start, last = base64.urlsafe_b64decode(token).decode().split(":")
        position = int(start)
    except ValueError as error:
        raise ContractError("the cursor is not one that this server gave") from error
    if list_id != _list_id(request):
        raise ContractError("the cursor belongs to another list: path or filters differ")
    return position, last


def _list_id(request: Request) -> str:
    filters = sorted(query_without(request, "cursor", "limit", "start", "next", "prev"))
    return f"{zlib.crc32(repr((request.path, filters)).encode()):08x}"
