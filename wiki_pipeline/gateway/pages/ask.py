"""`/ask`: the page where people ask. It works without JavaScript; with it, answers appear while they are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Protocol
from urllib.parse import quote

import anyio.to_thread
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from wiki_pipeline.answers import markers
from wiki_pipeline.answers.answer import Answer, Passage, Sentence
from wiki_pipeline.answers.cite import Citation, by_id
from wiki_pipeline.answers.llm import Usage
from wiki_pipeline.answers.markers import Marker
from wiki_pipeline.answers.retrieve import MAX_QUESTION, Question, Searched
from wiki_pipeline.answers.sentences import Kind
from wiki_pipeline.answers.words import marked
from wiki_pipeline.catalog import AnswerRecord, AnswerStatus
from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.gateway.api.ask import begin, found, found_conversation
from wiki_pipeline.gateway.errors import headers_of, status_of
from wiki_pipeline.gateway.form_fields import form_of
from wiki_pipeline.gateway.pages import restricting
from wiki_pipeline.gateway.services import Services, Serving
from wiki_pipeline.wiki import answer_text, site
from wiki_pipeline.wiki.ask_views import AskView, CitedSource, LookedIn, QuotedPassage, Remark, TurnView
from wiki_pipeline.wiki.snippet import Piece, pieces_of
from wiki_pipeline.wiki.views import Restriction

GRAVE = {"truncated", "broken", "timeout", "prompt_cut", "source_failed", "source_not_synced", "interrupted"}
GRAVE |= {"model_failed", "budget_exceeded", "context_overflow", "internal_error", "only_thoughts", "refused", "busy"}
_EARLIER = 12

router = APIRouter(tags=["wiki"])

ConversationId = Annotated[str, Path(max_length=100, description="Of the conversation.")]


_NOT_THERE: dict[int | str, dict[str, Any]] = {
    404: {"content": {"text/html": {}}, "description": "The asker has no such conversation."}
}


@router.get("/ask", summary="Show the ask page", response_class=HTMLResponse)
def ask_page(
    serving: Serving,
    q: Annotated[str, Query(max_length=MAX_QUESTION, description="What the box holds; nothing is asked yet.")] = "",
    source: Annotated[str, Query(max_length=400, description="The source to ask; empty for all.")] = "",
) -> HTMLResponse:
    """A new conversation."""
    return HTMLResponse(site.html(_view(serving, question=q, chosen=restricting.restriction({"source": source}))))


@router.post("/ask", summary="Ask on the page", response_class=HTMLResponse, responses=_NOT_THERE | {303: {}})
async def ask(request: Request, serving: Serving) -> Response:
    """Takes the page's form and leads to the conversation."""
    asked = form_of(await request.body())
    return await anyio.to_thread.run_sync(_asked, serving, asked)


@router.get("/ask/{conversation_id}", summary="Show a conversation", response_class=HTMLResponse, responses=_NOT_THERE)
def conversation_page(serving: Serving, conversation_id: ConversationId) -> HTMLResponse:
    """Its questions with their answers, as they were given."""
    record, answers = found_conversation(serving, conversation_id)
    view = _view(serving, conversation=record.conversation_id, title=record.title, answers=answers)
    return HTMLResponse(site.html(view))


@router.post("/ask/{conversation_id}/stop/{answer_id}", include_in_schema=False)
def stop(serving: Serving, conversation_id: ConversationId, answer_id: str) -> Response:
    record = found(serving, answer_id)
    serving.answering.cancel(record.answer_id)
    return RedirectResponse(f"/ask/{quote(conversation_id)}#wiki:turn-{record.position}", HTTPStatus.SEE_OTHER)


@router.post("/ask/{conversation_id}/forget", include_in_schema=False)
def forget(serving: Serving, conversation_id: ConversationId) -> Response:
    record, _ = found_conversation(serving, conversation_id)
    serving.catalog.answers.forget(record.tenant, record.owner, record.conversation_id)
    return RedirectResponse("/ask", HTTPStatus.SEE_OTHER)


