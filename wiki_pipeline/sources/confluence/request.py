"""A page of the configured Confluence, asked for by its address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from wiki_pipeline.errors import ConfigurationError
from wiki_pipeline.model import ChangeHint, Connection, SourceKey
from wiki_pipeline.sources.confluence.config import PageScope, SourceConfig
from wiki_pipeline.sources.request import Requested


class Kind(Protocol):
    """What is needed of the kind of source."""

    def from_address(
        self, tenant: str, address: str, connections: Sequence[Connection] | None = None
    ) -> tuple[SourceKey, str] | None:
        """See `SourceKind.from_address`."""

    def configured(self, tenant: str) -> Mapping[SourceKey, str]:
        """See `SourceKind.configured`."""


class PageAsked(BaseModel):
    """A page."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        max_length=2_000,
        description="The page's address, as the browser shows it.",
        examples=["https://yourcompany.atlassian.net/wiki/spaces/ENG/pages/98487/On-call+guide"],
    )
    description: str = Field("", max_length=500, description="What it is for; shown with the job.")
    get_child_pages: bool = Field(False, description="Also all pages below it.")


class PageRequest:
    """See `wiki_pipeline.sources.request.Request`."""

    noun = "page"
    summary = "Bring a Confluence page over"
    details = (
        "The address must be of the configured Confluence. If the page's space is not a source yet it becomes one, of "
        "this page alone (and of those below it, if asked for); otherwise the page is added to what the source holds."
    )
    body: type[BaseModel] = PageAsked

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def read(
        self, tenant: str, asked: Any, known: Mapping[SourceKey, str], connections: Sequence[Connection] | None = None
    ) -> Requested:
        """See `Request.read`."""
        found = self._kind.from_address(tenant, asked.url, connections)
        if found is None:
            raise ConfigurationError(
                "This address does not belong to the configured Confluence.",
                "Copy the page's address from the browser; CONFLUENCE_URL says which site it must be of.",
            )
        key, desired = found[0], SourceConfig.parse(found[1])
        if not desired.pages:
            raise ConfigurationError(
                "This is the address of a space, not of a page.", "Add spaces with `wiki-pipeline sources add ADDRESS`."
            )
        page = PageScope(desired.pages[0].page_id, asked.get_child_pages)
        # Confluence takes keys of spaces in any case.
        key = next((other for other in known if other.name.lower() == key.name.lower()), key)
        before = SourceConfig.parse(known[key]) if key in known else None
        after = _with(before, page) if before else replace(desired, pages=(page,))
        if after != before and key in self._kind.configured(tenant):
            raise ConfigurationError(
                f"{key} is named by the settings, without this page.",
                "Add it to CONFLUENCE_SPACES; what is only in the catalog would be gone with the next start.",
            )
        narrow = after == before and not page.get_child_pages
        hint = ChangeHint(key.kind, key, page.page_id if narrow else "", "page asked for")
        return Requested(key, after.dump(), (hint,), asked.description or f"Page {page.page_id} of {key.name}")


def _with(before: SourceConfig, page: PageScope) -> SourceConfig:
    """The config with one more page in it; as it is where the page is in it."""
    if not before.pages:
        return before
    others = tuple(other for other in before.pages if other.page_id != page.page_id)
    same = next((other for other in before.pages if other.page_id == page.page_id), None)
    if same and (same.get_child_pages or not page.get_child_pages):
        return before
    return replace(before, pages=(*others, page))
