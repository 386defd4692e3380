"""Answers that are made while people watch: durable rows with numbered events, a few at once, cancelled or left.

An answer is a row from the moment its question was accepted. Who makes it holds a lease, so that one whose process was
killed is told from one that is being made; it is then shown as interrupted, or, if it is research, gone on with.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from wiki_pipeline.access import Principal, Scope
from wiki_pipeline.answers.answer import Answer, Method, Note, Outcome
from wiki_pipeline.answers.ask import Asker, Emit, silent
from wiki_pipeline.answers.llm import ChatModel
from wiki_pipeline.answers.retrieve import Library, Question, Turn
from wiki_pipeline.answers.settings import AnswerSettings
from wiki_pipeline.catalog import AnswerRecord, AnswerStatus, Catalog
from wiki_pipeline.errors import AnswerNotFoundError, BusyError, WikiPipelineError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.store import Filters

log = logging.getLogger(__name__)

_LEASE_SECONDS = 60.0
_CANCEL_LOOK = 0.5  # seconds between two looks into the catalog for a cancellation by another process
_SHORT = 1_200
_UNEXPECTED = Note("internal_error", "Something went wrong here. The log says what.")
_INTERRUPTED = Note("interrupted", "The program was stopped while this was being answered. Ask again.")

Listener = Callable[[], None]
"""Called, from any thread, whenever there are new events; must return at once."""


class Answering:
    """Makes answers. Safe between threads.

    Args:
        library: what somebody with a scope may read.
        model: None: answers quote passages.
    """

    def __init__(
        self,
        catalog: Catalog,
        library: Callable[[Scope], Library],
        model: ChatModel | None,
        settings: AnswerSettings,
    ) -> None:
        self.model = model
        self._catalog = catalog
        self._library = library
        self._settings = settings
        self._pool = ThreadPoolExecutor(settings.answers_at_once, thread_name_prefix="answer")
        self._lock = threading.Lock()  # of the three that follow
        self._under_way = 0
        self._listeners: defaultdict[str, list[Listener]] = defaultdict(list)
        self._abandoned: dict[str, float] = {}  # answers whose last listener left, and when
        self._closed = threading.Event()

    def close(self) -> None:
        """Stop what is being made."""
        self._closed.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    # --- asking ---

    def begin(self, who: Principal, question: Question, conversation_id: str = "") -> AnswerRecord:
        """Accept a question: from here on it is in the catalog.

        Args:
            conversation_id: of the conversation that it goes on with; empty: a new one.

        Raises:
            SearchError: there is no question in it.
            AnswerNotFoundError: the asker has no such conversation.
        """
        question = question.checked()
        request = {"filters": _filters_to_json(question.filters), "chunks": question.chunks}
        record = self._catalog.answers.begin(
            who.tenant, who.name, question.text, request=request, conversation_id=conversation_id
        )
        if record is None:
            raise AnswerNotFoundError(f"There is no conversation {conversation_id!r}.", "Begin a new one.")
        return record

    def start(self, record: AnswerRecord, scope: Scope) -> None:
        """Make an answer in the background.

        Raises:
            BusyError: too many wait. The question is recorded as failed.
        """
        with self._lock:
            most = self._settings.answers_at_once + self._settings.answers_waiting
            busy = self._under_way >= most
            self._under_way += not busy
        if busy:
            error = BusyError("Too many questions are waiting to be answered.", "Ask again in a minute.")
            self._end(record, AnswerStatus.FAILED, self._failed(record, Note(error.code, str(error))))
            raise error
        self._pool.submit(self._run_counted, record, scope)

    def run(self, record: AnswerRecord, scope: Scope, told: Emit = silent) -> Answer:
        """Make an answer here and now. It is recorded, whatever becomes of it; what goes wrong is part of it.

        Args:
            told: of each step, as those who listen are.
        """
        try:
            with self._catalog.lease(lease_name(record.answer_id), _LEASE_SECONDS):
                answer, status = self._made(record, scope, told)
        except WikiPipelineError as error:
            log.warning("The answer %s could not be made: %s", record.answer_id, error)
            answer, status = self._failed(record, Note(error.code, str(error))), AnswerStatus.FAILED
        except Exception:
            log.exception("The answer %s could not be made", record.answer_id)
            answer, status = self._failed(record, _UNEXPECTED), AnswerStatus.FAILED
        self._end(record, status, answer)
        return answer

    def cancel(self, answer_id: str) -> bool:
        """Ask for an answer to stop. False if it has ended."""
        return self._catalog.streams.cancel(answer_id)

    def recover(self, tenant: str) -> int:
        """End answers whose process is gone. Returns how many."""
        ended = 0
        for record in self._catalog.answers.running(tenant):
            if not self._catalog.is_held(lease_name(record.answer_id)) and not self._is_waiting(record):
                self._end(record, AnswerStatus.FAILED, self._failed(record, _INTERRUPTED))
                ended += 1
        return ended

    def expire(self) -> None:
        """Forget conversations and kept answers of models that are older than the settings say."""
        age = timedelta(days=self._settings.keep_answers_days)
        self._catalog.answers.expire(age)
        self._catalog.streams.expire(age)
        self._catalog.model_calls.expire(age)

    # --- listening ---

    def listen(self, answer_id: str, listener: Listener) -> None:
        """Be called whenever an answer has new events."""
        with self._lock:
            self._listeners[answer_id].append(listener)
            self._abandoned.pop(answer_id, None)

    def leave(self, answer_id: str, listener: Listener) -> None:
        """Listen no more. When the last one has left, the answer is given up after a grace of some seconds."""
        with self._lock:
            listeners = self._listeners[answer_id]
            if listener in listeners:
                listeners.remove(listener)
            if not listeners:
                del self._listeners[answer_id]
                self._abandoned[answer_id] = time.monotonic()

    # --- making ---

    def _run_counted(self, record: AnswerRecord, scope: Scope) -> None:
        try:
            self.run(record, scope)
        finally:
            with self._lock:
                self._under_way -= 1
                self._abandoned.pop(record.answer_id, None)

    def _made(self, record: AnswerRecord, scope: Scope, told: Emit) -> tuple[Answer, AnswerStatus]:
        question = Question(
            text=record.question,
            filters=_filters_from_json(record.request["filters"]),
            history=self._history(record),
            chunks=int(record.request["chunks"]),
        )
        asker = Asker(self._library(scope), self.model)
        watch = _Watch(self, record.answer_id)

        def emit(event: str, data: Any) -> None:
            told(event, data)
            self._emit(record.answer_id, event, data)

        answer = asker.answer(question, emit, watch)
        cancelled = answer.outcome is Outcome.CANCELLED
        return answer, AnswerStatus.CANCELLED if cancelled else AnswerStatus.DONE

    def _history(self, record: AnswerRecord) -> tuple[Turn, ...]:
        found = self._catalog.answers.conversation(record.conversation_id)
        earlier = [one for one in found[1] if one.position < record.position] if found else []
        return tuple(Turn(one.question, _gist(one)) for one in earlier)

    def _emit(self, answer_id: str, event: str, data: Any) -> None:
        self._catalog.streams.append(answer_id, [(event, data)])
        self._notify(answer_id)

    def _end(self, record: AnswerRecord, status: AnswerStatus, answer: Answer) -> None:
        body = answer.to_json()
        if self._catalog.answers.end(record.answer_id, status, body):
            self._catalog.streams.append(record.answer_id, [("done", {"status": status.value, "answer": body})])
            self._catalog.streams.finish(record.answer_id)
        self._notify(record.answer_id)

    def _notify(self, answer_id: str) -> None:
        with self._lock:
            listeners = list(self._listeners.get(answer_id, ()))
        for listener in listeners:
            listener()

    def _failed(self, record: AnswerRecord, note: Note) -> Answer:
        return Answer(outcome=Outcome.FAILED, method=Method.PASSAGES, question=record.question, notes=(note,))

    def _is_waiting(self, record: AnswerRecord) -> bool:
        """Whether it was accepted so lately that it may wait for its turn in some process."""
        waited = datetime.now(record.created_at.tzinfo) - record.created_at
        return waited < timedelta(seconds=_LEASE_SECONDS) and self._under_way > 0

    def is_given_up(self, answer_id: str) -> bool:
        """Whether nobody listens any more, for longer than the grace; or this process ends."""
        if self._closed.is_set():
            return True
        with self._lock:
            left = self._abandoned.get(answer_id)
        return left is not None and time.monotonic() - left > self._settings.answer_grace_seconds

    def is_cancelled(self, answer_id: str) -> bool:
        """Whether somebody asked for it to stop, here or elsewhere."""
        return self._catalog.streams.is_cancelled(answer_id)


class _Watch:
    """Whether an answer is to stop; asks the catalog now and then only."""

    def __init__(self, answering: Answering, answer_id: str) -> None:
        self._answering = answering
        self._answer_id = answer_id
        self._looked = 0.0
        self._stop = False

    def __call__(self) -> bool:
        if not self._stop and time.monotonic() - self._looked > _CANCEL_LOOK:
            self._looked = time.monotonic()
            self._stop = self._answering.is_cancelled(self._answer_id)
        return self._stop or self._answering.is_given_up(self._answer_id)


def lease_name(answer_id: str) -> str:
    """The lease of who makes an answer."""
    return f"answer {answer_id}"


def _gist(record: AnswerRecord) -> str:
    """What was answered before, for a model that reads the conversation; without markers, which mean nothing later."""
    if not record.body:
        return ""
    answer = Answer.from_json(record.body)
    text = answer.text or "\n".join(passage.text for passage in answer.passages[:3])
    for citation in answer.citations:
        text = text.replace(f"[{citation.id}]", "")
    return text[:_SHORT]


def _filters_to_json(filters: Filters) -> dict[str, Any]:
    facts = {name: value for name, value in asdict(filters).items() if value}
    facts["sources"] = [str(key) for key in filters.sources]
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in facts.items()}


def _filters_from_json(facts: dict[str, Any]) -> Filters:
    given: dict[str, Any] = {}
    for name, value in facts.items():
        if name == "sources":
            given[name] = tuple(map(SourceKey.parse, value))
        elif name in {"modified_from", "modified_before"}:
            given[name] = datetime.fromisoformat(value)
        else:
            given[name] = tuple(value) if isinstance(value, list) else value
    return Filters(**given)


def readable(records: Sequence[AnswerRecord], scope: Scope) -> bool:
    """Whether all that was cited in answers may still be read."""
    cited = {one["source"] for record in records if record.body for one in record.body.get("citations", ())}
    return all(scope.allows(SourceKey.parse(source)) for source in cited)
