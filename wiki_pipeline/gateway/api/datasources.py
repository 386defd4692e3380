"""`GET /v1/datasources`: the sources, how much of them is here, and how fresh it is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from wiki_pipeline.catalog import FailureRecord, SourceRecord, Standing, SyncMode, SyncRecord, SyncStatus
from wiki_pipeline.gateway.errors import ErrorAnswer
from wiki_pipeline.gateway.services import Services, Serving, datasource_id
from wiki_pipeline.model import Stage
from wiki_pipeline.wiki.views import Currency

_SYNCS_SHOWN = 10
_FAILURES_SHOWN = 100

router = APIRouter(prefix="/v1", tags=["datasources"])


class StageCounts(BaseModel):
    """What one stage did in a sync, in documents."""

    stage: str
    added: int
    updated: int
    deleted: int
    unchanged: int
    failed: int
    seconds: float
    warnings: dict[str, int] = Field(
        description="Numbers of documents of which something else could not be read (labels, attachments), by what."
    )


class Sync(BaseModel):
    """One sync of a source."""

    sync_id: int
    mode: SyncMode
    status: SyncStatus
    started: datetime
    finished: datetime | None = Field(description="Null while it runs, and if it was interrupted.")
    run_id: str = Field(description="Of the Dagster run; empty outside Dagster.")
    error_code: str
    error_message: str
    stages: list[StageCounts]


class Datasource(BaseModel):
    """A source and how it stands."""

    datasource_id: str = Field(examples=["src_confluence___yourcompany_atlassian_net__ENG"])
    source: str = Field(description="`tenant:kind:name`, the Dagster partition.", examples=["default:confluence:ENG"])
    kind: str = Field(examples=["confluence"])
    title: str = Field(examples=["Engineering"])
    url: str = Field(description="Upstream; empty if people can't open it there.")
    wiki_url: str = Field(examples=["/wiki/confluence-ENG/"])
    added_at: datetime
    freshness: Currency = Field(
        description="`fresh`; `stale`: documents are behind; `failed`: the last sync did, or it can't be opened; "
        "`never`: no sync has completed yet, the first one may be under way (`syncing`)."
    )
    synced_at: datetime | None = Field(description="When the last sync that completed ended.")
    syncing: bool
    problem: str = Field(description="Why it can't be opened, or why its last sync failed; empty if neither is so.")
    documents: int = Field(description="Documents read from the source.", examples=[412])
    pages: int = Field(description="Pages of the wiki.", examples=[412])
    chunks: int = Field(description="Chunks.", examples=[3120])
    failed: int = Field(description="Documents that could not be brought up to date.", examples=[1])
    stale: int = Field(
        description="Documents served behind the source; `/v1/documents/stale` lists them.", examples=[2]
    )
    waiting_events: int = Field(description="Freshness events that are not applied yet.", examples=[2])
    dead_events: int = Field(description="Freshness events that were given up; they can be retried.", examples=[0])
    last_event_at: datetime | None = Field(description="When a change was last reported.")


class Failure(BaseModel):
    """A document that could not be brought up to date."""

    document_id: str
    title: str
    stage: str
    message: str
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime


class DatasourceDetails(Datasource):
    """A source with its last syncs and what fails."""

    syncs: list[Sync] = Field(description=f"The last {_SYNCS_SHOWN}, newest first.")
    failures: list[Failure] = Field(description=f"The first {_FAILURES_SHOWN}, those that fail for longest first.")


class DatasourceList(BaseModel):
    """All sources of the tenant."""

    datasources: list[Datasource]


@router.get("/datasources", summary="List the sources")
def all_sources(serving: Serving) -> DatasourceList:
    """Every source that was added, with counts and freshness."""
    standing = serving.catalog.events.standing(serving.principal.tenant)
    facts = (_facts(serving, record, standing.get(record.key)) for record in serving.reader.sources())
    return DatasourceList(datasources=[Datasource(**item) for item in facts])


@router.get(
    "/datasources/{datasource_id}",
    summary="Describe a source",
    responses={404: {"model": ErrorAnswer, "description": "There is no such source."}},
)
def one_source(
    serving: Serving,
    datasource_id: Annotated[
        str, Path(max_length=400, description="Datasource id, `tenant:kind:name`, or name in addresses.")
    ],
) -> DatasourceDetails:
    """One source with its last syncs and the documents that fail."""
    record = serving.source_named(datasource_id)
    syncs = serving.reader.syncs(record.key)
    failures = serving.reader.failures(record.key)
    return DatasourceDetails(
        **_facts(serving, record, serving.catalog.events.standing(serving.principal.tenant).get(record.key)),
        syncs=[_sync(sync) for sync in syncs[:_SYNCS_SHOWN]],
        failures=[_failure(failure) for failure in failures[:_FAILURES_SHOWN]],
    )


def _facts(serving: Services, record: SourceRecord, standing: Standing | None) -> dict[str, object]:
    standing = standing or Standing()
    card = serving.reader.card(record)
    return {
        "datasource_id": datasource_id(record),
        "source": card.key,
        "kind": card.kind,
        "title": card.title,
        "url": card.url,
        "wiki_url": card.home,
        "added_at": record.added_at,
        "freshness": card.freshness.currency,
        "synced_at": card.freshness.synced_at,
        "syncing": card.freshness.running,
        "problem": card.freshness.problem,
        "documents": serving.reader.row_count(Stage.RAW_PAGES, record.key),
        "pages": card.documents,
        "chunks": serving.reader.row_count(Stage.CHUNKS, record.key),
        "failed": card.failures,
        "stale": card.stale,
        "waiting_events": standing.waiting,
        "dead_events": standing.dead,
        "last_event_at": standing.last_received_at,
    }


def _sync(sync: SyncRecord) -> Sync:
    return Sync(
        sync_id=sync.sync_id,
        mode=sync.mode,
        status=sync.status,
        started=sync.started,
        finished=sync.finished,
        run_id=sync.run_id,
        error_code=sync.error_code,
        error_message=sync.error_message,
        stages=[
            StageCounts(**{name: getattr(report, name) for name in StageCounts.model_fields}) for report in sync.reports
        ],
    )


def _failure(failure: FailureRecord) -> Failure:
    return Failure(**{name: getattr(failure, name) for name in Failure.model_fields})
