"""`/v1/datasources/{id}/audience`: who may read a source."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from wiki_pipeline.access import Action
from wiki_pipeline.catalog import Audience, Readers, SourceRecord
from wiki_pipeline.errors import ConfigurationError, NotAllowedError, PayloadError
from wiki_pipeline.freshness.audience import set_audience
from wiki_pipeline.gateway.errors import UNREADABLE, ErrorAnswer
from wiki_pipeline.gateway.services import Services, Serving, datasource_id

router = APIRouter(prefix="/v1", tags=["access"])

DatasourceId = Annotated[
    str, Path(max_length=400, description="Datasource id, `tenant:kind:name`, or name in addresses.")
]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorAnswer, "description": "The asker is no admin."},
    404: {"model": ErrorAnswer, "description": "There is no such source."},
}


class AudienceFacts(BaseModel):
    """Who may read a source."""

    datasource_id: str = Field(examples=["src_confluence___yourcompany_atlassian_net__ENG"])
    source: str = Field(examples=["default:confluence:ENG"])
    readers: Readers = Field(
        description="`tenant`: everyone in the tenant; `groups`: its members in these groups; `admins`. Admins read "
        "every source. Whatever the source's credentials see, all of them see."
    )
    groups: list[str] = Field(examples=[["platform"]])


class AudienceSet(AudienceFacts):
    """The same, with what follows from it."""

    documents: int = Field(description="Documents of other sources that are made again for it, at least.")


class AudienceWanted(BaseModel):
    """Who is to read a source."""

    model_config = ConfigDict(extra="forbid")

    readers: Readers
    groups: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list, max_length=50)


@router.get("/datasources/{datasource_id}/audience", summary="Show who may read a source", responses=_ANSWERS)
def audience(serving: Serving, datasource_id: DatasourceId) -> AudienceFacts:
    """For admins: names of groups are not everyone's business."""
    return AudienceFacts(**_facts(_administered(serving, datasource_id)))


@router.put(
    "/datasources/{datasource_id}/audience", summary="Say who may read a source", responses=_ANSWERS | dict(UNREADABLE)
)
def set_readers(serving: Serving, datasource_id: DatasourceId, wanted: AudienceWanted) -> AudienceSet:
    """From the next request on. What pages of other sources show of it goes with their next sync, which is asked for
    at once."""
    record = _administered(serving, datasource_id)
    try:
        chosen = Audience.of(wanted.readers, wanted.groups)
    except ConfigurationError as error:
        raise PayloadError(error.message, error.advice) from None
    documents = set_audience(serving.pipeline, record.key, chosen)
    serving.people.record(serving.actor, "source.audience", f"{record.key} {chosen}")
    return AudienceSet(**_facts(serving.source_named(str(record.key))), documents=documents)


def _administered(serving: Services, name: str) -> SourceRecord:
    record = serving.source_named(name)
    if not serving.principal.may(Action.ADMIN):
        raise NotAllowedError("Who may read a source is the business of the tenant's admins.")
    return record


def _facts(record: SourceRecord) -> dict[str, Any]:
    return {
        "datasource_id": datasource_id(record),
        "source": str(record.key),
        "readers": record.audience.readers,
        "groups": list(record.audience.groups),
    }
