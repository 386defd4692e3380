"""What a page is besides its body, whichever API gives it; its version key and its row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from wiki_pipeline.errors import SourceNotFoundError
from wiki_pipeline.model import Ancestor, DocumentFailure, DocumentGone, DocumentRef, RawPage, Stage, digest
from wiki_pipeline.sources.confluence.config import SourceConfig
from wiki_pipeline.sources.protocol import Fetched

_MISSING_BY_ID = 20
Representation = Literal["storage", "view"]

_MEDIA_TYPES = {"storage": "application/vnd.atlassian.confluence.storage+xml", "view": "text/html"}

MOVED = "The page is in another space now."
OUT_OF_SCOPE = "The page is no longer among, or below, the pages of this source."
DELETED = "The page was deleted, or the credentials may no longer see it: Confluence answers 404 for both."
RENDERED = "The storage format could not be had; this is the rendered view."
COMING_BACK = "Confluence answered 404 for the page, though it is there; it is tried again next time."
_STATUSES = {
    "trashed": "The page is in the trash.",
    "deleted": "The page is deleted.",
    "archived": "The page is archived.",
    "draft": "The page is a draft.",
    "historical": "The page is an old version.",
}


@dataclass(frozen=True, slots=True)
class Space:
    """A space as Confluence names it; `id` is v2's."""

    id: str
    key: str
    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page without its body.

    Attributes:
        changed_at: when its version was made.
        ancestors: from the root downwards, with the folders, whiteboards and databases among them.
        containers: ids of those ancestors that are no documents.
        is_partial: whether something of it could not be read for a passing reason: it is read again after the next
            listing.
    """

    id: str
    title: str
    url: str
    version: int
    changed_at: datetime | None
    position: int
    ancestors: tuple[Ancestor, ...]
    labels: tuple[str, ...]
    containers: frozenset[str] = frozenset()
    author: str = ""
    created_at: datetime | None = None
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What belongs to a source, and what becomes of it.

    Attributes:
        space: the source's space, as Confluence names it now.
        config: which of its pages.
        max_document_bytes: larger bodies are failures.
    """

    space: Space
    config: SourceConfig
    max_document_bytes: int

    def holds(self, page: Page) -> bool:
        """Whether a page of the space belongs to the source."""
        return self.config.holds(page.id, [ancestor.document_id for ancestor in page.ancestors])

    def missing(self, listed: Collection[str]) -> Mapping[str, int]:
        """Pages that the source names and its listing lacks, as `Source.skipped` counts them: the first ones by id.

        Raises:
            SourceNotFoundError: the listing holds nothing of what was named.
        """
        named = [page.page_id for page in self.config.pages]
        if named and not listed:
            raise SourceNotFoundError(
                f"None of the pages {', '.join(named)} is a current page of space {self.space.key}.",
                "Check the page ids in CONFLUENCE_SPACES, and whether the account may see the pages.",
            )
        missing = [page_id for page_id in named if page_id not in listed]
        by_id = {f"page {page_id} not found": 1 for page_id in missing[:_MISSING_BY_ID]}
        more = len(missing) - len(by_id)
        return {**by_id, "other pages not found": more} if more else by_id

    def ref(self, page: Page) -> DocumentRef:
        """The page in a listing."""
        return DocumentRef(page.id, self.version_key(page))

    def version_key(self, page: Page) -> str:
        """All that changes a page's row: moves, restores, label changes and renamed ancestors bump no version.

        The moment of the version is part of it because a site restored from a backup counts versions again.
        """
        changed = int(page.changed_at.timestamp()) if page.changed_at else None
        # An ancestor that stops being a document, as one that is archived, is no parent any more.
        above = [(each.document_id, each.title, each.document_id in page.containers) for each in page.ancestors]
        space = (self.space.key, self.space.name)
        key = digest((page.version, changed, page.title, page.position, above, page.labels, space))
        return digest(key, "partial") if page.is_partial else key

    def answer(self, page: Page, item: dict[str, Any], representation: Representation) -> Fetched | None:
        """The answer for a current page of the space that came as `item`; None if it came without its body."""
        if not self.holds(page):
            return DocumentGone(page.id, OUT_OF_SCOPE)
        text = ((item.get("body") or {}).get(representation) or {}).get("value")
        if not isinstance(text, str):
            return None
        size, limit = len(text.encode()), self.max_document_bytes
        if size > limit:
            message = f"The page's body has {size:,} bytes; WIKI_PIPELINE_MAX_DOCUMENT_BYTES allows {limit:,}."
            return failure(page.id, page.title, message)
        return self._row(page, text, representation)

    def _row(self, page: Page, text: str, representation: Representation) -> RawPage:
        return RawPage(
            document_id=page.id,
            title=page.title,
            url=page.url,
            parent_id=self._parent(page),
            position=page.position,
            ancestors=page.ancestors,
            labels=page.labels,
            version=str(page.version),
            space_key=self.space.key,
            space_name=self.space.name,
            author=page.author,
            created_at=page.created_at,
            modified_at=page.changed_at,
            media_type=_MEDIA_TYPES[representation],
            version_key=self.version_key(page),
            body=text,
            notes=() if representation == "storage" else (RENDERED,),
        )

    def _parent(self, page: Page) -> str | None:
        """The nearest document of the source above a page: folders and the like don't orphan what is below them."""
        ids = [ancestor.document_id for ancestor in page.ancestors]
        for depth in range(len(ids) - 1, -1, -1):
            if ids[depth] not in page.containers and self.config.holds(ids[depth], ids[:depth]):
                return ids[depth]
        return None


def gone(page_id: str, status: str) -> DocumentGone:
    """The answer for a page that is there, but not current."""
    return DocumentGone(page_id, _STATUSES.get(status, f"The page's status is {status!r}."))


def failure(page_id: str, title: str, message: str) -> DocumentFailure:
    """A page that could not be read."""
    return DocumentFailure(page_id, title, Stage.RAW_PAGES, message)


def read_time(value: Any) -> datetime | None:
    """A moment as Confluence writes it (`...Z` or with an offset), in UTC; None if it is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def read_position(value: Any) -> int:
    """Order among siblings, made to fit 32 bits; 0 if there is none (v1 then says "none")."""
    return min(max(value, -(2**31)), 2**31 - 1) if isinstance(value, int) else 0


def read_label(label: dict[str, Any]) -> str | None:
    """A label as it is shown: team labels keep their prefix; `my:` labels are one person's business."""
    name, prefix = label.get("name") or label.get("label"), label.get("prefix", "global")
    if not isinstance(name, str) or prefix == "my":
        return None
    return name if prefix in {"global", "", None} else f"{prefix}:{name}"


def sorted_labels(labels: list[dict[str, Any]]) -> tuple[str, ...]:
    """Labels in an order that doesn't depend on the server."""
    return tuple(sorted({name for label in labels if (name := read_label(label))}))
