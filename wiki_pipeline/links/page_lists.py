"""Lists of pages that Confluence draws where a page is shown, named as addresses, so that pages can depend on them.

An address says what a list holds, not how it is shown: `confluence-list:below?...` the pages below one, in their tree;
`confluence-list:found?...` those that a query in CQL finds; `confluence-list:labels?...` the labels of a space.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl, urlencode

SCHEME = "confluence-list:"
MOST = 1_000
"""Pages that a list holds at most."""


class Kind(StrEnum):
    """What a list holds."""

    BELOW = "below"
    FOUND = "found"
    LABELS = "labels"


class Order(StrEnum):
    """By what the pages of a list are sorted."""

    POSITION = "position"
    TITLE = "title"
    CREATED = "created"
    MODIFIED = "modified"


@dataclass(frozen=True, slots=True)
class PageList:
    """What a list holds.

    Attributes:
        site: root of the site whose pages it is about.
        space: key of the space; of a query that of the page that shows its list.
        root: address of the page that the list begins below; empty: the pages at the top of the space.
        depth: levels of the tree; 0: all.
        cql: the query.
        order: among siblings, or among all that a query finds.
        reverse: the other way round.
        most: pages at most; of a tree those of its first level.
        dated: whether it says when and by whom pages were changed: such a list changes with each of them.
    """

    kind: Kind
    site: str
    space: str = ""
    root: str = ""
    depth: int = 0
    cql: str = ""
    order: Order = Order.POSITION
    reverse: bool = False
    most: int = MOST
    dated: bool = False

    @property
    def address(self) -> str:
        """The list's address; equal lists have equal addresses."""
        said = {
            field.name: int(value) if isinstance(value := getattr(self, field.name), bool) else value
            for field in fields(self)
            if field.name != "kind" and getattr(self, field.name) != field.default
        }
        return f"{SCHEME}{self.kind}?{urlencode(said)}"


def page_list(address: str) -> PageList | None:
    """The list that such an address names; None if it names none."""
    if not address.startswith(SCHEME):
        return None
    kind, _, query = address.removeprefix(SCHEME).partition("?")
    types: dict[str, Any] = {"depth": int, "most": int, "order": Order, "reverse": _flag, "dated": _flag}
    try:
        said = {name: types.get(name, str)(value) for name, value in parse_qsl(query, keep_blank_values=True)}
        return PageList(Kind(kind), **said)
    except (TypeError, ValueError):
        return None


def _flag(written: str) -> bool:
    return written == "1"
