"""`/v1/documents/stale` and `/v1/events`: what is served behind its source, why, and what is being done about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from wiki_pipeline.catalog import EventState, Origin, SourceRecord
from wiki_pipeline.freshness import Reason, StaleDocument
from wiki_pipeline.gateway.errors import UNREADABLE, ErrorAnswer
from wiki_pipeline.gateway.services import Services, Serving, datasource_id

router = APIRouter(prefix="/v1", tags=["freshness"])

_UNKNOWN: dict[int | str, dict[str, object]] = {
    404: {"model": ErrorAnswer, "description": "A source that there is none of."}
}
# JSON's numbers are exact up to here, in the schema as well as in what many clients send.
_MOST = 2**53 - 1
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
OneSource = Annotated[
    str | None,
    Query(max_length=400, description="Only this source: datasource id, `tenant:kind:name`, or name in addresses."),
]


class Stale(BaseModel):
    """A document whose served state is behind."""

    datasource_id: str = Field(examples=["src_confluence___yourcompany_atlassian_net__ENG"])
    source: str = Field(examples=["default:confluence:ENG"])
    document_id: str = Field(
        description="Empty for a source as a whole: never synced, or changed without a word of what.",
        examples=["98487"],
    )
    title: str = Field(examples=["On-call guide"])
    url: str = Field(description="Upstream; empty if that is not known.")
    reason: Reason
    since: datetime | None = Field(description="Since when it is known to be behind.")
    upstream_version: str = Field(description="Empty where it was not reported.", examples=["8"])
    served_version: str = Field(description="Empty if nothing is served.", examples=["7"])
    detail: str = Field(examples=["page_updated (webhook) was not applied yet."])


class StaleList(BaseModel):
    """Stale documents of the sources in order, those that have been so for longest first."""

    total: int = Field(description="How many there are.", examples=[1])
    documents: list[Stale]


class Event(BaseModel):
    """A report that something may have changed, and how far it was processed."""

    model_config = ConfigDict(from_attributes=True)

    event_id: int = Field(examples=[4711])
    source: str | None = Field(
        description="Null while only the document is known.", examples=["default:confluence:ENG"]
    )
    document_id: str = Field(description="Empty for the source as a whole.", examples=["98487"])
    what: str = Field(examples=["page_updated"])
    version: str = Field(description="The new version; empty where it was not reported.", examples=["8"])
    origin: Origin
    state: EventState
    attempts: int
    reason: str = Field(description="The last error, or why there was nothing left to do.")
    job_id: str | None
    received_at: datetime
    due_at: datetime = Field(description="Not to be tried before.")
    settled_at: datetime | None


class EventList(BaseModel):
    """Events, newest first."""

    events: list[Event]
    counts: dict[EventState, int] = Field(description="How many of the tenant's there are in each state.")


class Retry(BaseModel):
    """Which dead events: those named, those of a source, or all."""

    model_config = ConfigDict(extra="forbid")

    event_ids: list[Annotated[int, Field(ge=1, le=_MOST)]] = Field(default_factory=list, max_length=1000)
    source: str | None = Field(None, max_length=400, examples=["default:confluence:ENG"])


class Retried(BaseModel):
    """How many events are tried again."""

    retried: int = Field(description="Events that are tried again, with all their attempts.", examples=[3])


@router.get("/documents/stale", summary="List stale documents", responses=_UNKNOWN)
def stale(
    serving: Serving,
    source: OneSource = None,
    reason: Annotated[list[Reason] | None, Query(description="Only these. May be repeated.")] = None,
    limit: Limit = 100,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="How many to leave out at the start.")] = 0,
) -> StaleList:
    """Which documents are served behind their source: by what, since when, and why. Nothing upstream is asked: what a
    listing, poll, sync or webhook last said of a source counts. While the first sync of a source is under way, none of
    its documents is stale."""
    found = ((record, item) for record in _chosen(serving, source) for item in serving.staleness.of(record).stale)
    desired = [(record, item) for record, item in found if not reason or item.reason in reason]
    shown = [_stale(record, item) for record, item in desired[offset : offset + limit]]
    return StaleList(total=len(desired), documents=shown)


@router.get("/events", summary="List freshness events", responses=_UNKNOWN)
def events(
    serving: Serving,
    state: Annotated[list[EventState] | None, Query(description="Only these. May be repeated.")] = None,
    source: OneSource = None,
    job_id: Annotated[str | None, Query(max_length=100, description="Only those of this job.")] = None,
    limit: Limit = 100,
) -> EventList:
    """What was reported as changed, by whom, and how far that was processed."""
    catalog, tenant, within = serving.catalog, serving.principal.tenant, serving.principal.scope.sources
    key = serving.source_named(source).key if source else None
    found = catalog.events.find(tenant, states=state or (), source=key, job_id=job_id, limit=limit, within=within)
    shown = [
        Event(
            source=str(event.source) if event.source else None,
            **{name: getattr(event, name) for name in Event.model_fields if name != "source"},
        )
        for event in found
    ]
    return EventList(events=shown, counts=catalog.events.counts(tenant, within))


@router.post("/events/retry", summary="Retry dead events", responses=_UNKNOWN | dict(UNREADABLE))
def retry(serving: Serving, asked: Retry) -> Retried:
    """Try events again that were given up: those named, of a source, or all that are dead."""
    key = serving.source_named(asked.source).key if asked.source else None
    who = serving.principal
    return Retried(retried=serving.catalog.events.revive(who.tenant, key, asked.event_ids, who.scope.sources))


def _chosen(serving: Services, source: str | None) -> list[SourceRecord]:
    return [serving.source_named(source)] if source else serving.reader.sources()


def _stale(record: SourceRecord, item: StaleDocument) -> Stale:
    known = {name: getattr(item, name) for name in Stale.model_fields if name not in {"datasource_id", "source"}}
    return Stale(datasource_id=datasource_id(record), source=str(record.key), **known)
