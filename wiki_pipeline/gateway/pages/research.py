"""`/research`: the page where a question is looked into. It works without JavaScript; with it, the trace grows while
people watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import quote

import anyio.to_thread
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from wiki_pipeline.answers.answer import Outcome, Sentence
from wiki_pipeline.answers.cite import Citation, by_id
from wiki_pipeline.answers.research.progress import Progress
from wiki_pipeline.answers.research.report import Report, Section, SourceRow, looked_from_json, question_from_json
from wiki_pipeline.answers.retrieve import MAX_QUESTION, Question
from wiki_pipeline.catalog import AnswerRecord, AnswerStatus, StreamEvent
from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.gateway.api.research import begin, found
from wiki_pipeline.gateway.api.research import forget as forget_research
from wiki_pipeline.gateway.errors import headers_of, status_of
from wiki_pipeline.gateway.form_fields import form_of
from wiki_pipeline.gateway.pages.ask import GRAVE, body_of, looked_in_of, passage_of, took_of
from wiki_pipeline.gateway.services import Services, Serving
from wiki_pipeline.store import Filters
from wiki_pipeline.wiki import site
from wiki_pipeline.wiki.ask_views import QuotedPassage, Remark
from wiki_pipeline.wiki.research_views import (
    CitedPlace,
    ClaimView,
    ContradictionView,
    EarlierResearch,
    PassageGroup,
    ResearchShown,
    ResearchView,
    SectionView,
    SourceLine,
    TraceEntry,
    TraceItem,
)

_EARLIER = 20
_SOURCE = "wiki:source-"
_REMARKED = GRAVE | {"steps_used", "time_used", "cancelled", "unreadable"}
_VERDICTS = {
    Outcome.NOTHING: "Nothing here answers this.",
    Outcome.CANCELLED: "Stopped before it was complete.",
    Outcome.FAILED: "This could not be looked into.",
}

router = APIRouter(tags=["wiki"])

ResearchId = Annotated[str, Path(max_length=100, description="Of the research.")]
_NOT_THERE: dict[int | str, dict[str, Any]] = {
    404: {"content": {"text/html": {}}, "description": "The asker has no such research."}
}


@router.get("/research", summary="Show the research page", response_class=HTMLResponse)
def research_page(
    serving: Serving,
    q: Annotated[str, Query(max_length=MAX_QUESTION, description="What the box holds; nothing is begun yet.")] = "",
    source: Annotated[str, Query(max_length=400, description="The source to look in; empty for all.")] = "",
) -> HTMLResponse:
    """Where a new one is begun, with those before."""
    return HTMLResponse(site.html(_view(serving, question=q, source=source)))


@router.post(
    "/research", summary="Begin research on the page", response_class=HTMLResponse, responses=_NOT_THERE | {303: {}}
)
async def begin_research(request: Request, serving: Serving) -> Response:
    """Takes the page's form and leads to the research."""
    asked = form_of(await request.body())
    return await anyio.to_thread.run_sync(_begun, serving, asked)


@router.get("/research/{research_id}", summary="Show research", response_class=HTMLResponse, responses=_NOT_THERE)
def one_research(serving: Serving, research_id: ResearchId) -> HTMLResponse:
    """Its trace so far, and its report once that is there."""
    return HTMLResponse(site.html(_view(serving, found(serving, research_id))))


@router.post("/research/{research_id}/stop", include_in_schema=False)
def stop(serving: Serving, research_id: ResearchId) -> Response:
    record = found(serving, research_id)
    serving.researching.cancel(record.answer_id)
    return RedirectResponse(f"/research/{quote(record.answer_id)}", HTTPStatus.SEE_OTHER)


@router.post("/research/{research_id}/forget", include_in_schema=False)
def forget(serving: Serving, research_id: ResearchId) -> Response:
    forget_research(serving, found(serving, research_id))
    return RedirectResponse("/research", HTTPStatus.SEE_OTHER)


def _begun(serving: Services, asked: Mapping[str, str]) -> Response:
    text, source = asked.get("q", ""), asked.get("source", "")
    try:
        filters = Filters(sources=(serving.source_named(source).key,) if source else ())
        record = begin(serving, Question(text=text, filters=filters, chunks=serving.settings.answer_chunks))
    except WikiPipelineError as error:
        view = _view(serving, question=text[:MAX_QUESTION], source=source, problem=str(error))
        return HTMLResponse(site.html(view), status_of(error), headers_of(error))
    return RedirectResponse(f"/research/{quote(record.answer_id)}", HTTPStatus.SEE_OTHER)


