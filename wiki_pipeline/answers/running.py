"""Answers that are made while people watch.

One whose process was killed is shown as interrupted; one that nobody listens to any more is given up.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from wiki_pipeline.access import Principal, Scope
from wiki_pipeline.answers.answer import Answer, Method, Note, Outcome
from wiki_pipeline.answers.ask import Asker, silent
from wiki_pipeline.answers.durable import CancelWatch, Durable, filters_from_json, filters_to_json, readable
from wiki_pipeline.answers.llm import ChatModel
from wiki_pipeline.answers.retrieve import Library, Question, Turn
from wiki_pipeline.answers.settings import AnswerSettings
from wiki_pipeline.answers.writing import Emit
from wiki_pipeline.catalog import AnswerRecord, AnswerStatus, Catalog
from wiki_pipeline.errors import AnswerNotFoundError

__all__ = ["Answering", "readable"]

_SHORT = 1_200
_INTERRUPTED = Note("interrupted", "The program was stopped while this was being answered. Ask again.")


class Answering(Durable[Answer]):
    """Makes answers. Safe between threads.

    Args:
        library: what somebody with a scope may read.
        model: which answers, or which answers somebody with a scope; None: answers quote passages.
    """

    kind = "answer"
    result_name = "answer"

    def __init__(
        self,
        catalog: Catalog,
        library: Callable[[Scope], Library],
        model: ChatModel | Callable[[Scope], ChatModel | None] | None,
        settings: AnswerSettings,
    ) -> None:
        super().__init__(
            catalog,
            at_once=settings.answers_at_once,
            waiting=settings.answers_waiting,
            grace=settings.answer_grace_seconds,
        )
        self._model_of = model if callable(model) else lambda _: model
        self._told: dict[str, Emit] = {}  # by answer that is made here and now
        self._library = library
        self._settings = settings

    def model_of(self, scope: Scope) -> ChatModel | None:
        """Which model answers somebody; None: passages are quoted."""
        return self._model_of(scope)

    def begin(self, who: Principal, question: Question, conversation_id: str = "") -> AnswerRecord:
        """Accept a question: from here on it is in the catalog.

        Args:
            conversation_id: of the conversation that it goes on with; empty: a new one.

        Raises:
            SearchError: there is no question in it.
            AnswerNotFoundError: the asker has no such conversation.
        """
        question = question.checked()
        request = {"filters": filters_to_json(question.filters), "chunks": question.chunks}
        record = self._catalog.answers.begin(
            who.tenant, who.owner, question.text, request=request, conversation_id=conversation_id, kind=self.kind
        )
        if record is None:
            raise AnswerNotFoundError(f"There is no conversation {conversation_id!r}.", "Begin a new one.")
        return record

    def run(self, record: AnswerRecord, scope: Scope, told: Emit = silent) -> Answer:
        """Make an answer here and now; see `Durable.run`.

        Args:
            told: of each step, as those who listen are.
        """
        self._told[record.answer_id] = told
        try:
            return super().run(record, scope)
        finally:
            del self._told[record.answer_id]

    def recover(self, tenant: str) -> int:
        """End answers whose process is gone. Returns how many."""
        left = [record for record in self._left_behind(tenant) if not self._waits_here(record)]
        for record in left:
            self._end(record, AnswerStatus.FAILED, self._failed(record, _INTERRUPTED))
        return len(left)

    def expire(self) -> None:
        """Forget conversations, research and kept answers of models that are older than the settings say."""
        age = timedelta(days=self._settings.keep_answers_days)
        self._catalog.answers.expire(age)
        self._catalog.streams.expire(age)
        self._catalog.model_calls.expire(age)

    def _made(self, record: AnswerRecord, scope: Scope) -> tuple[Answer, AnswerStatus]:
        question = Question(
            text=record.question,
            filters=filters_from_json(record.request["filters"]),
            history=self._history(record),
            chunks=int(record.request["chunks"]),
        )
        asker = Asker(self._library(scope), self.model_of(scope))
        is_cancelled = CancelWatch(self, record.answer_id)
        told = self._told.get(record.answer_id, silent)

        def emit(event: str, data: Any) -> None:
            told(event, data)
            self._emit(record.answer_id, event, data)

        answer = asker.answer(question, emit, lambda: is_cancelled() or self.is_given_up(record.answer_id))
        cancelled = answer.outcome is Outcome.CANCELLED
        return answer, AnswerStatus.CANCELLED if cancelled else AnswerStatus.DONE

    def _failed(self, record: AnswerRecord, note: Note) -> Answer:
        return Answer(outcome=Outcome.FAILED, method=Method.PASSAGES, question=record.question, notes=(note,))

    def _history(self, record: AnswerRecord) -> tuple[Turn, ...]:
        found = self._catalog.answers.conversation(record.conversation_id)
        earlier = [one for one in found[1] if one.position < record.position] if found else []
        return tuple(Turn(one.question, _gist(one)) for one in earlier)


def _gist(record: AnswerRecord) -> str:
    """What was answered before, for a model that reads the conversation; without markers, which mean nothing later."""
    if not record.body:
        return ""
    answer = Answer.from_json(record.body)
    text = answer.text or "\n".join(passage.text for passage in answer.passages[:3])
    for citation in answer.citations:
        text = text.replace(f"[{citation.id}]", "")
    return text[:_SHORT]
