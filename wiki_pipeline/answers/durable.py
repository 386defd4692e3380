"""What is made while people watch: durable rows with numbered events, a few at once, cancelled, left, or gone on with.

A row stands in the catalog from the moment it was accepted. Who makes it holds a lease, so that one whose process was
killed is told from one that is being made. What becomes of it then, and when nobody listens any more, depends on its
kind: an answer is ended, research goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from wiki_pipeline.access import Scope
from wiki_pipeline.answers.answer import Note
from wiki_pipeline.catalog import AnswerRecord, AnswerStatus, Catalog
from wiki_pipeline.catalog.streams import Streams
from wiki_pipeline.errors import BusyError, LeaseHeldError, WikiPipelineError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.store import Filters

log = logging.getLogger(__name__)

LEASE_SECONDS = 60.0
_CANCEL_LOOK = 0.5  # seconds between two looks into the catalog for a cancellation by another process
_UNEXPECTED = Note("internal_error", "Something went wrong here. The log says what.")

Listener = Callable[[], None]
"""Called, from any thread, whenever there are new events; must return at once."""


class Leaving(Exception):  # noqa: N818 - no error: the process ends, and the work is gone on with by the next one
    """Raised by what is made when this process ends before it does."""


class Result(Protocol):
    """What came of it, as it is stored."""

    def to_json(self) -> dict[str, Any]:
        """As it is stored and sent."""


Made = TypeVar("Made", bound=Result)


class Durable(ABC, Generic[Made]):
    """Makes rows of one kind. Safe between threads.

    Args:
        at_once: rows that are made at once; others wait.
        waiting: rows that may wait; more are refused.
        grace: seconds after which a row that nobody listens to any more is given up; None: it never is.
    """

    kind: ClassVar[str]
    """Of rows and streams."""
    result_name: ClassVar[str]
    """Of what was made, in the event `done`."""

    def __init__(self, catalog: Catalog, *, at_once: int, waiting: int, grace: float | None) -> None:
        self._catalog = catalog
        self._most = at_once + waiting
        self._grace = grace
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix=self.kind)
        self._lock = threading.Lock()  # of the four that follow
        self._under_way: set[str] = set()
        self._unheld: dict[str, float] = {}  # by row: when it was first seen that nobody makes it
        self._listeners: defaultdict[str, list[Listener]] = defaultdict(list)
        self._abandoned: dict[str, float] = {}  # rows whose last listener left, and when
        self._closed = threading.Event()

    @property
    def streams(self) -> Streams:
        """Where their events are."""
        return self._catalog.streams

    def close(self) -> None:
        """Stop what is being made."""
        self._closed.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    # --- making ---

    def start(self, record: AnswerRecord, scope: Scope) -> None:
        """Make a row in the background.

        Raises:
            BusyError: too many wait. The row is recorded as failed.
        """
        if not self._submit(record, scope):
            error = BusyError("Too many questions are waiting to be answered.", "Ask again in a minute.")
            self._end(record, AnswerStatus.FAILED, self._failed(record, Note(error.code, str(error))))
            raise error

    def run(self, record: AnswerRecord, scope: Scope) -> Made:
        """Make a row here and now. It is recorded, whatever becomes of it; what goes wrong is part of it.

        Raises:
            Leaving: this process ends, and the next one goes on with it.
            LeaseHeldError: another process makes it already.
        """
        with self._catalog.lease(lease_name(record.answer_id), LEASE_SECONDS):
            try:
                made, status = self._made(record, scope)
            except WikiPipelineError as error:
                log.warning("The %s %s could not be made: %s", self.kind, record.answer_id, error)
                made, status = self._failed(record, Note(error.code, str(error))), AnswerStatus.FAILED
            except Leaving:
                raise
            except Exception:
                log.exception("The %s %s could not be made", self.kind, record.answer_id)
                made, status = self._failed(record, _UNEXPECTED), AnswerStatus.FAILED
            self._end(record, status, made)
        return made

    def cancel(self, answer_id: str) -> bool:
        """Ask for a row to stop. False if it has ended."""
        return self._catalog.streams.cancel(answer_id)

    @abstractmethod
    def _made(self, record: AnswerRecord, scope: Scope) -> tuple[Made, AnswerStatus]:
        """What a row becomes, and how that ended."""

    @abstractmethod
    def _failed(self, record: AnswerRecord, note: Note) -> Made:
        """What a row becomes that could not be made."""

    def _submit(self, record: AnswerRecord, scope: Scope) -> bool:
        """Have a row made in the background. False if too many wait; one that waits already is not taken twice."""
        with self._lock:
            if record.answer_id in self._under_way:
                return True
            if len(self._under_way) >= self._most:
                return False
            self._under_way.add(record.answer_id)
        self._pool.submit(self._run_counted, record, scope)
        return True

    def _run_counted(self, record: AnswerRecord, scope: Scope) -> None:
        try:
            self.run(record, scope)
        except Leaving:
            log.info("The %s %s is left to the next process", self.kind, record.answer_id)
        except LeaseHeldError:
            log.info("The %s %s is made by another process", self.kind, record.answer_id)
        except WikiPipelineError as error:  # the catalog is out of reach, or somebody deleted the row meanwhile
            log.warning("What came of the %s %s could not be recorded: %s", self.kind, record.answer_id, error)
        finally:
            with self._lock:
                self._under_way.discard(record.answer_id)
                self._unheld.pop(record.answer_id, None)
                self._abandoned.pop(record.answer_id, None)

    def _left_behind(self, tenant: str) -> list[AnswerRecord]:
        """Rows of this kind that nobody makes."""
        running = self._catalog.answers.running(tenant, self.kind)
        return [record for record in running if not self._catalog.is_held(lease_name(record.answer_id))]

    def _waits_here(self, record: AnswerRecord) -> bool:
        """Whether it waits for its turn in this process, or nobody was seen to make it for so short a time that it may
        do so in another."""
        now = time.monotonic()
        with self._lock:
            unheld = now - self._unheld.setdefault(record.answer_id, now)
            return record.answer_id in self._under_way or (unheld < LEASE_SECONDS and bool(self._under_way))

    # --- events ---

    def listen(self, answer_id: str, listener: Listener) -> None:
        """Be called whenever a row has new events."""
        with self._lock:
            self._listeners[answer_id].append(listener)
            self._abandoned.pop(answer_id, None)

    def leave(self, answer_id: str, listener: Listener) -> None:
        """Listen no more. When the last one has left, a row that has a grace is given up after it."""
        with self._lock:
            listeners = self._listeners[answer_id]
            if listener in listeners:
                listeners.remove(listener)
            if not listeners:
                del self._listeners[answer_id]
                self._abandoned[answer_id] = time.monotonic()

    def _emit(self, answer_id: str, event: str, data: Any) -> None:
        self._catalog.streams.append(answer_id, [(event, data)])
        self._notify(answer_id)

    def _end(self, record: AnswerRecord, status: AnswerStatus, made: Made) -> None:
        body: Mapping[str, Any] = made.to_json()
        if self._catalog.answers.end(record.answer_id, status, body):
            done = {"status": status.value, self.result_name: body}
            self._catalog.streams.append(record.answer_id, [("done", done)])
            self._catalog.streams.finish(record.answer_id)
        self._notify(record.answer_id)

    def _notify(self, answer_id: str) -> None:
        with self._lock:
            listeners = list(self._listeners.get(answer_id, ()))
        for listener in listeners:
            listener()

    # --- stopping ---

    @property
    def is_closed(self) -> bool:
        """Whether this process ends."""
        return self._closed.is_set()

    def is_given_up(self, answer_id: str) -> bool:
        """Whether nobody listens any more, for longer than the grace; or this process ends."""
        if self._closed.is_set():
            return True
        with self._lock:
            left = self._abandoned.get(answer_id)
        return self._grace is not None and left is not None and time.monotonic() - left > self._grace

    def is_cancelled(self, answer_id: str) -> bool:
        """Whether somebody asked for it to stop, here or elsewhere."""
        return self._catalog.streams.is_cancelled(answer_id)


class CancelWatch:
    """Whether somebody asked for a row to stop; asks the catalog now and then only."""

    def __init__(self, durable: Durable[Any], answer_id: str) -> None:
        self._durable = durable
        self._answer_id = answer_id
        self._looked = 0.0
        self._cancelled = False

    def __call__(self) -> bool:
        if not self._cancelled and time.monotonic() - self._looked > _CANCEL_LOOK:
            self._looked = time.monotonic()
            self._cancelled = self._durable.is_cancelled(self._answer_id)
        return self._cancelled


def lease_name(answer_id: str) -> str:
    """The lease of who makes a row."""
    return f"answer {answer_id}"


def filters_to_json(filters: Filters) -> dict[str, Any]:
    """Filters as they are stored with a question."""
    facts = {name: value for name, value in asdict(filters).items() if value}
    facts["sources"] = [str(key) for key in filters.sources]
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in facts.items()}


def filters_from_json(facts: Mapping[str, Any]) -> Filters:
    """Filters as they were stored."""
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
    """Whether all that was cited may still be read."""
    cited = {one["source"] for record in records if record.body for one in record.body.get("citations", ())}
    return all(scope.allows(SourceKey.parse(source)) for source in cited)