def _asked(serving: Services, asked: Mapping[str, str]) -> Response:
    text, chosen = asked.get("q", ""), restricting.restriction(asked)
    conversation = asked.get("conversation", "")
    try:
        filters = restricting.filters(serving, chosen)
        question = Question(text=text, filters=filters, chunks=serving.settings.answer_chunks)
        record = begin(serving, question, conversation)
    except WikiPipelineError as error:
        view = _view(serving, question=text[:MAX_QUESTION], chosen=chosen, problem=str(error))
        return HTMLResponse(site.html(view), status_of(error), headers_of(error))
    return RedirectResponse(f"/ask/{quote(record.conversation_id)}#wiki:turn-{record.position}", HTTPStatus.SEE_OTHER)


def _view(
    serving: Services,
    *,
    conversation: str = "",
    title: str = "",
    answers: Sequence[AnswerRecord] = (),
    question: str = "",
    chosen: Restriction | None = None,
    problem: str = "",
) -> AskView:
    who = serving.principal
    model = serving.answering.model_of(who.scope)
    earlier = serving.catalog.answers.conversations(who.tenant, who.owner, _EARLIER)
    return AskView(
        conversation=conversation,
        title=title,
        turns=[_turn(record) for record in answers],
        question=question,
        chosen=chosen or _chosen(serving, answers),
        sources={record.key.slug: record.title or record.key.name for record in serving.reader.sources()},
        earlier={
            f"/ask/{each.conversation_id}": each.title for each in earlier if each.conversation_id != conversation
        },
        model=model.name if model else "",
        problem=problem,
    )


def _chosen(serving: Services, answers: Sequence[AnswerRecord]) -> Restriction:
    """What the last question was restricted to, for the one that follows."""
    if not answers:
        return Restriction()
    slugs = {str(record.key): record.key.slug for record in serving.reader.sources()}
    return restricting.chosen_before(answers[-1].request.get("filters", {}), slugs)


def _turn(record: AnswerRecord) -> TurnView:
    running = record.status is AnswerStatus.RUNNING
    base = {
        "number": record.position,
        "anchor": f"wiki:turn-{record.position}",
        "question": record.question,
        "running": running,
        "events": f"/v1/answers/{record.answer_id}/events" if running else "",
        "cancel": f"/ask/{record.conversation_id}/stop/{record.answer_id}" if running else "",
        "asked_at": record.created_at,
    }
    if not record.body:
        return TurnView(**base)  # type: ignore[arg-type]
    answer = Answer.from_json(record.body)
    prefix = f"wiki:source-{record.position}-"
    known = by_id(answer.citations)
    quoted = [passage for passage in answer.passages if passage.citation in known]
    return TurnView(
        **base,  # type: ignore[arg-type]
        outcome=answer.outcome.value,
        method=answer.method.value,
        body=body_of(answer, prefix) if answer.text else "",
        written_by=answer.model,
        passages=[passage_of(passage, known[passage.citation], answer.terms, prefix) for passage in quoted],
        cited=[cited_of(one, prefix, answer.question) for one in answer.used] if answer.text else (),
        remarks=[Remark(text=note.message, grave=note.code in GRAVE) for note in answer.notes],
        looked_in=[looked_in_of(facts) for facts in answer.searched],
        looked_at=answer.looked_at,
        pages=len({citation.document for citation in answer.citations}),
        doubtful=sum(bool(sentence.missing) for sentence in answer.sentences),
        uncited=sum(not sentence.citations for sentence in answer.sentences),
        took=took_of(answer.usage),
    )


class Text(Protocol):
    """A text of a model: an answer's, or a section's."""

    @property
    def text(self) -> str:
        """Markdown with markers."""

    @property
    def sentences(self) -> Sequence[Sentence]:
        """Of it, those that say something."""

    @property
    def citations(self) -> Sequence[Citation]:
        """Those that its markers may name."""


