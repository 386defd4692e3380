"""Which pages of a space a source holds: the space as a whole, or named pages with or without all that is below them.

Kept in the catalog as JSON: `{"url", "space", "pages": [{"page_id", "get_child_pages"}]}`; no pages: the whole space.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.links.confluence import PAGE_ID, SPACE_KEY
from wiki_pipeline.sources.http.scopes import Scopes, ShapeError, read_scopes


@dataclass(frozen=True, slots=True)
class PageScope:
    """A page of a scoped source; `get_child_pages` takes in all its descendants."""

    page_id: str
    get_child_pages: bool = False


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """What a source is.

    Attributes:
        url: the Confluence site's root with its context path.
        space: the space's key.
        pages: the scope; empty means the whole space.
    """

    url: str
    space: str
    pages: tuple[PageScope, ...] = ()

    @classmethod
    def parse(cls, text: str) -> SourceConfig:
        """Read the JSON.

        Raises:
            ConfigurationError: it is not a config; says what is wrong.
        """
        try:
            data = json.loads(text)
            if not isinstance(data, dict) or not isinstance(data.get("url"), str):
                raise ShapeError("it must be an object with url, space and pages")
            unknown = sorted(data.keys() - {"url", "space", "pages"})
            if unknown:
                raise ShapeError(f"unknown key {unknown[0]!r}")
            return cls(data["url"], check_space_key(data.get("space")), read_pages(data.get("pages", []), "pages"))
        except ValueError as error:
            raise ConfigurationError(
                f"The config of a Confluence source can't be used: {error}.",
                "Remove the source and add it again.",
            ) from None

    def dump(self) -> str:
        """The JSON, always the same for the same config."""
        pages = [{"page_id": page.page_id, "get_child_pages": page.get_child_pages} for page in self.pages]
        return json.dumps({"url": self.url, "space": self.space, "pages": pages})

    def holds(self, page_id: str, ancestor_ids: Sequence[str]) -> bool:
        """Whether a page of the space belongs to the source, given what is above it."""
        if not self.pages:
            return True
        return any(
            page.page_id == page_id or (page.get_child_pages and page.page_id in ancestor_ids) for page in self.pages
        )


def check_space_key(value: Any) -> str:
    """A space key, in the form in which servers write it.

    Raises:
        ShapeError: it is none.
    """
    key = unicodedata.normalize("NFC", value) if isinstance(value, str) else ""
    if not SPACE_KEY.fullmatch(key):
        raise ShapeError(f"{value!r} is not a space key (as DEV, or ~jdoe for a personal space)")
    return key


def source_name(space: str) -> str:
    """What a space is called in the name of its source, which takes no colon."""
    return space.replace("%", "%25").replace(":", "%3A")


class Spaces(Scopes[PageScope]):
    """Pages by space; none: the whole space."""


def read_spaces(value: Any) -> Spaces:
    """The value of `CONFLUENCE_SPACES`; see `read_scopes`."""
    return read_scopes(Spaces(), value, example="DEV", key_of=check_space_key, read=read_pages)


def read_pages(value: Any, place: str) -> tuple[PageScope, ...]:
    """A list of `{"page_id", "get_child_pages"?}`.

    Raises:
        ShapeError: of another shape; `place` says where.
    """
    if not isinstance(value, list):
        raise ShapeError(f"{place}: expected a list of pages, empty for the whole space")
    pages = tuple(_read_page(item, f"{place}[{index}]") for index, item in enumerate(value))
    repeated = {page.page_id for page in pages if sum(page.page_id == other.page_id for other in pages) > 1}
    if repeated:
        raise ShapeError(f"{place}: page {min(repeated)} is named twice")
    return pages


def _read_page(value: Any, place: str) -> PageScope:
    if not isinstance(value, dict):
        raise ShapeError(f'{place}: expected {{"page_id": "123", "get_child_pages": true}}, not {type(value).__name__}')
    unknown = sorted(value.keys() - {"page_id", "get_child_pages"})
    if unknown:
        raise ShapeError(f"{place}: unknown key {unknown[0]!r} (known: page_id, get_child_pages)")
    page_id, deep = value.get("page_id"), value.get("get_child_pages", False)
    if isinstance(page_id, bool) or not isinstance(page_id, int | str) or not PAGE_ID.fullmatch(str(page_id)):
        raise ShapeError(f"{place}: page_id must be the number in the page's address")
    if not isinstance(deep, bool):
        raise ShapeError(f"{place}: get_child_pages must be true or false")
    return PageScope(str(page_id), deep)
