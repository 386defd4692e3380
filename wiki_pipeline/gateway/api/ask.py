"""`/v1/ask`: questions and their answers, with citations; streamed, followed up, looked at again, stopped."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Header, Path
from fastapi.responses import Response
from pydantic import BaseModel, Field

from wiki_pipeline.answers.answer import Answer
from wiki_pipeline.answers.retrieve import MAX_QUESTION, Question
from wiki_pipeline.answers.running import readable
from wiki_pipeline.catalog import AnswerRecord, AnswerStatus, ConversationRecord
from wiki_pipeline.errors import AnswerNotFoundError
from wiki_pipeline.gateway.api.restrictions import Restricted
from wiki_pipeline.gateway.errors import ErrorAnswer
from wiki_pipeline.gateway.services import Services, Serving
from wiki_pipeline.gateway.streaming import MEDIA_TYPE, After, LastEventId, follow, last_seen, streamed

_ID = "0f6d1a3c5b7e4f5f9a8b7c6d5e4f3a2b"

router = APIRouter(tags=["ask"])

AnswerId = Annotated[str, Path(max_length=100, description="Of the answer.", examples=[_ID])]
ConversationId = Annotated[str, Path(max_length=100, description="Of the conversation.", examples=[_ID])]
_NOT_THERE: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorAnswer, "description": "There is none such of the asker."}
}
_NO_CONVERSATION: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorAnswer, "description": "The asker has no such conversation, or there is no such source."}
}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {MEDIA_TYPE: {}},
        "description": "Events `step`, `found`, `text` (pieces: texts, or ids of citations), and at last `done` with "
        "the answer.",
    }
}


class AskRequest(Restricted):
    """A question."""

    question: str = Field(min_length=1, max_length=MAX_QUESTION, examples=["Who is called first at night?"])
    conversation_id: str = Field("", max_length=100, description="Of the conversation that it goes on with.")
    k: int | None = Field(None, ge=1, le=100, description="How many chunks are looked at.")


class Answered(BaseModel):
    """A question, how far its answer is, and the answer once it has ended."""

    answer_id: str = Field(examples=[_ID])
    conversation_id: str = Field(description="For questions that follow up.", examples=[_ID])
    position: int = Field(description="In the conversation, from 1.", examples=[1])
    question: str = Field(examples=["Who is called first at night?"])
    status: AnswerStatus
    created_at: datetime
    finished_at: datetime | None
    answer: Answer | None = Field(description="Text or passages with their citations; null until it has ended.")


class Conversation(BaseModel):
    """A conversation with its answers."""

    conversation_id: str = Field(examples=[_ID])
    title: str = Field(description="Its first question.")
    created_at: datetime
    updated_at: datetime
    answers: list[Answered]


@router.post("/v1/ask", summary="Ask a question", response_model=Answered, responses=_STREAM | _NO_CONVERSATION)
@router.post("/api/ask", include_in_schema=False, response_model=Answered)
async def ask(
    serving: Serving,
    asked: AskRequest,
    accept: Annotated[str, Header(max_length=1_000, description="`text/event-stream` to receive each step.")] = "",
) -> Answered | Response:
    """Answered from what the asker may read. Every sentence cites what it stands on; what nothing answers is said so.
    The answer is kept, and so is its conversation."""
    record = await anyio.to_thread.run_sync(_begun, serving, asked)
    if MEDIA_TYPE in accept:
        return streamed(serving, serving.answering, record.answer_id)
    async for _ in follow(serving, serving.answering, record.answer_id):
        pass
    ended = await anyio.to_thread.run_sync(serving.catalog.answers.get, record.answer_id)
    return _answered(ended or record)


@router.get("/v1/answers/{answer_id}", summary="Show an answer", responses=_NOT_THERE)
def one_answer(serving: Serving, answer_id: AnswerId) -> Answered:
    """As it was given, whatever has changed since."""
    return _answered(found(serving, answer_id))


@router.get(
    "/v1/answers/{answer_id}/events",
    summary="Follow an answer",
    responses=_NOT_THERE | _STREAM,
    response_class=Response,
)
def events(serving: Serving, answer_id: AnswerId, last_event_id: LastEventId = None, after: After = 0) -> Response:
    """Numbered events, those that were seen left out. One that has ended is replayed."""
    record = found(serving, answer_id)
    return streamed(serving, serving.answering, record.answer_id, last_seen(last_event_id, after))


@router.post("/v1/answers/{answer_id}/cancel", status_code=202, summary="Stop an answer", responses=_NOT_THERE)
def cancel(serving: Serving, answer_id: AnswerId) -> Answered:
    """What there is of it becomes the answer. One that has ended stays as it is."""
    record = found(serving, answer_id)
    serving.answering.cancel(record.answer_id)
    return _answered(record)


@router.get("/v1/conversations/{conversation_id}", summary="Show a conversation", responses=_NOT_THERE)
def conversation(serving: Serving, conversation_id: ConversationId) -> Conversation:
    """Its questions and answers in order."""
    record, answers = found_conversation(serving, conversation_id)
    return Conversation(
        conversation_id=record.conversation_id,
        title=record.title,
        created_at=record.created_at,
        updated_at=record.updated_at,
        answers=[_answered(each) for each in answers],
    )


def found(serving: Services, answer_id: str) -> AnswerRecord:
    """An answer of the asker.

    Raises:
        AnswerNotFoundError: there is none, or it is another person's, or cites what the asker may read no more.
    """
    record, who = serving.catalog.answers.get(answer_id), serving.principal
    if record is None or (record.tenant, record.owner) != (who.tenant, who.owner) or not readable([record], who.scope):
        raise AnswerNotFoundError(f"There is no answer {answer_id!r}.")
    return record


def found_conversation(serving: Services, conversation_id: str) -> tuple[ConversationRecord, list[AnswerRecord]]:
    """A conversation of the asker, with its answers.

    Raises:
        AnswerNotFoundError: as `found`.
    """
    known, who = serving.catalog.answers.conversation(conversation_id), serving.principal
    if (
        known is None
        or (known[0].tenant, known[0].owner) != (who.tenant, who.owner)
        or not readable(known[1], who.scope)
    ):
        raise AnswerNotFoundError(f"There is no conversation {conversation_id!r}.")
    return known


def _begun(serving: Services, asked: AskRequest) -> AnswerRecord:
    question = Question(
        text=asked.question, filters=asked.filters(serving), chunks=asked.k or serving.settings.answer_chunks
    )
    return begin(serving, question, asked.conversation_id)


def begin(serving: Services, question: Question, conversation_id: str) -> AnswerRecord:
    """Accept a question and have it answered in the background.

    Raises:
        SearchError: there is no question in it.
        AnswerNotFoundError: the asker has no such conversation.
        BusyError: too many wait.
        QuotaError: the asker's quota, or their tenant's, is used up.
    """
    if conversation_id:
        found_conversation(serving, conversation_id)
    with serving.admitted():
        record = serving.answering.begin(serving.principal, question, conversation_id)
        serving.answering.start(record, serving.principal.scope)
    return record


def _answered(record: AnswerRecord) -> Answered:
    return Answered(
        answer_id=record.answer_id,
        conversation_id=record.conversation_id,
        position=record.position,
        question=record.question,
        status=record.status,
        created_at=record.created_at,
        finished_at=record.finished_at,
        answer=Answer.from_json(record.body) if record.body else None,
    )