def body_of(answer: Text, prefix: str) -> str:
    """A model's text as HTML: its markers as links that the program makes, doubts behind their sentences."""
    known = by_id(answer.citations)
    ends = {sentence.end: sentence for sentence in answer.sentences}
    placed: list[str] = []
    out: list[str] = []
    at = 0
    for token in markers.read(answer_text.without_places(answer.text), known):
        if isinstance(token, Marker):
            for name in token.ids:
                at += len(name) + 2
                out.append(_place(placed, site.citation_mark(int(name[1:]), prefix + name, known[name].title)))
            _doubts(ends, at, at, placed, out, "")
        else:
            _doubts(ends, at, at + len(token), placed, out, token)
            at += len(token)
    return answer_text.to_html("".join(out), placed)


def _doubts(ends: dict[int, Sentence], begin: int, end: int, placed: list[str], out: list[str], text: str) -> None:
    """The text from one place to another, with what is doubtful of the sentences that end in it."""
    cut = begin
    for place in sorted(place for place in ends if begin < place <= end or (begin == end == place)):
        sentence = ends.pop(place)
        mark = _doubt(sentence)
        if text:
            out.append(text[cut - begin : place - begin])
            cut = place
        if mark:
            out.append(_place(placed, mark))
    out.append(text[cut - begin :])


def _doubt(sentence: Sentence) -> str:
    if sentence.missing:
        return site.doubt_mark(sentence.missing)
    return "" if sentence.citations else site.uncited_mark()


def _place(placed: list[str], html: str) -> str:
    placed.append(html)
    return f"{answer_text.BEGIN}{len(placed) - 1}{answer_text.END}"


def passage_of(passage: Passage, citation: Citation, terms: Sequence[str], prefix: str) -> QuotedPassage:
    """A passage as a page shows it."""
    code = passage.kind == Kind.CODE.value
    is_row = passage.kind == Kind.ROW.value
    cells = _cells(passage.text) if is_row else []
    text = passage.text if code else _plain(passage.text)
    return QuotedPassage(
        cited=cited_of(citation, prefix),
        pieces=_pieces(text, terms),
        before=_plain(passage.before),
        after=_plain(passage.after),
        header=_cells(passage.header) if is_row else (),
        cells=[_pieces(_plain(cell), terms) for cell in cells],
        code=code,
    )


def _pieces(text: str, terms: Sequence[str]) -> list[Piece]:
    return [Piece(piece, is_term) for piece, is_term in marked(text, terms)]


def _plain(text: str) -> str:
    """Markdown as people read it, whole."""
    return "".join(piece.text for piece in pieces_of(text, "", most=2_000)) if text else ""


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip().strip("|").replace("\\|", "\u00a6").split("|")]


def cited_of(citation: Citation, prefix: str, question: str = "") -> CitedSource:
    """What is cited as a page shows it."""
    return CitedSource(
        number=int(citation.id[1:]),
        anchor=prefix + citation.id,
        title=citation.title,
        href=citation.wiki_url,
        original=citation.url,
        place=citation.place,
        source_title=citation.source_title,
        kind=citation.kind,
        version=citation.version,
        author=citation.author,
        modified_at=datetime.fromisoformat(citation.modified_at) if citation.modified_at else None,
        stale=citation.stale.detail if citation.stale else "",
        excerpt=pieces_of(citation.text, question, code=citation.code) if question else (),
    )


def looked_in_of(searched: Searched) -> LookedIn:
    """A source that was looked through as a page shows it."""
    return LookedIn(
        title=searched.title,
        href=searched.home,
        condition=searched.condition,
        synced_at=datetime.fromisoformat(searched.synced_at) if searched.synced_at else None,
        stale=searched.stale,
        problem=searched.problem,
    )


def took_of(usage: Usage | None) -> str:
    """What a model took, in words; empty without one."""
    if usage is None:
        return ""
    if usage.cached:
        return "Answered before from the same pages; the model was not asked again."
    about = "about " if usage.estimated else ""
    price = "" if usage.price is None else f", {usage.price:.4f}"
    by = f", by {usage.key}" if usage.key else ""
    return (
        f"The model read {about}{usage.prompt_tokens:,} tokens and wrote {about}{usage.completion_tokens:,}{price}{by}."
    )
