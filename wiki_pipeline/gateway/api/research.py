"""`/v1/research`: a question that takes minutes, and its report; followed, come back to, stopped, taken along."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Header, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from wiki_pipeline.answers.durable import readable
from wiki_pipeline.answers.research.markdown import markdown_of
from wiki_pipeline.answers.research.report import Report
from wiki_pipeline.answers.retrieve import MAX_QUESTION, Question
from wiki_pipeline.catalog import AnswerRecord, AnswerStatus
from wiki_pipeline.errors import ResearchNotFoundError
from wiki_pipeline.gateway.addresses import root_of
from wiki_pipeline.gateway.api.restrictions import Restricted
from wiki_pipeline.gateway.errors import ErrorAnswer
from wiki_pipeline.gateway.services import Services, Serving
from wiki_pipeline.gateway.streaming import MEDIA_TYPE, After, LastEventId, last_seen, streamed

_MOST_LISTED = 200
_ID = "0f6d1a3c5b7e4f5f9a8b7c6d5e4f3a2b"

router = APIRouter(tags=["research"])

ResearchId = Annotated[str, Path(max_length=100, description="Of the research.", examples=[_ID])]
_NOT_THERE: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorAnswer, "description": "There is none such of the asker."}
}
_NO_SOURCE: dict[int | str, dict[str, Any]] = {404: {"model": ErrorAnswer, "description": "There is no such source."}}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {MEDIA_TYPE: {}},
        "description": "Events `begun`, `step` (what is being done), `plan`, `looked` (a sub-question was looked up, "
        "with the citations that it issued), `gaps`, `contradictions`, `text` (pieces of a section while a model "
        "writes it), `section`, `note`, `resumed`, and at last `done` with the report.",
    }
}


class ResearchRequest(Restricted):
    """A question to be looked into."""

    question: str = Field(
        min_length=1,
        max_length=MAX_QUESTION,
        examples=["How is on-call organised, and what happens when a station goes silent?"],
    )
    no_model: bool = Field(False, description="Quote the pages, even if a language model is set up.")


class Research(BaseModel):
    """A question, how far it is looked into, and the report once that has ended."""

    research_id: str = Field(examples=[_ID])
    question: str
    status: AnswerStatus
    created_at: datetime
    finished_at: datetime | None
    report: Report | None = Field(
        description="Summary, sections, contradictions and the table of sources, with their citations; null until it "
        "has ended."
    )


class ResearchListed(BaseModel):
    """A research in a list."""

    research_id: str = Field(examples=[_ID])
    question: str
    status: AnswerStatus
    created_at: datetime
    finished_at: datetime | None


class Researches(BaseModel):
    """The asker's research, the newest first."""

    research: list[ResearchListed]


@router.post(
    "/v1/research",
    status_code=202,
    summary="Begin research",
    response_model=Research,
    responses=_STREAM | _NO_SOURCE,
)
@router.post("/api/deep_research", status_code=202, include_in_schema=False, response_model=Research)
async def research(
    serving: Serving,
    asked: ResearchRequest,
    response: Response,
    accept: Annotated[str, Header(max_length=1_000, description="`text/event-stream` to be told of each step.")] = "",
) -> Research | Response:
    """Takes the question apart, looks each part up, checks for gaps and contradictions, and writes a report with its
    sources. It goes on whoever listens, also after a restart, until it ends or is cancelled."""
    record = await anyio.to_thread.run_sync(_begun, serving, asked)
    if MEDIA_TYPE in accept:
        return streamed(serving, serving.researching, record.answer_id)
    response.headers["location"] = f"/v1/research/{record.answer_id}"
    return _research(record)


@router.get("/v1/research", summary="List research")
def all_research(
    serving: Serving,
    limit: Annotated[int, Query(ge=1, le=_MOST_LISTED, description="How many at most.")] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000, description="How many of the newest to leave out.")] = 0,
) -> Researches:
    """The asker's own, the newest first."""
    who = serving.principal
    records = serving.catalog.answers.of_kind(who.tenant, who.owner, serving.researching.kind, limit, offset)
    return Researches(
        research=[
            ResearchListed(
                research_id=record.answer_id,
                question=record.question,
                status=record.status,
                created_at=record.created_at,
                finished_at=record.finished_at,
            )
            for record in records
        ]
    )


