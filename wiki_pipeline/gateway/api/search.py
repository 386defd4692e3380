"""`GET /v1/search`: chunks by meaning, by words, or both."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from wiki_pipeline.freshness import Reason, StaleDocument
from wiki_pipeline.gateway.api.restrictions import FACET, FACETS
from wiki_pipeline.gateway.errors import ErrorAnswer
from wiki_pipeline.gateway.languages import language_wanted
from wiki_pipeline.gateway.services import Serving
from wiki_pipeline.gateway.wiki_reader import Place
from wiki_pipeline.store import Filters, Hit
from wiki_pipeline.store.search import MAX_HITS, MAX_QUERY, Mode

_MAX_VALUES = 50
_MAX_VALUE = 300

router = APIRouter(prefix="/v1", tags=["search"])

_EXAMPLE_HIT: dict[str, JsonValue] = {
    "score": 0.0325,
    "tenant": "default",
    "source": "default:confluence:ENG",
    "source_type": "confluence",
    "document_id": "98487",
    "page_id": "98487",
    "version": "7",
    "title": "On-call guide",
    "url": "https://yourcompany.atlassian.net/wiki/spaces/ENG/pages/98487/On-call+guide",
    "wiki_url": "/wiki/confluence-ENG/98487/on-call-guide#who-is-called-first",
    "space_key": "ENG",
    "space_name": "Engineering",
    "path": "",
    "heading_path": ["Paging", "Who is called first"],
    "start_line": 12,
    "end_line": 18,
    "author": "Ana Ruiz",
    "created_date": 1714550400,
    "last_modified": 1762300800,
    "last_modified_iso": "2025-11-05T00:00:00+00:00",
    "chunk_id": "5f0c1d2e3a4b5c6d7e8f901234567890",
    "chunk_index": 3,
    "total_chunks": 9,
    "text": "The first person called is the one on duty for the station's region.",
    "search_text": "Engineering > On-call guide > Paging > Who is called first\nThe first person called ...",
    "embedding_model": "wordllama",
    "labels": ["on-call"],
    "facets": [],
    "media_type": "application/vnd.confluence.storage",
    "stale": {
        "reason": "upstream_newer",
        "since": "2026-11-30T09:00:00Z",
        "upstream_version": "8",
        "served_version": "7",
        "detail": "page_updated (webhook) was not applied yet.",
    },
}


class HitStaleness(BaseModel):
    """That the document of a hit is served behind its source."""

    model_config = ConfigDict(from_attributes=True)

    reason: Reason
    since: datetime | None = Field(description="Since when it is known to be behind.")
    upstream_version: str = Field(description="Empty where it was not reported.", examples=["8"])
    served_version: str = Field(description="Empty if nothing is served.", examples=["7"])
    detail: str = Field(examples=["page_updated (webhook) was not applied yet."])


class SearchHit(BaseModel):
    """A chunk found, with all that it takes to cite it."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_EXAMPLE_HIT]})

    score: float = Field(description="Higher is better; comparable within one answer only.")
    tenant: str
    source: str = Field(description="`tenant:kind:name`.")
    source_type: str = Field(description="The source's kind: `confluence`, `git`, ...")
    document_id: str
    page_id: str | None = Field(description="The document id of a Confluence page.")
    version: str = Field(description="The page's version, or the commit that last changed the file.")
    title: str
    url: str = Field(description="Where to read it upstream, pinned to the commit for files.")
    wiki_url: str = Field(description="Where to read it here: below its heading, or at its lines.")
    space_key: str
    space_name: str
    path: str = Field(description="Path in the repository; empty for pages.")
    heading_path: list[str] = Field(description="Headings above the chunk, outermost first; scopes and symbol in code.")
    start_line: int = Field(description="First line, from 1, of the file or of the page's Markdown.")
    end_line: int
    author: str
    created_date: int | None = Field(description="Unix seconds.")
    last_modified: int | None = Field(description="Unix seconds.")
    last_modified_iso: str | None
    chunk_id: str = Field(description="Stays as long as the chunk does, also when it moves.")
    chunk_index: int
    total_chunks: int
    text: str = Field(description="The chunk.")
    search_text: str = Field(description="What was searched: place, text, identifiers split into words.")
    embedding_model: str
    labels: list[str]
    facets: list[str] = Field(description="What the source says of it: `status=Done`, `assignee=...`; of issues.")
    media_type: str
    stale: HitStaleness | None = Field(description="How the document is behind its source; null if it is not.")


class SearchAnswer(BaseModel):
    """Chunks found, best first."""

    query: str = Field(examples=["who is called first at night"])
    mode: Mode = Field(examples=["hybrid"])
    did_you_mean: str = Field(
        "",
        description="The query as it was searched, where words that no document holds were read as others.",
        examples=["who is called first"],
    )
    unknown: list[str] = Field(default=[], description="Words that no document holds, nor anything like them.")
    nearest_only: bool = Field(
        False, description="No chunk shares a word with the query: nothing was found, the hits are nearest in meaning."
    )
    reranked: bool = Field(False, description="The order is that of the reranking endpoint.")
    hits: list[SearchHit]