def _view(
    serving: Services, record: AnswerRecord | None = None, *, question: str = "", source: str = "", problem: str = ""
) -> ResearchView:
    who = serving.principal
    model = serving.researching.model_of(who.scope)
    before = serving.catalog.answers.of_kind(who.tenant, who.owner, serving.researching.kind, _EARLIER)
    return ResearchView(
        shown=_shown(serving, record) if record else None,
        question=question,
        source=source,
        sources={each.key.slug: each.title or each.key.name for each in serving.reader.sources()},
        earlier=[
            EarlierResearch(
                href=f"/research/{one.answer_id}", question=one.question, status=one.status.value, at=one.created_at
            )
            for one in before
            if record is None or one.answer_id != record.answer_id
        ],
        model=model.name if model else "",
        problem=problem,
    )


def _shown(serving: Services, record: AnswerRecord) -> ResearchShown:
    events = serving.researching.events(record)
    running = record.status is AnswerStatus.RUNNING
    address = f"/research/{record.answer_id}"
    base: dict[str, Any] = {
        "question": record.question,
        "running": running,
        "events": f"/v1{address}/events?after={events[-1].number if events else 0}" if running else "",
        "cancel": f"{address}/stop",
        "forget": f"{address}/forget",
        "download": f"/v1{address}/report.md",
        "asked_at": record.created_at,
        "finished_at": record.finished_at,
        "step": next((event.data["message"] for event in reversed(events) if event.event == "step"), "Waiting"),
        "trace": trace_of(events),
    }
    return ResearchShown(**base, **_of_report(Report.from_json(record.body))) if record.body else ResearchShown(**base)


def _of_report(report: Report) -> dict[str, Any]:
    known = by_id(report.citations)
    sections = [_section(section, number, report, known) for number, section in enumerate(report.sections, 1)]
    summary = _section(report.summary, 0, report, known) if report.summary else None
    every = [*([summary] if summary else []), *sections]
    return {
        "verdict": _VERDICTS.get(report.outcome, ""),
        "written_by": report.model,
        "remarks": [Remark(text=note.message, grave=note.code in _REMARKED) for note in report.notes],
        "summary": summary,
        "sections": sections,
        "contradictions": [
            ContradictionView(
                about=one.about,
                claims=[
                    _claim(claim.says, known[claim.citation], newer=claim.citation == one.newer)
                    for claim in one.claims
                    if claim.citation in known
                ],
            )
            for one in report.contradictions
        ],
        "not_found": report.not_found,
        "lines": [_line(row, known) for row in report.sources],
        "looked_in": [looked_in_of(facts) for facts in report.searched],
        "steps": report.steps,
        "looked_at": report.looked_at,
        "seconds": report.seconds,
        "doubtful": sum(section.doubtful for section in every),
        "uncited": sum(section.uncited for section in every),
        "took": took_of(report.usage),
    }


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    sentences: Sequence[Sentence]
    citations: Sequence[Citation]


def _section(section: Section, number: int, report: Report, known: Mapping[str, Citation]) -> SectionView:
    quoted = [passage for passage in section.passages if passage.citation in known]
    prefix = f"wiki:part-{number}-"
    return SectionView(
        anchor=f"wiki:section-{number}",
        title=section.title,
        body=body_of(_Text(section.text, section.sentences, report.citations), _SOURCE) if section.text else "",
        groups=_groups([passage_of(passage, known[passage.citation], report.terms, prefix) for passage in quoted]),
        doubtful=sum(bool(sentence.missing) for sentence in section.sentences),
        uncited=sum(not sentence.citations for sentence in section.sentences),
    )


def _groups(passages: Sequence[QuotedPassage]) -> list[PassageGroup]:
    """Passages from one place together, rows of one table as one."""
    groups = []
    for _, there in groupby(passages, key=lambda passage: passage.cited.href):
        of_place = list(there)
        rows = groupby(of_place, key=lambda passage: (bool(passage.cells), tuple(passage.header)))
        blocks = [
            part for (is_table, _), each in rows for part in ([list(each)] if is_table else [[one] for one in each])
        ]
        groups.append(PassageGroup(cited=of_place[0].cited, blocks=blocks))
    return groups


def _claim(says: str, citation: Citation, *, newer: bool) -> ClaimView:
    return ClaimView(
        says=says,
        title=citation.title,
        place=citation.place,
        href=citation.wiki_url,
        modified_at=_moment(citation.modified_at),
        newer=newer,
    )


