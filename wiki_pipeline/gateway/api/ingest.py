"""`POST /v1/ingest/...`: bring a page, a repository, a source or all of them up to date. Each is a job; the work is
that of freshness events, as for everything else."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from wiki_pipeline.catalog import SourceRecord
from wiki_pipeline.errors import ConfigurationError, PayloadError, SourceNotFoundError
from wiki_pipeline.gateway.errors import UNREADABLE, ErrorAnswer
from wiki_pipeline.gateway.services import Services, Serving, datasource_id
from wiki_pipeline.model import ChangeHint, SourceKey
from wiki_pipeline.sources import kinds
from wiki_pipeline.sources.protocol import SourceKind
from wiki_pipeline.sources.request import Request
from wiki_pipeline.sync.sources import add_specified

_RELOAD = "reload"
_UPSTREAM: dict[int | str, dict[str, Any]] = {
    **UNREADABLE,
    404: {"model": ErrorAnswer, "description": "There is no such page, repository or source."},
    502: {"model": ErrorAnswer, "description": "The source can't be read: out of reach, or access denied."},
    503: {"model": ErrorAnswer, "description": "The catalog is out of reach: nothing was taken in."},
}


class JobStarted(BaseModel):
    """Durably taken in. `GET /v1/jobs/{job_id}` says how far it is."""

    job_id: str = Field(examples=["0f6d1a3c5b7e4f5f9a8b7c6d5e4f3a2b"])
    datasource_id: str = Field(examples=["src_confluence___yourcompany_atlassian_net__ENG"])


class JobsStarted(BaseModel):
    """One job a source."""

    jobs: list[JobStarted]


class SourceAsked(BaseModel):
    """A source."""

    model_config = ConfigDict(extra="forbid")

    datasource_id: str = Field(
        max_length=400,
        description="Datasource id, or `tenant:kind:name`.",
        examples=["src_confluence___yourcompany_atlassian_net__ENG"],
    )


Kind = Annotated[str, Path(max_length=31, description="Kind of source.", examples=["confluence"])]


def router() -> APIRouter:
    """The routes: one for each thing that a kind of source can be asked for, and reloading."""
    routes = APIRouter(prefix="/v1/ingest", tags=["ingest"])
    for name, kind in kinds().items():
        for request in kind.requests():
            _add(routes, name, kind, request)
    for path, reload_, summary in (
        ("/{kind}/reload", _reload, "Bring a source up to date"),
        ("/{kind}/reload-all", _reload_all, "Bring all sources of a kind up to date"),
    ):
        routes.add_api_route(path, reload_, methods=["POST"], status_code=202, summary=summary, responses=_UPSTREAM)
    return routes


def _add(routes: APIRouter, name: str, kind: SourceKind, request: Request) -> None:
    def endpoint(serving: Services, asked: Any) -> JobStarted:
        known = {record.key: record.config for record in serving.reader.sources() if record.key.kind == name}
        try:
            connections = serving.pipeline.connections(kind)
            requested = request.read(serving.principal.tenant, asked, known, connections)
            record = serving.catalog.source(requested.key)
            if not _may_work_on(serving, requested.key, record):
                raise SourceNotFoundError(f"There is no source {requested.key} that you may work on.")
            if record is None or record.config != requested.config:
                by = kind.connection_of(requested.key, requested.config, connections)
                record = add_specified(serving.pipeline, kind, requested.key, requested.config, by).record
        except ConfigurationError as error:  # what was asked for is wrong, rather than the settings
            raise PayloadError(error.message, error.advice) from None
        with serving.admitted():
            job = serving.catalog.jobs.create(requested.key, requested.description, requested.hints)
        return JobStarted(job_id=job.job_id, datasource_id=datasource_id(record))

    endpoint.__annotations__ = {"serving": Serving, "asked": request.body, "return": JobStarted}
    routes.add_api_route(
        f"/{name}/{request.noun}",
        endpoint,
        methods=["POST"],
        status_code=202,
        operation_id=f"ingest_{name}_{request.noun}",
        summary=request.summary,
        description=request.details,
        responses=_UPSTREAM,
    )


def _may_work_on(serving: Services, key: SourceKey, record: SourceRecord | None) -> bool:
    """Whether the asker may work on a source: one that they may read, or a new one, which their tenant will read."""
    scope = serving.principal.scope
    if record is None:
        return key.tenant == scope.tenant and not scope.membership.limited
    return scope.allows(key)


def _reload(serving: Serving, kind: Kind, asked: SourceAsked) -> JobStarted:
    """Look at everything that a source holds. Only what changed is brought over and worked on again."""
    record = serving.source_named(asked.datasource_id)
    if record.key.kind != kind:
        raise SourceNotFoundError(f"{record.key} is not a source of kind {kind}.")
    return _reloaded(serving, record)


def _reload_all(serving: Serving, kind: Kind) -> JobsStarted:
    """The same for every source of the kind: one job each."""
    if kind not in kinds():
        raise SourceNotFoundError(f"There is no kind of source {kind!r}.", f"There are {', '.join(kinds())}.")
    records = [record for record in serving.reader.sources() if record.key.kind == kind]
    return JobsStarted(jobs=[_reloaded(serving, record) for record in records])


def _reloaded(serving: Services, record: SourceRecord) -> JobStarted:
    hint = ChangeHint(record.key.kind, record.key, "", _RELOAD)
    with serving.admitted():
        job = serving.catalog.jobs.create(record.key, f"Reload of {record.title or record.key.name}", [hint])
    return JobStarted(job_id=job.job_id, datasource_id=datasource_id(record))
