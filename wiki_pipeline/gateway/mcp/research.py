"""The tool `research`: begins a research and says its id, or tells how far one is; with its report once that is there.

One call can't last as long as research does: it waits a while, and the agent comes back with the id.
"""

from __future__ import annotations

import threading
import time

from pydantic import BaseModel, Field, model_validator

from wiki_pipeline.answers.research.markdown import markdown_of
from wiki_pipeline.answers.research.report import Report
from wiki_pipeline.answers.retrieve import MAX_QUESTION, Question
from wiki_pipeline.catalog import AnswerStatus
from wiki_pipeline.gateway.api.research import begin, found
from wiki_pipeline.gateway.api.restrictions import Restricted
from wiki_pipeline.gateway.mcp.reading import Asker

_LONGEST_WAIT = 50  # seconds; clients give up on a call after a minute
_LOOK_SECONDS = 0.2
_WAITING = threading.BoundedSemaphore(4)  # calls that wait at once: each has a thread meanwhile
_DONE_SHOWN = 20
_LONGEST_REPORT = 60_000  # characters


class ResearchAsked(Restricted):
    """A question to begin with, or the id of research that was begun."""

    question: str = Field("", max_length=MAX_QUESTION, description="Begins research on this, in any language.")
    research_id: str = Field("", max_length=100, description="Instead: goes on waiting for the research of this id.")
    wait_seconds: int = Field(25, ge=0, le=_LONGEST_WAIT, description="How long to wait for its end.")

    @model_validator(mode="after")
    def _one(self) -> ResearchAsked:
        if bool(self.question) == bool(self.research_id):
            raise ValueError("give either a question or a research_id")
        return self


class ResearchTold(BaseModel):
    """How far a research is."""

    research_id: str = Field(description="Call again with it until the status is no longer `running`.")
    status: AnswerStatus
    url: str = Field(description="Where people follow and read it.")
    done: list[str] = Field(description="What was looked up so far.")
    report: str = Field(description="Markdown with its sources; empty until it has ended.")


def research(asker: Asker, asked: ResearchAsked) -> ResearchTold:
    """Begin research, or look how far it is."""
    serving = asker.serving
    if asked.question:
        chosen = asked.filters(serving)
        question = Question(text=asked.question, filters=chosen, chunks=serving.settings.answer_chunks)
        record = begin(serving, question)
    else:
        record = found(serving, asked.research_id)
    if record.status is AnswerStatus.RUNNING and _WAITING.acquire(blocking=False):
        try:
            end = time.monotonic() + asked.wait_seconds
            while (
                record.status is AnswerStatus.RUNNING and time.monotonic() < end and not serving.researching.is_closed
            ):
                time.sleep(_LOOK_SECONDS)
                record = found(serving, record.answer_id)
        finally:
            _WAITING.release()
    progress = serving.researching.progress(record)
    titles = {one.id: one.title for one in progress.questions}
    report = markdown_of(Report.from_json(record.body), root=asker.root) if record.body else ""
    if len(report) > _LONGEST_REPORT:
        report = f"{report[:_LONGEST_REPORT]}\n\n[The report is longer: read it at its address.]\n"
    return ResearchTold(
        research_id=record.answer_id,
        status=record.status,
        url=f"{asker.root}/research/{record.answer_id}",
        done=[f"{titles.get(step.question, '')}: {', '.join(step.queries)}" for step in progress.looked[-_DONE_SHOWN:]],
        report=report,
    )
