"""Search and reading as tools. `search` and `fetch` keep to the contract of ChatGPT's connectors and deep research: one
text in, results with `id`, `title` and `url` out; what is said beyond that does them no harm.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from wiki_pipeline.freshness import StaleDocument
from wiki_pipeline.gateway.api.restrictions import Restricted
from wiki_pipeline.gateway.mcp.addresses import PageAddress, short
from wiki_pipeline.gateway.mcp.reading import Asked, Asker, Reading, iso, read
from wiki_pipeline.gateway.wiki_reader import Place
from wiki_pipeline.model import SourceKey
from wiki_pipeline.store import Filters, Hit
from wiki_pipeline.store.search import MAX_QUERY, Mode
from wiki_pipeline.wiki.snippet import pieces_of
from wiki_pipeline.wiki.views import Currency

_DOCUMENTS = 10
_CHUNKS = 40  # looked through for so many documents
_MOST_PASSAGES = 20
_PASSAGE = 4_000  # characters
_LONG = 8  # a page of more chunks has probably more than one section
_SECTIONS_NAMED = 100


# --- search and fetch --------------------------------------------------------------------------------------------


class Query(Asked):
    """What to search for."""

    query: str = Field(min_length=1, max_length=MAX_QUERY, description="A question or some words, in any language.")


class Found(BaseModel):
    """A page found."""

    id: str = Field(description="For `fetch`.")
    title: str
    url: str = Field(description="Where people read it: cite this.")
    text: str = Field(description="The passage that fits best, in short.")
    source: str = Field(description="Title of the source that it is in.")
    modified: str | None = Field(description="When it was changed last, ISO 8601.")
    stale: str | None = Field(description="How it is behind what is upstream; null if it is not.")


class Results(BaseModel):
    """Pages found, best first."""

    results: list[Found]


def search(asker: Asker, asked: Query) -> Results:
    """The pages whose chunks fit best."""
    hits = asker.serving.search(asked.query, k=_CHUNKS, mode="hybrid", filters=Filters(), per_document=1)[:_DOCUMENTS]
    titles = _titles(asker)
    results = [
        Found(
            id=str(_address(hit)),
            title=hit.title or "Untitled",
            url=_url(asker, hit, place),
            text="".join(piece.text for piece in pieces_of(hit.text, asked.query, code=place.code)),
            source=titles.get(hit.source, hit.source),
            modified=hit.last_modified_iso,
            stale=stale.detail if stale else None,
        )
        for hit, place, stale in _placed(asker, hits)
    ]
    return Results(results=results)


class Id(Asked):
    """Which page."""

    id: str = Field(
        min_length=1,
        max_length=4_000,
        description="As search gave it: `wiki://SOURCE/PAGE`, or with `?section=2` the second section of a long page. "
        "The page's address in the wiki will do as well.",
    )


class SectionName(BaseModel):
    """A section of a long page."""

    id: str = Field(description="For `fetch`.")
    title: str = Field(description="Its first heading; empty if it has none.")


class PageFacts(BaseModel):
    """What a page is, and how fresh."""

    source: str = Field(description="Title of the source that it is in.")
    version: str = Field(description="The page's version, or the commit that last changed the file.")
    author: str = Field(description="Who changed it last; empty if that is not known.")
    modified: str | None = Field(description="When it was changed last, ISO 8601.")
    labels: list[str]
    path: str = Field(description="Path in the repository; empty for pages.")
    original: str = Field(description="Where it is upstream.")
    freshness: Currency = Field(description="`fresh`; `stale`: it is behind what is upstream; `failed`.")
    behind: str = Field(description="What it is behind by, or what went wrong; empty if nothing.")
    synced: str | None = Field(description="When its source was looked at last, ISO 8601.")
    section: int = Field(description="Which of its sections the text is, from 1.")
    sections: int = Field(description="How many it has.")
    continues: str | None = Field(description="Id of the next section; null if there is none.")
    contents: list[SectionName] = Field(description="Its sections, if it has several.")
    note: str = Field(description="What else should be known; usually empty.")


class Page(BaseModel):
    """A page, or a section of a long one."""

    id: str
    title: str
    text: str = Field(description="Markdown; of a file of source code, the code.")
    url: str = Field(description="Where people read it: cite this.")
    metadata: PageFacts


def fetch(asker: Asker, asked: Id) -> Page:
    """A page by its id."""
    found = read(asker, asked.id)
    page, freshness = found.page, found.freshness
    return Page(
        id=str(found.address),
        title=page.title or "Untitled",
        text=found.text,
        url=found.url,
        metadata=PageFacts(
            source=found.record.title or found.record.key.name,
            version=page.version,
            author=page.author,
            modified=iso(page.modified_at),
            labels=list(page.labels),
            path=page.path,
            original=page.url,
            freshness=freshness.currency,
            behind=freshness.message,
            synced=iso(freshness.synced_at),
            section=found.number,
            sections=len(found.sections),
            continues=str(found.at(found.number + 1)) if found.number < len(found.sections) else None,
            contents=_contents(found),
            note="This is another version than the one that was asked for, which is not kept." if found.changed else "",
        ),
    )


def _contents(found: Reading) -> list[SectionName]:
    if len(found.sections) == 1:
        return []
    named = enumerate(found.sections[:_SECTIONS_NAMED], 1)
    return [SectionName(id=str(found.at(number)), title=section.title) for number, section in named]


# --- passages ----------------------------------------------------------------------------------------------------


class PassageQuery(Restricted):
    """What to search for, and where."""

    query: str = Field(min_length=1, max_length=MAX_QUERY, description="A question or some words, in any language.")
    limit: int = Field(8, ge=1, le=_MOST_PASSAGES, description="How many passages at most.")
    mode: Mode = Field("hybrid", description="By meaning and words, by meaning (`vector`), or by words (`text`).")


class Passage(BaseModel):
    """A passage found, with all that it takes to cite it."""

    id: str = Field(description="For `fetch`: the page, or the section of it that holds the passage.")
    title: str = Field(description="The page's.")
    url: str = Field(description="Where people read the passage: cite this.")
    source: str = Field(description="Title of the source.")
    place: list[str] = Field(description="Headings above it, outermost first; scopes and symbol in code.")
    lines: tuple[int, int] | None = Field(description="First and last line in the page's text or the file.")
    version: str
    author: str
    modified: str | None
    text: str = Field(description="Markdown, or code.")
    score: float = Field(description="Higher is better; comparable within one answer only.")
    stale: str | None = Field(description="How the page is behind what is upstream; null if it is not.")


class Passages(BaseModel):
    """Passages found, best first."""

    passages: list[Passage]


def search_passages(asker: Asker, asked: PassageQuery) -> Passages:
    """The chunks that fit best."""
    filters = asked.filters(asker.serving)
    hits = asker.serving.search(asked.query, k=asked.limit, mode=asked.mode, filters=filters)
    titles = _titles(asker)
    passages = [
        Passage(
            id=str(_address(hit)),
            title=hit.title or "Untitled",
            url=_url(asker, hit, place),
            source=titles.get(hit.source, hit.source),
            place=list(hit.heading_path),
            lines=(hit.start_line, hit.end_line) if hit.start_line else None,
            version=hit.version,
            author=hit.author,
            modified=hit.last_modified_iso,
            text=shortened(hit.text),
            score=round(hit.score, 6),
            stale=stale.detail if stale else None,
        )
        for hit, place, stale in _placed(asker, hits)
    ]
    return Passages(passages=passages)


# --- what they share ---------------------------------------------------------------------------------------------


def shortened(text: str) -> str:
    """A passage, cut where it is too long for an answer."""
    return text if len(text) <= _PASSAGE else text[:_PASSAGE] + " …"


def _placed(asker: Asker, hits: Sequence[Hit]) -> Sequence[tuple[Hit, Place, StaleDocument | None]]:
    reader = asker.serving.reader
    return list(zip(hits, reader.places(hits), reader.stale(hits), strict=True))


def _titles(asker: Asker) -> dict[str, str]:
    return {str(record.key): record.title or record.key.name for record in asker.serving.reader.sources()}


def _address(hit: Hit) -> PageAddress:
    line = hit.start_line if hit.total_chunks > _LONG and hit.start_line > 1 else 0
    return PageAddress(SourceKey.parse(hit.source).slug, hit.document_id, short(hit.version), line=line)


def _url(asker: Asker, hit: Hit, place: Place) -> str:
    return asker.link(place.page + place.fragment, hit.url, _address(hit))
