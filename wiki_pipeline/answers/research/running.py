"""Research that is made while people watch, or while nobody does: it ends by itself, or when somebody cancels it.

A closed browser does not stop it. When its process ends or is killed, the next one goes on from its events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from wiki_pipeline.access import Action, Membership, Principal, Scope
from wiki_pipeline.answers.answer import Method, Note, Outcome
from wiki_pipeline.answers.durable import CancelWatch, Durable, Leaving, filters_from_json, filters_to_json
from wiki_pipeline.answers.llm import ChatModel
from wiki_pipeline.answers.research.progress import Progress
from wiki_pipeline.answers.research.report import Ended, Report
from wiki_pipeline.answers.research.research import Limits, Researcher
from wiki_pipeline.answers.research.settings import ResearchSettings
from wiki_pipeline.answers.retrieve import Library, Question
from wiki_pipeline.catalog import AnswerRecord, AnswerStatus, Catalog
from wiki_pipeline.catalog.streams import StreamEvent
from wiki_pipeline.errors import AnswerNotFoundError
from wiki_pipeline.model import SourceKey

_READ_AT_ONCE = 200
_SETTLED_SECONDS = 5.0


class Researching(Durable[Report]):
    """Makes reports. Safe between threads.

    Args:
        library: what somebody with a scope may read.
        model: which writes reports, or which does so for somebody with a scope; None: reports quote passages.
    """

    kind = "research"
    result_name = "report"

    def __init__(
        self,
        catalog: Catalog,
        library: Callable[[Scope], Library],
        model: ChatModel | Callable[[Scope], ChatModel | None] | None,
        settings: ResearchSettings,
    ) -> None:
        super().__init__(catalog, at_once=settings.researches_at_once, waiting=settings.researches_waiting, grace=None)
        self._model_of = model if callable(model) else lambda _: model
        self._library = library
        self._settings = settings

    def model_of(self, scope: Scope) -> ChatModel | None:
        """Which model writes somebody's reports; None: passages are quoted."""
        return self._model_of(scope)

    def begin(self, who: Principal, question: Question, *, no_model: bool = False) -> AnswerRecord:
        """Accept a question: from here on it is in the catalog.

        Raises:
            SearchError: there is no question in it.
        """
        question = question.checked()
        request = {
            "filters": filters_to_json(question.filters),
            "chunks": question.chunks,
            "no_model": no_model,
            # What the asker may read: whoever goes on with it after a restart reads the same.
            "scope": _scope_to_json(who.scope),
        }
        record = self._catalog.answers.begin(who.tenant, who.owner, question.text, request=request, kind=self.kind)
        if record is None:  # only a conversation that is gone on with can be missing
            raise AnswerNotFoundError("The research could not be begun.")
        return record

    def resume(self, tenant: str) -> int:
        """Go on with research whose process is gone. Returns how many."""
        left = [record for record in self._left_behind(tenant) if not self._waits_here(record) and _is_settled(record)]
        return sum(self._submit(record, _scope_from_json(record.request["scope"])) for record in left)

    def progress(self, record: AnswerRecord) -> Progress:
        """How far a research is."""
        return Progress.of(self.events(record))

    def events(self, record: AnswerRecord) -> list[StreamEvent]:
        """All that happened so far."""
        found: list[StreamEvent] = []
        while batch := self._catalog.streams.read(record.answer_id, found[-1].number if found else 0, _READ_AT_ONCE):
            found += batch
        return found

    def _made(self, record: AnswerRecord, scope: Scope) -> tuple[Report, AnswerStatus]:
        known = self._catalog.answers.get(record.answer_id, self.kind)
        if known is None or known.status is not AnswerStatus.RUNNING:
            raise Leaving  # another process ended it while it waited here, or it was deleted
        is_cancelled = CancelWatch(self, record.answer_id)

        def stop() -> bool:
            if self.is_closed:
                raise Leaving
            return is_cancelled()

        researcher = Researcher(
            library=self._library(scope),
            question=Question(
                text=record.question,
                filters=filters_from_json(record.request["filters"]),
                chunks=int(record.request["chunks"]),
            ),
            limits=Limits.of(self._settings),
            progress=self.progress(record),
            emit=lambda event, data: self._emit(record.answer_id, event, data),
            cancelled=stop,
            model=None if record.request["no_model"] else self.model_of(scope),
        )
        report = researcher.report()
        cancelled = report.outcome is Outcome.CANCELLED
        return report, AnswerStatus.CANCELLED if cancelled else AnswerStatus.DONE

    def _failed(self, record: AnswerRecord, note: Note) -> Report:
        return Report(
            outcome=Outcome.FAILED,
            method=Method.PASSAGES,
            question=record.question,
            ended=Ended.COMPLETE,
            notes=(note,),
        )


def _is_settled(record: AnswerRecord) -> bool:
    """Whether it was accepted so long ago that whoever accepted it, if alive, has begun with it."""
    return (datetime.now(record.created_at.tzinfo) - record.created_at).total_seconds() > _SETTLED_SECONDS


def _scope_to_json(scope: Scope) -> dict[str, Any]:
    sources = None if scope.sources is None else sorted(map(str, scope.sources))
    one = scope.membership
    read_as = {"everything": one.everything, "groups": sorted(one.groups), "account": one.account}
    return {"tenant": scope.tenant, "sources": sources, "read_as": read_as}


def _scope_from_json(facts: Mapping[str, Any]) -> Scope:
    sources = facts["sources"]
    allowed = None if sources is None else frozenset(map(SourceKey.parse, sources))
    read_as = facts.get("read_as") or {
        "everything": False,
        "groups": [],
        "account": "",
    }  # of before there were audiences
    membership = Membership(read_as["everything"], frozenset(read_as["groups"]), account=read_as["account"])
    return Scope(facts["tenant"], allowed, frozenset({Action.READ}), membership)
