"""Bringing pages in spite of trouble: what both APIs do when a batch or a page fails.

A batch that fails as a whole is halved until the page that spoils it is alone. A page alone gets its answer here:
its row, `DocumentGone`, or `DocumentFailure`. Only trouble of the site as a whole is raised.

What stands beside the pages (labels, names, attachments) never stops them: where it can't be read, what was known of
it is kept, and `Degraded` says so.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from wiki_pipeline.errors import AccessDeniedError, SourceError, SourceNotFoundError, SourceUnreachableError
from wiki_pipeline.model import DocumentFailure, DocumentGone, Warnings
from wiki_pipeline.sources.confluence.answers import ForbiddenError, NotTheApiError, RefusedError, TooLargeError
from wiki_pipeline.sources.confluence.page import Representation, failure
from wiki_pipeline.sources.protocol import Fetched, KnownLabels

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """Something beside the pages that has an API of its own.

    Attributes:
        name: for people, as "labels".
        scope: what a token of Cloud needs to read it.
    """

    name: str
    scope: str


LABELS = Part("labels", "read:label:confluence")
NAMES = Part("names of people", "read:user:confluence")
ATTACHMENTS = Part("attachments", "read:attachment:confluence")


class Degraded:
    """Which parts could not be read, of how many documents, and why; and what was known of them before."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, int]] = {}
        self._retry = False
        self._known: KnownLabels | None = None
        self._labels: Mapping[str, tuple[str, ...]] | None = None

    @property
    def warnings(self) -> Warnings:
        """See `Source.warnings`."""
        return Warnings({f"{name}: {why}": count for name, (why, count) in self._found.items()}, self._retry)

    def recall(self, known: KnownLabels) -> None:
        """See `Source.recall`."""
        self._known = known

    def known_labels(self) -> Mapping[str, tuple[str, ...]]:
        """Labels by page as they were read last; looked up once."""
        if self._labels is None:
            self._labels = self._known() if self._known else {}
        return self._labels

    def add(self, part: Part, error: SourceError, documents: int = 1) -> None:
        """Record that a part of so many documents could not be read."""
        if part.name not in self._found:
            _log.warning("The %s could not be read: %s", part.name, error.message)
        reason, count = self._found.get(part.name, (why(part, error), 0))
        self._found[part.name] = (reason, count + documents)
        self._retry = self._retry or may_pass(error)


def why(part: Part, error: SourceError) -> str:
    """Why a part can't be read, and what to do, for people."""
    if isinstance(error, AccessDeniedError):
        return (
            f"the credentials read the space, but not its {part.name}. "
            f"Give the token the scope {part.scope}, or its account the right."
        )
    return error.message


def may_pass(error: SourceError) -> bool:
    """Whether asking again a little later is likely to help."""
    return isinstance(error, SourceUnreachableError) and not isinstance(error, NotTheApiError)


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