@router.get("/v1/research/{research_id}", summary="Show research", responses=_NOT_THERE)
def one_research(serving: Serving, research_id: ResearchId) -> Research:
    """With its report once it has ended, as it was written then."""
    return _research(found(serving, research_id))


@router.get(
    "/v1/research/{research_id}/events",
    summary="Follow research",
    responses=_NOT_THERE | _STREAM,
    response_class=Response,
)
def events(serving: Serving, research_id: ResearchId, last_event_id: LastEventId = None, after: After = 0) -> Response:
    """Numbered events, those that were seen left out. One that has ended is replayed."""
    record = found(serving, research_id)
    return streamed(serving, serving.researching, record.answer_id, last_seen(last_event_id, after))


@router.post("/v1/research/{research_id}/cancel", status_code=202, summary="Stop research", responses=_NOT_THERE)
def cancel(serving: Serving, research_id: ResearchId) -> Research:
    """What was found until then becomes the report. One that has ended stays as it is."""
    record = found(serving, research_id)
    serving.researching.cancel(record.answer_id)
    return _research(record)


@router.delete("/v1/research/{research_id}", status_code=204, summary="Delete research", responses=_NOT_THERE)
def delete(serving: Serving, research_id: ResearchId) -> None:
    """With its events and its report; one that is under way is stopped."""
    forget(serving, found(serving, research_id))


@router.get(
    "/v1/research/{research_id}/report.md",
    summary="Take a report along",
    response_class=Response,
    responses={
        200: {"content": {"text/markdown": {}}, "description": "The report."},
        404: {"model": ErrorAnswer, "description": "There is none such of the asker, or it has not ended."},
    },
)
def report(request: Request, serving: Serving, research_id: ResearchId) -> Response:
    """As Markdown, with its sources as links."""
    record = found(serving, research_id)
    if not record.body:
        raise ResearchNotFoundError("The report is not there yet.", "Its research is still under way.")
    text = markdown_of(
        Report.from_json(record.body), root=root_of(request, serving.settings), finished_at=record.finished_at
    )
    name = re.sub(r"[^a-z0-9]+", "-", record.question.lower()).strip("-")[:60] or "report"
    return Response(
        text,
        media_type="text/markdown; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}.md"'},
    )


def found(serving: Services, research_id: str) -> AnswerRecord:
    """A research of the asker.

    Raises:
        ResearchNotFoundError: there is none, or it is somebody else's, or cites what the asker may read no more.
    """
    who = serving.principal
    record = serving.catalog.answers.get(research_id, serving.researching.kind)
    mine = record is not None and (record.tenant, record.owner) == (who.tenant, who.owner)
    if record is None or not mine or not readable([record], who.scope):
        raise ResearchNotFoundError(f"There is no research {research_id!r}.")
    return record


def forget(serving: Services, record: AnswerRecord) -> None:
    """Delete a research; one that is under way stops."""
    serving.researching.cancel(record.answer_id)
    serving.catalog.answers.forget(record.tenant, record.owner, record.conversation_id)


def begin(serving: Services, question: Question, *, no_model: bool = False) -> AnswerRecord:
    """Accept a question and have it looked into in the background.

    Raises:
        SearchError: there is no question in it.
        BusyError: too many wait.
    """
    with serving.admitted():
        record = serving.researching.begin(serving.principal, question, no_model=no_model)
        serving.researching.start(record, serving.principal.scope)
    return record


def _begun(serving: Services, asked: ResearchRequest) -> AnswerRecord:
    question = Question(text=asked.question, filters=asked.filters(serving), chunks=serving.settings.answer_chunks)
    return begin(serving, question, no_model=asked.no_model)


def _research(record: AnswerRecord) -> Research:
    return Research(
        research_id=record.answer_id,
        question=record.question,
        status=record.status,
        created_at=record.created_at,
        finished_at=record.finished_at,
        report=Report.from_json(record.body) if record.body else None,
    )
