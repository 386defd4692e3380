"""Conversations and the answers given in them, and research: as they were given, whatever changed since."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from wiki_pipeline.catalog.database import Database, now
from wiki_pipeline.catalog.streams import storable_json
from wiki_pipeline.catalog.tables import answers, conversations, streams

_TITLE = 200
ANSWER = "answer"
"""The kind that conversations are made of; others stand alone."""


class AnswerStatus(StrEnum):
    """How far an answer is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ConversationRecord:
    """A conversation, titled by its first question."""

    conversation_id: str
    tenant: str
    owner: str
    title: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """A question and, once it has ended, its answer.

    Attributes:
        answer_id: of its stream too.
        position: in its conversation, from 1.
        kind: `answer` or `research`.
        request: what was asked for beside the question: sources, filters, ...
        body: what was answered, with its citations; None until it has ended.
    """

    answer_id: str
    conversation_id: str
    tenant: str
    owner: str
    position: int
    kind: str
    question: str
    request: Mapping[str, Any]
    status: AnswerStatus
    body: Mapping[str, Any] | None
    created_at: datetime
    finished_at: datetime | None


class Answers:
    """The catalog's conversations. Each method is one transaction; for errors see `Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(
        self,
        tenant: str,
        owner: str,
        question: str,
        *,
        request: Mapping[str, Any],
        conversation_id: str = "",
        kind: str = ANSWER,
    ) -> AnswerRecord | None:
        """A new question with its stream, in a new conversation or as a follow-up.

        Returns:
            None if there is no such conversation of that owner.
        """
        answer_id = uuid.uuid4().hex
        with self._database.write() as connection:
            moment = now(connection)
            if conversation_id:
                mine = (conversations.c.conversation_id == conversation_id) & (conversations.c.tenant == tenant)
                mine &= conversations.c.owner == owner
                if not connection.execute(update(conversations).where(mine).values(updated_at=moment)).rowcount:
                    return None
            else:
                conversation_id = uuid.uuid4().hex
                row = {"conversation_id": conversation_id, "tenant": tenant, "owner": owner, "title": question[:_TITLE]}
                connection.execute(insert(conversations).values(**row, created_at=moment, updated_at=moment))
            position: int = connection.execute(
                select(func.coalesce(func.max(answers.c.position), 0) + 1).where(
                    answers.c.conversation_id == conversation_id
                )
            ).scalar_one()
            stream = {"stream_id": answer_id, "tenant": tenant, "kind": kind, "owner": owner}
            connection.execute(insert(streams).values(**stream, created_at=moment, cancelled=False))
            connection.execute(
                insert(answers).values(
                    answer_id=answer_id,
                    conversation_id=conversation_id,
                    position=position,
                    kind=kind,
                    question=question,
                    request=storable_json(request),
                    status=AnswerStatus.RUNNING.value,
                    created_at=moment,
                )
            )
            return _record(connection.execute(_CHOSEN.where(answers.c.answer_id == answer_id)).one())

    def get(self, answer_id: str, kind: str = ANSWER) -> AnswerRecord | None:
        """One answer, or what else is of `kind`; None if there is none of that id."""
        with self._database.read() as connection:
            mine = _CHOSEN.where(answers.c.answer_id == answer_id, answers.c.kind == kind)
            row = connection.execute(mine).one_or_none()
        return None if row is None else _record(row)

    def conversation(self, conversation_id: str) -> tuple[ConversationRecord, list[AnswerRecord]] | None:
        """A conversation with its answers in order; None if there is none of that id."""
        with self._database.read() as connection:
            chosen = select(conversations).where(conversations.c.conversation_id == conversation_id)
            row = connection.execute(chosen).one_or_none()
            mine = _CHOSEN.where(answers.c.conversation_id == conversation_id, answers.c.kind == ANSWER)
            found = [_record(each) for each in connection.execute(mine.order_by(answers.c.position))]
            return (ConversationRecord(**row._asdict()), found) if row is not None and found else None

    def conversations(self, tenant: str, owner: str, limit: int = 50) -> list[ConversationRecord]:
        """The owner's conversations, the one used last first."""
        mine = select(conversations).where(conversations.c.tenant == tenant, conversations.c.owner == owner)
        of_kind = select(answers.c.conversation_id).where(answers.c.kind == ANSWER)
        mine = mine.where(conversations.c.conversation_id.in_(of_kind))
        mine = mine.order_by(conversations.c.updated_at.desc(), conversations.c.conversation_id).limit(limit)
        with self._database.read() as connection:
            return [ConversationRecord(**row._asdict()) for row in connection.execute(mine)]

    def of_kind(self, tenant: str, owner: str, kind: str, limit: int = 50, offset: int = 0) -> list[AnswerRecord]:
        """What the owner has of a kind, the newest first."""
        mine = _CHOSEN.where(
            conversations.c.tenant == tenant, conversations.c.owner == owner, answers.c.kind == kind
        ).order_by(answers.c.created_at.desc(), answers.c.answer_id)
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(mine.limit(limit).offset(offset))]

    def counts(self, tenant: str) -> dict[tuple[str, AnswerStatus], int]:
        """How many are kept, by kind and status."""
        mine = (
            select(answers.c.kind, answers.c.status, func.count())
            .join(conversations, conversations.c.conversation_id == answers.c.conversation_id)
            .where(conversations.c.tenant == tenant)
            .group_by(answers.c.kind, answers.c.status)
        )
        with self._database.read() as connection:
            return {(kind, AnswerStatus(status)): number for kind, status, number in connection.execute(mine)}

    def end(self, answer_id: str, status: AnswerStatus, body: Mapping[str, Any]) -> bool:
        """Record how an answer ended. False if it had ended before, which stands."""
        with self._database.write() as connection:
            running = (answers.c.answer_id == answer_id) & (answers.c.status == AnswerStatus.RUNNING.value)
            ended = {"status": status.value, "body": storable_json(body), "finished_at": now(connection)}
            return connection.execute(update(answers).where(running).values(**ended)).rowcount > 0

    def running(self, tenant: str, kind: str = ANSWER) -> list[AnswerRecord]:
        """What a process works on, or left behind when it was killed; the oldest first."""
        mine = _CHOSEN.where(
            conversations.c.tenant == tenant, answers.c.kind == kind, answers.c.status == AnswerStatus.RUNNING.value
        )
        with self._database.read() as connection:
            return [_record(row) for row in connection.execute(mine.order_by(answers.c.created_at))]

    def forget(self, tenant: str, owner: str, conversation_id: str) -> bool:
        """Delete a conversation with its answers. False if the owner has none of that id."""
        with self._database.write() as connection:
            mine = (conversations.c.tenant == tenant) & (conversations.c.owner == owner)
            mine &= conversations.c.conversation_id == conversation_id
            theirs = select(answers.c.answer_id).where(answers.c.conversation_id == conversation_id)
            ids = list(connection.execute(theirs).scalars())
            gone = connection.execute(delete(conversations).where(mine)).rowcount > 0
            if gone:
                connection.execute(delete(streams).where(streams.c.stream_id.in_(ids)))
            return gone

    def expire(self, age: timedelta) -> int:
        """Delete conversations that were not continued for longer than `age`. Returns how many."""
        with self._database.write() as connection:
            old = conversations.c.updated_at < now(connection) - age
            return connection.execute(delete(conversations).where(old)).rowcount


_CHOSEN = select(answers, conversations.c.tenant, conversations.c.owner).join(
    conversations, conversations.c.conversation_id == answers.c.conversation_id
)


def _record(row: Row[Any]) -> AnswerRecord:
    return AnswerRecord(**{**row._asdict(), "status": AnswerStatus(row.status)})