@router.get(
    "/search",
    summary="Search chunks",
    responses={
        404: {"model": ErrorAnswer, "description": "A source that there is none of."},
        422: {"model": ErrorAnswer, "description": "A query or filter that can't be understood."},
        503: {"model": ErrorAnswer, "description": "Tables or embedding model out of reach."},
    },
)
def find(  # noqa: PLR0913, PLR0917 - the query parameters, each by its name
    serving: Serving,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=MAX_QUERY,
            description='A question or some words. `"in quotes"`: words next to each other; `-word`: without it; '
            "`title:`, `label:`, `path:`, `author:`, `kind:`, `lang:`, `after:`, `before:`, and of issues `is:`, "
            "`status:`, `assignee:`, `type:`, `project:`: what must hold of the document. All else is words.",
            examples=["who is called first at night"],
        ),
    ],
    k: Annotated[int, Query(ge=1, le=MAX_HITS, description="How many chunks at most.")] = 10,
    mode: Annotated[Mode, Query(description="By meaning and words, by meaning, or by words.")] = "hybrid",
    source: Annotated[
        list[str] | None,
        Query(
            max_length=_MAX_VALUES,
            description="Only these sources: datasource id, `tenant:kind:name`, or name in addresses. May be repeated.",
        ),
    ] = None,
    label: Annotated[
        list[Annotated[str, Field(max_length=_MAX_VALUE)]] | None,
        Query(max_length=_MAX_VALUES, description="Only documents with any of these labels. May be repeated."),
    ] = None,
    kind: Annotated[
        list[Annotated[str, Field(max_length=_MAX_VALUE)]] | None,
        Query(
            max_length=_MAX_VALUES,
            description="Only `page`, `file`, `code`, `prose`, or a kind of source. May be repeated.",
        ),
    ] = None,
    facet: Annotated[
        list[Annotated[str, Field(max_length=_MAX_VALUE, pattern=FACET)]] | None,
        Query(max_length=_MAX_VALUES, description=f"{FACETS} May be repeated: any value of one name, all names."),
    ] = None,
    author: Annotated[
        list[Annotated[str, Field(max_length=_MAX_VALUE)]] | None,
        Query(
            max_length=_MAX_VALUES,
            description="Only documents last changed by any of these people; part of a name will do. May be repeated.",
        ),
    ] = None,
    language: Annotated[
        list[Annotated[str, Field(max_length=_MAX_VALUE)]] | None,
        Query(max_length=_MAX_VALUES, description="Only texts in any of these languages, as `de`. May be repeated."),
    ] = None,
    path_prefix: Annotated[
        str, Query(max_length=_MAX_VALUE, description="Only files below this path, as `docs/`.")
    ] = "",
    modified_from: Annotated[
        datetime | None, Query(description="Only documents changed at this time or later.")
    ] = None,
    modified_before: Annotated[datetime | None, Query(description="Only documents changed before this time.")] = None,
    per_document: Annotated[
        int | None, Query(ge=1, le=MAX_HITS, description="At most so many chunks of one document; none: all.")
    ] = None,
    accept_language: Annotated[
        str, Header(max_length=1_000, description="Preferred where a query does not tell its language.")
    ] = "",
) -> SearchAnswer:
    """Ranked over everything the tenant has; filters apply before ranking."""
    filters = Filters(
        sources=tuple(serving.source_named(name).key for name in source or ()),
        kinds=tuple(kind or ()),
        labels=tuple(label or ()),
        facets=tuple(facet or ()),
        authors=tuple(author or ()),
        languages=tuple(language or ()),
        path_prefix=path_prefix,
        modified_from=modified_from,
        modified_before=modified_before,
    )
    found = serving.find(
        q, k=k, mode=mode, filters=filters, per_document=per_document, language=language_wanted(accept_language)
    )
    answered = zip(found.hits, serving.reader.places(found.hits), serving.reader.stale(found.hits), strict=True)
    return SearchAnswer(
        query=q,
        mode=mode,
        did_you_mean=found.did_you_mean,
        unknown=list(found.unknown),
        nearest_only=found.nearest_only,
        reranked=found.reranked,
        hits=[_answered(*each) for each in answered],
    )


def _answered(hit: Hit, place: Place, stale: StaleDocument | None) -> SearchHit:
    facts = {name: getattr(hit, name) for name in SearchHit.model_fields if name not in {"wiki_url", "stale"}}
    behind = HitStaleness.model_validate(stale) if stale else None
    return SearchHit(**facts, wiki_url=place.page + place.fragment, stale=behind)
