"""Bringing pages in spite of trouble: what both APIs do when a batch or a page fails.

A batch that fails as a whole is halved until the page that spoils it is alone. A page alone gets its answer here:
its row, `DocumentGone`, or `DocumentFailure`. Only trouble of the site as a whole is raised.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from wiki_pipeline.errors import SourceNotFoundError, SourceUnreachableError
from wiki_pipeline.model import DocumentFailure, DocumentGone
from wiki_pipeline.sources.confluence.answers import ForbiddenError, RefusedError, TooLargeError
from wiki_pipeline.sources.confluence.page import Representation, failure
from wiki_pipeline.sources.protocol import Fetched

Key = TypeVar("Key", str, int)


class PageReader(Protocol):
    """What an API can do for one page."""

    async def read_one(self, page_id: str, representation: Representation) -> Fetched | None:
        """The page; None if it came without its body. Raises as `ConfluenceClient.get`."""

    async def why_missing(self, page_id: str) -> DocumentGone | DocumentFailure:
        """What to make of a 404 for the page. Raises `SourceError` if the space can't be seen either."""

    async def confirm_space(self) -> None:
        """Ask for the space. Raises `SourceError` if the site doesn't answer or the space can't be seen."""


async def fetch_batch(
    reader: PageReader, read: Callable[[Sequence[Key]], Awaitable[list[Fetched]]], keys: Sequence[Key]
) -> list[Fetched]:
    """What `read` brings for the keys; keys that fail even alone are missing from the result.

    Raises:
        SourceError: the site as a whole fails.
    """
    try:
        return await read(keys)
    except (RefusedError, TooLargeError, SourceNotFoundError):
        pass  # one page spoils it, or all are too much at once
    except (SourceUnreachableError, ForbiddenError):
        await reader.confirm_space()  # raises if it isn't only this batch
    if len(keys) == 1:
        return []
    middle = len(keys) // 2
    return await fetch_batch(reader, read, keys[:middle]) + await fetch_batch(reader, read, keys[middle:])


async def fetch_one(reader: PageReader, page_id: str) -> Fetched:
    """The answer for one page, asked for alone.

    Raises:
        SourceError: the site as a whole fails, or refuses the credentials.
    """
    try:
        found = await reader.read_one(page_id, "storage")
        trouble = "Confluence gave the page without its body."
    except SourceNotFoundError:
        return await reader.why_missing(page_id)
    except (ForbiddenError, TooLargeError) as error:
        return failure(page_id, page_id, str(error))
    except SourceUnreachableError as error:
        await reader.confirm_space()
        return failure(page_id, page_id, str(error))
    except RefusedError as error:
        found, trouble = None, error.message
    return found or await _fetch_view(reader, page_id, trouble)


async def _fetch_view(reader: PageReader, page_id: str, trouble: str) -> Fetched:
    """The page as Confluence renders it, where its storage format can't be had."""
    try:
        found = await reader.read_one(page_id, "view")
    except SourceNotFoundError:
        return await reader.why_missing(page_id)
    except (ForbiddenError, TooLargeError, RefusedError) as error:
        return failure(page_id, page_id, f"{trouble} Its rendered view failed too: {error.message}")
    except SourceUnreachableError as error:
        await reader.confirm_space()
        return failure(page_id, page_id, f"{trouble} Its rendered view failed too: {error.message}")
    return found or failure(page_id, page_id, f"{trouble} Its rendered view came without a body too.")
