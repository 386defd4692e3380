"""`/v1/jobs`: what was asked for and how far it has come; and stopping it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from wiki_pipeline.catalog import JobRecord, JobStatus
from wiki_pipeline.errors import JobNotFoundError
from wiki_pipeline.gateway.errors import ErrorAnswer
from wiki_pipeline.gateway.services import Services, Serving, datasource_id

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_ID = "0f6d1a3c5b7e4f5f9a8b7c6d5e4f3a2b"
JobId = Annotated[str, Path(max_length=100, description="Of the answer that began the job.", examples=[_ID])]


class Job(BaseModel):
    """A job and how far it has come."""

    job_id: str = Field(examples=[_ID])
    datasource_id: str = Field(examples=["src_confluence___yourcompany_atlassian_net__ENG"])
    source: str = Field(examples=["default:confluence:ENG"])
    description: str = Field(examples=["Reload of Engineering"])
    status: JobStatus
    total: int | None = Field(description="Documents to look at; null until that is known.", examples=[412])
    progress_counter: int = Field(description="Documents done so far.", examples=[230])
    failed_counter: int = Field(description="Documents that failed.", examples=[1])
    error_msgs: list[str] = Field(examples=[["98487: The server answered 502 four times."]])
    run_id: str = Field(description="Of the Dagster run that works on it; empty before.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    next_attempt_at: datetime | None = Field(description="When what failed is tried again; null if nothing is.")
    terminating: bool = Field(description="It was asked to stop; its run does so between two batches.")


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[Job]


@router.get(
    "",
    summary="List the jobs",
    responses={404: {"model": ErrorAnswer, "description": "A source that there is none of."}},
)
def all_jobs(
    serving: Serving,
    source: Annotated[str | None, Query(max_length=400, description="Only this source's.")] = None,
    status: Annotated[list[JobStatus] | None, Query(description="Only these. May be repeated.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many at most.")] = 100,
) -> JobList:
    """The tenant's jobs, newest first."""
    key = serving.source_named(source).key if source else None
    who = serving.principal
    found = serving.catalog.jobs.find(
        who.tenant, source=key, statuses=status or (), limit=limit, within=who.scope.sources
    )
    ids = _datasource_ids(serving)
    return JobList(jobs=[_job(record, ids) for record in found])


@router.get(
    "/{job_id}",
    summary="Describe a job",
    responses={404: {"model": ErrorAnswer, "description": "There is no such job."}},
)
def one_job(serving: Serving, job_id: JobId) -> Job:
    """One job. It is still there after a restart, and for some weeks after its end."""
    return _found(serving, job_id, serving.catalog.jobs.get(job_id))


@router.post(
    "/{job_id}/terminate",
    status_code=202,
    summary="Stop a job",
    responses={404: {"model": ErrorAnswer, "description": "There is no such job."}},
)
def terminate(serving: Serving, job_id: JobId) -> Job:
    """A job that no run works on yet is stopped at once. Otherwise its run stops between two batches: what it committed
    stands, and every document is in one version. A job that has ended stays as it is."""
    record = serving.catalog.jobs.get(job_id)
    if record is not None and serving.principal.scope.allows(record.source):
        record = serving.catalog.jobs.terminate(job_id)
    return _found(serving, job_id, record)


def _found(serving: Services, job_id: str, record: JobRecord | None) -> Job:
    if record is None or not serving.principal.scope.allows(record.source):
        raise JobNotFoundError(f"There is no job {job_id!r}.", "GET /v1/jobs lists them.")
    return _job(record, _datasource_ids(serving))


def _datasource_ids(serving: Services) -> dict[str, str]:
    return {str(record.key): datasource_id(record) for record in serving.reader.sources()}


def _job(record: JobRecord, ids: dict[str, str]) -> Job:
    return Job(
        job_id=record.job_id,
        datasource_id=ids.get(str(record.source), record.source.slug),  # its source may be gone
        source=str(record.source),
        description=record.description,
        status=record.status,
        total=record.total,
        progress_counter=record.progress,
        failed_counter=record.failed,
        error_msgs=list(record.errors),
        run_id=record.run_id,
        created_at=record.created_at,
        started_at=record.started_at,
        finished_at=record.finished_at,
        next_attempt_at=record.next_attempt_at,
        terminating=record.terminate and record.finished_at is None,
    )