def _line(row: SourceRow, known: Mapping[str, Citation]) -> SourceLine:
    return SourceLine(
        title=row.title,
        href=row.wiki_url,
        original=row.url,
        source_title=row.source_title,
        kind=row.kind,
        version=row.version,
        author=row.author,
        modified_at=_moment(row.modified_at),
        stale=row.stale.detail if row.stale else "",
        places=[
            CitedPlace(number=int(name[1:]), anchor=_SOURCE + name, place=known[name].place, href=known[name].wiki_url)
            for name in row.citations
            if name in known
        ],
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


# --- the trace ---


def trace_of(events: Sequence[StreamEvent]) -> list[TraceEntry]:
    """What was done, in order; what only tells that something is being done is left out."""
    progress, trace = Progress(), list[TraceEntry]()
    for event in events:
        progress.take(event.event, event.data)
        entry = _entry(event, progress)
        if entry is not None:
            trace.append(entry)
    return trace


def _entry(event: StreamEvent, progress: Progress) -> TraceEntry | None:
    make = {
        "plan": _of_plan,
        "looked": _of_step,
        "gaps": _of_gaps,
        "contradictions": _of_contradictions,
        "section": _of_section,
        "note": _of_note,
        "resumed": _of_resumption,
    }.get(event.event)
    return make(f"wiki:event-{event.number}", event.data, progress) if make else None


def _of_plan(anchor: str, data: Mapping[str, Any], progress: Progress) -> TraceEntry:
    by = f"by {progress.model}" if data["by"] == "model" else f"from {_of(data['pages'], 'page')} found first"
    more = f"{_of(data['left_out'], 'more proposal')} left out, as repetitions or too many." if data["left_out"] else ""
    return TraceEntry(
        anchor=anchor,
        kind="plan",
        title=f"Planned {_of(len(data['questions']), 'sub-question')}, {by}",
        items=[TraceItem(title=one["title"], note=one["why"]) for one in data["questions"]],
        left_out=more,
    )


def _of_step(anchor: str, data: Mapping[str, Any], progress: Progress) -> TraceEntry:
    step = looked_from_json(data["step"])
    new = {one["id"] for one in data["citations"]}
    title = next((one.title for one in progress.questions if one.id == step.question), "")
    cited = [progress.citations[name] for name in step.kept if name in progress.citations]
    pages = len({one.document for one in cited})
    left = []
    if step.seen:
        left.append(f"{_of(step.seen, 'passage')} read before")
    if step.others:
        named = ", ".join(step.others_named)
        left.append(f"{_of(step.others, 'passage')} that fit less well" + (f" ({named} …)" if named else ""))
    return TraceEntry(
        anchor=anchor,
        kind="looked",
        title=title,
        queries=step.queries,
        items=[
            TraceItem(
                title=one.title, href=one.wiki_url, note=one.place, stale=one.stale is not None, new=one.id in new
            )
            for one in cited
        ],
        facts=f"Read {_of(len(cited), 'passage')} of {_of(pages, 'page')}." if cited else "Nothing fits.",
        left_out=f"Left out: {'; '.join(left)}." if left else "",
        found=step.answers,
    )


def _of_gaps(anchor: str, data: Mapping[str, Any], progress: Progress) -> TraceEntry:
    titles = {one.id: one.title for one in progress.questions}
    still = ", ".join(titles[name] for name in data["open"] if name in titles)
    questions = [question_from_json(one) for one in data["questions"]]
    more = f"{_of(data['dropped'], 'proposal')} left out, as repetitions or too many." if data["dropped"] else ""
    return TraceEntry(
        anchor=anchor,
        kind="gaps",
        title="Looked for gaps",
        items=[TraceItem(title=one.title, note=", ".join(one.queries[-2:])) for one in questions],
        facts=f"Still without an answer: {still}." if still else "Every sub-question has an answer.",
        left_out=more,
        found=not still,
    )


def _of_contradictions(anchor: str, data: Mapping[str, Any], _: Progress) -> TraceEntry:
    found_ = data["found"]
    more = f"{_of(data['dropped'], 'claim')} left out that the sources don't hold." if data["dropped"] else ""
    return TraceEntry(
        anchor=anchor,
        kind="contradictions",
        title="Compared the sources",
        items=[TraceItem(title=one["about"]) for one in found_],
        facts=f"{_of(len(found_), 'contradiction')} found." if found_ else "No contradiction was found.",
        left_out=more,
        found=not found_,
    )


def _of_section(anchor: str, data: Mapping[str, Any], _: Progress) -> TraceEntry:
    section = data["section"]
    how = "Written" if section["text"] else "Put together"
    return TraceEntry(anchor=anchor, kind="section", title=f"{how}: {section['title']}")


def _of_note(anchor: str, data: Mapping[str, Any], _: Progress) -> TraceEntry:
    return TraceEntry(anchor=anchor, kind="note", title=data["message"], found=False)


def _of_resumption(anchor: str, _data: Mapping[str, Any], _: Progress) -> TraceEntry:
    return TraceEntry(anchor=anchor, kind="resumed", title="Gone on with after an interruption")


def _of(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
