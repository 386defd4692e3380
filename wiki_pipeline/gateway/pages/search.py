"""`/search`: the search page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import HTMLResponse

from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.freshness import StaleDocument
from wiki_pipeline.gateway.errors import status_of
from wiki_pipeline.gateway.languages import language_wanted
from wiki_pipeline.gateway.pages import restricting
from wiki_pipeline.gateway.services import Services, Serving
from wiki_pipeline.gateway.wiki_reader import Place
from wiki_pipeline.store import Filters, Found, Hit
from wiki_pipeline.store.search import MAX_QUERY, Mode
from wiki_pipeline.wiki import site
from wiki_pipeline.wiki.snippet import pieces_of
from wiki_pipeline.wiki.views import Chunk, Result, SearchView

MODES = {"hybrid": "Meaning and words", "vector": "Meaning", "text": "Words"}
_CHUNKS = 40
_CHUNKS_OF_A_DOCUMENT = 3
_NEAREST = 5

router = APIRouter(tags=["wiki"])


@router.get(
    "/search",
    summary="Show the search page",
    response_class=HTMLResponse,
    responses={404: {"content": {"text/html": {}}, "description": "There is no such source."}},
)
def search_page(  # noqa: PLR0913, PLR0917 - the fields of its form
    serving: Serving,
    q: Annotated[str, Query(max_length=MAX_QUERY, description="A question or some words.")] = "",
    source: Annotated[str, Query(max_length=400, description="Only this source; empty for all.")] = "",
    kind: Annotated[str, Query(max_length=400, description="Only `page`, `file`, `code` or `prose`.")] = "",
    label: Annotated[str, Query(max_length=400, description="Only pages with it; several with commas.")] = "",
    author: Annotated[str, Query(max_length=400, description="Only what this person changed last.")] = "",
    path: Annotated[str, Query(max_length=400, description="Only files below this path.")] = "",
    language: Annotated[str, Query(max_length=400, description="Only texts in this language, as `de`.")] = "",
    facet: Annotated[str, Query(max_length=400, description="Only issues of which it holds, as `status=Done`.")] = "",
    since: Annotated[str, Query(max_length=400, description="Only what changed on this day or later.")] = "",
    mode: Annotated[Mode, Query(description="By meaning and words, by meaning, or by words.")] = "hybrid",
    accept_language: Annotated[str, Header(max_length=1_000, description="Which language is preferred.")] = "",
) -> HTMLResponse:
    """Documents found with their best chunks."""
    records = serving.reader.sources()
    titles = {record.key.slug: record.title or record.key.name for record in records}
    results: Sequence[Result] = ()
    found = Found()
    problem, status = "", HTTPStatus.OK
    chosen = restricting.restriction(
        {
            "source": source,
            "kind": kind,
            "label": label,
            "author": author,
            "path": path,
            "language": language,
            "facet": facet,
            "since": since,
        }
    )
    if q.strip():
        try:
            found = _found(serving, q, mode, restricting.filters(serving, chosen), language_wanted(accept_language))
            results = _results(
                serving, found.hits, found.did_you_mean or q, {str(r.key): titles[r.key.slug] for r in records}
            )
        except WikiPipelineError as error:
            problem, status = str(error), status_of(error)
    view = SearchView(
        query=q,
        chosen=chosen,
        mode=mode,
        sources=titles,
        modes=MODES,
        results=results,
        problem=problem,
        did_you_mean=found.did_you_mean,
        unknown=found.unknown,
        nearest_only=found.nearest_only,
    )
    return HTMLResponse(site.html(view), status)


def _found(serving: Services, query: str, mode: Mode, filters: Filters, language: str) -> Found:
    found = serving.find(
        query, k=_CHUNKS, mode=mode, filters=filters, per_document=_CHUNKS_OF_A_DOCUMENT, language=language
    )
    # What is merely nearest in meaning is a hint, no list.
    return replace(found, hits=found.hits[:_NEAREST]) if found.nearest_only else found


def _results(serving: Services, hits: Sequence[Hit], query: str, titles: Mapping[str, str]) -> list[Result]:
    found: dict[tuple[str, str], list[tuple[Hit, Place]]] = {}
    for hit, place in zip(hits, serving.reader.places(hits), strict=True):
        found.setdefault((hit.source, hit.document_id), []).append((hit, place))
    firsts = [chunks[0][0] for chunks in found.values()]
    stale = serving.reader.stale(firsts)
    return [_result(chunks, query, titles, behind) for chunks, behind in zip(found.values(), stale, strict=True)]


def _result(
    chunks: Sequence[tuple[Hit, Place]], query: str, titles: Mapping[str, str], stale: StaleDocument | None
) -> Result:
    hit, place = chunks[0]
    return Result(
        title=hit.title,
        href=place.page,
        source_title=titles.get(hit.source, hit.source),
        path=hit.path,
        modified_at=None if hit.last_modified is None else datetime.fromtimestamp(hit.last_modified, UTC),
        chunks=[_excerpt(*chunk, query) for chunk in chunks],
        stale=stale.detail if stale else "",
    )


def _excerpt(hit: Hit, place: Place, query: str) -> Chunk:
    above = [name for name in hit.heading_path if name != hit.title]
    if place.code:
        above.append(f"lines {hit.start_line} to {hit.end_line}")
    return Chunk(
        href=place.page + place.fragment,
        place=above,
        pieces=pieces_of(hit.text, query, code=place.code),
        code=place.code,
    )
