"""`GET /v1/changes`: what became of documents, as a feed that other systems read on from where they were."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from wiki_pipeline.catalog import ChangeKind, ChangeRecord
from wiki_pipeline.errors import PayloadError
from wiki_pipeline.gateway.errors import ErrorAnswer
from wiki_pipeline.gateway.services import Serving
from wiki_pipeline.links.wiki_addresses import page_address, wiki_path

router = APIRouter(prefix="/v1", tags=["changes"])

_CURSOR = re.compile(r"0?|[0-9a-f]{8}\.\d{1,18}")
_PLUS = re.compile(r" (\d\d:?\d\d)$")


class Change(BaseModel):
    """What became of a document."""

    source: str = Field(description="`tenant:kind:name`.", examples=["default:confluence:ENG"])
    kind: ChangeKind = Field(
        description="`added`, `updated` (its text, title, place or labels, or a page that it includes), `deleted`; "
        "`source_removed`: the source is gone with all its documents. There may be others one day: pass over them.",
        examples=["updated"],
    )
    document_id: str | None = Field(description="Null for a source as a whole.", examples=["98487"])
    version: str = Field(description="The page's version, or the commit; if deleted, the last.", examples=["8"])
    previous_version: str = Field(
        description="What it was before; empty for a new one. The same again where the change was not an edit.",
        examples=["7"],
    )
    title: str = Field(examples=["On-call guide"])
    url: str = Field(description="Where it is upstream.")
    wiki_url: str | None = Field(
        description="Where to read it here, with `.md` at its end as Markdown; null if it is gone.",
        examples=["/wiki/confluence-ENG/98487/on-call-guide"],
    )
    author: str = Field(description="Who changed it last; empty if that is not known.", examples=["Ana Ruiz"])
    modified_at: datetime | None = Field(description="When it was changed upstream.")
    recorded_at: datetime = Field(description="When the change arrived here.")


class ChangeList(BaseModel):
    """Changes, oldest first."""

    changes: list[Change]
    next: str = Field(description="To be given as `since` for what follows, now or later.", examples=["5f0c1d2e.4711"])
    more: bool = Field(description="Whether there are more already.")


@router.get(
    "/changes",
    summary="List changes",
    responses={
        404: {"model": ErrorAnswer, "description": "A source that there is none of."},
        410: {"model": ErrorAnswer, "description": "Changes after this place are not kept any more: begin again."},
    },
)
def find(
    serving: Serving,
    since: Annotated[
        str,
        Query(
            max_length=100,
            description="The `next` of the answer before, or a time (ISO 8601; UTC unless it says otherwise). Without: "
            "from the beginning, which lists every document that is here.",
        ),
    ] = "",
    source: Annotated[
        list[str] | None,
        Query(max_length=50, description="Only these sources, as in search. May be repeated."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 100,
) -> ChangeList:
    """What became of documents, in the order in which it arrived here. Read it from the beginning once, then on from
    `next`: that leads to a complete copy and keeps it one. Of a document that changed several times long ago only the
    last change is listed. 410 is answered where deletions may have been missed: begin again then."""
    asked = [serving.source_named(name).key for name in source or ()]
    scope, log = serving.principal.scope, serving.catalog.changes
    sources = scope.narrow(asked)
    if sources is None:
        return ChangeList(changes=[], next=since, more=False)
    cursor = since.strip() if _CURSOR.fullmatch(since.strip()) else log.since(scope.tenant, _moment(since))
    page = log.page(scope.tenant, cursor, sources=sources or None, limit=limit)
    return ChangeList(changes=[_change(each) for each in page.changes], next=page.cursor, more=page.more)


def _moment(since: str) -> datetime:
    try:
        moment = datetime.fromisoformat(_PLUS.sub(r"+\1", since.strip()))  # a plus in an address is a space
    except ValueError:
        raise PayloadError(
            "`since` is neither the `next` of an answer nor a time.", "A time is written 2026-11-30T09:00:00Z."
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _change(record: ChangeRecord) -> Change:
    names = ("kind", "version", "previous_version", "title", "url", "author", "modified_at", "recorded_at")
    return Change(
        source=str(record.source),
        document_id=record.document_id or None,
        wiki_url=address_of(record),
        **{name: getattr(record, name) for name in names},
    )


def address_of(record: ChangeRecord) -> str | None:
    """Where the document is read here; None if it is gone."""
    if record.kind in {ChangeKind.DELETED, ChangeKind.SOURCE_REMOVED}:
        return None
    return page_address(record.source, wiki_path(record.document_id, record.title, record.path))
