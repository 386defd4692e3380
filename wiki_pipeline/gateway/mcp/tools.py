"""The tools that agents call. `search` and `fetch` keep to the contract of ChatGPT's connectors and deep research: one
text in, results with `id`, `title` and `url` out; what is said beyond that does them no harm.

A tool is a function from who asks and its arguments to its answer, both Pydantic models, whose schemas and descriptions
are what agents get to see. It is called in a thread and may block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from wiki_pipeline.answers.answer import Outcome
from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.retrieve import MAX_QUESTION, Question
from wiki_pipeline.catalog import SourceRecord
from wiki_pipeline.freshness import Reason, StaleDocument
from wiki_pipeline.gateway.api.ask import found_conversation
from wiki_pipeline.gateway.mcp.addresses import PageAddress, short
from wiki_pipeline.gateway.mcp.reading import Asker, Reading, read
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
_SOURCES = 200
_STALE_SHOWN = 20

Arguments = TypeVar("Arguments", bound=BaseModel)
Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Tool(Generic[Arguments, Answer]):
    """A tool. All of them only read.

    Attributes:
        description: for the agent that decides whether to call it.
        run: raises a `WikiPipelineError` where the agent should know why there is no answer.
    """

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    answer: type[Answer]
    run: Callable[[Asker, Arguments], Answer]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


# --- search and fetch --------------------------------------------------------------------------------------------


class Query(_Asked):
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


class Id(_Asked):
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
            modified=_iso(page.modified_at),
            labels=list(page.labels),
            path=page.path,
            original=page.url,
            freshness=freshness.currency,
            behind=freshness.message,
            synced=_iso(freshness.synced_at),
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


class _Restricted(_Asked):
    """Which documents are looked at."""

    sources: list[str] = Field(
        default_factory=list, max_length=50, description="Only these sources, as list_sources names them."
    )
    labels: list[str] = Field(default_factory=list, max_length=50, description="Only pages with any of these labels.")
    path_prefix: str = Field("", max_length=300, description="Only files below this path, as `docs/`.")
    kinds: list[str] = Field(
        default_factory=list, max_length=50, description="Only `page`, `file`, `code`, `prose`, or a kind of source."
    )
    authors: list[str] = Field(
        default_factory=list, max_length=50, description="Only pages last changed by any of these; part of a name does."
    )
    languages: list[str] = Field(
        default_factory=list, max_length=50, description="Only texts in any of these languages, as `de`."
    )
    modified_from: datetime | None = Field(None, description="Only pages changed at this time or later.")
    modified_before: datetime | None = Field(None, description="Only pages changed before this time.")

    def filters(self, asker: Asker) -> Filters:
        """As a search takes them."""
        return Filters(
            sources=tuple(asker.serving.source_named(name).key for name in self.sources),
            kinds=tuple(self.kinds),
            labels=tuple(self.labels),
            authors=tuple(self.authors),
            languages=tuple(self.languages),
            path_prefix=self.path_prefix,
            modified_from=self.modified_from,
            modified_before=self.modified_before,
        )


class PassageQuery(_Restricted):
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
    hits = asker.serving.search(asked.query, k=asked.limit, mode=asked.mode, filters=asked.filters(asker))
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
            text=hit.text if len(hit.text) <= _PASSAGE else hit.text[:_PASSAGE] + " …",
            score=round(hit.score, 6),
            stale=stale.detail if stale else None,
        )
        for hit, place, stale in _placed(asker, hits)
    ]
    return Passages(passages=passages)


# --- answers -----------------------------------------------------------------------------------------------------


class Asking(_Restricted):
    """A question."""

    question: str = Field(min_length=1, max_length=MAX_QUESTION, description="In any language.")
    conversation_id: str = Field(
        "", max_length=100, description="Of an earlier answer that this question follows up; empty for a new one."
    )


class Reference(BaseModel):
    """What an answer stands on."""

    id: str = Field(description="As the answer's text marks it, `c3`.")
    page: str = Field(description="For `fetch`.")
    title: str
    url: str = Field(description="Where people read it: cite this.")
    source: str
    headings: list[str]
    lines: tuple[int, int] | None
    version: str
    author: str
    modified: str | None
    text: str = Field(description="The passage.")
    stale: str | None = Field(description="How the page is behind what is upstream; null if it is not.")


class Replied(BaseModel):
    """An answer with what it stands on."""

    conversation_id: str = Field(description="For a question that follows up.")
    outcome: Outcome = Field(description="`answered`; `nothing`: what is here does not answer it.")
    text: str = Field(description="The answer with markers `[c3]`; quoted passages where no model is set up.")
    doubts: list[str] = Field(description="Sentences that cite nothing, or say what their citations do not hold.")
    notes: list[str] = Field(description="What else should be known of the answer.")
    references: list[Reference]


def ask(asker: Asker, asked: Asking) -> Replied:
    """An answer, as `/v1/ask` gives it; it is kept as the asker's conversation."""
    serving = asker.serving
    question = Question(text=asked.question, filters=asked.filters(asker), chunks=serving.settings.answer_chunks)
    if asked.conversation_id:
        found_conversation(serving, asked.conversation_id)
    record = serving.answering.begin(serving.principal, question, asked.conversation_id)
    answer = serving.answering.run(record, serving.principal.scope)
    doubtful = [one for one in answer.sentences if one.missing or not one.citations]
    quoted = "\n\n".join(f"{passage.text} [{passage.citation}]" for passage in answer.passages)
    return Replied(
        conversation_id=record.conversation_id,
        outcome=answer.outcome,
        text=answer.text or quoted,
        doubts=[answer.text[one.begin : one.end].strip() for one in doubtful],
        notes=[note.message for note in answer.notes],
        references=[_reference(asker, citation) for citation in answer.used],
    )


def _reference(asker: Asker, citation: Citation) -> Reference:
    page = PageAddress(SourceKey.parse(citation.source).slug, citation.document_id, short(citation.version))
    return Reference(
        id=citation.id,
        page=str(page),
        title=citation.title or "Untitled",
        url=asker.link(citation.wiki_url, citation.url, page),
        source=citation.source_title,
        headings=list(citation.headings),
        lines=(citation.start_line, citation.end_line) if citation.start_line else None,
        version=citation.version,
        author=citation.author,
        modified=citation.modified_at,
        text=citation.text if len(citation.text) <= _PASSAGE else citation.text[:_PASSAGE] + " …",
        stale=citation.stale.detail if citation.stale else None,
    )


# --- sources and their freshness ---------------------------------------------------------------------------------


class Nothing(_Asked):
    """No arguments."""


class Source(BaseModel):
    """A Confluence space or a Git repository."""

    name: str = Field(description="By which other tools know it.")
    kind: str = Field(description="confluence, git, ...")
    title: str
    url: str = Field(description="Where people read it.")
    original: str = Field(description="Where it is upstream; empty if people can't open it there.")
    pages: int
    freshness: Currency
    synced: str | None = Field(description="When the last sync that completed ended, ISO 8601.")
    stale: int = Field(description="Pages behind what is upstream.")


class Sources(BaseModel):
    """The sources that may be read."""

    sources: list[Source]
    left_out: int = Field(description="How many more there are.")


def list_sources(asker: Asker, _: Nothing) -> Sources:
    """All sources, as far as an answer should go."""
    records = asker.serving.reader.sources()
    return Sources(sources=[_source(asker, record) for record in records[:_SOURCES]], left_out=len(records[_SOURCES:]))


def _source(asker: Asker, record: SourceRecord) -> Source:
    card = asker.serving.reader.card(record)
    return Source(
        name=record.key.slug,
        kind=card.kind,
        title=card.title,
        url=asker.root + card.home if asker.root else card.url,
        original=card.url,
        pages=card.documents,
        freshness=card.freshness.currency,
        synced=_iso(card.freshness.synced_at),
        stale=card.stale,
    )


class Whose(_Asked):
    """Whose freshness."""

    source: str = Field("", max_length=400, description="Only this source, as list_sources names it; empty for all.")
    id: str = Field("", max_length=4_000, description="Only this page, by its id.")


class StalePage(BaseModel):
    """A page that is behind what is upstream."""

    id: str = Field(description="For `fetch`; empty for a source as a whole.")
    title: str
    reason: Reason
    since: str | None = Field(description="Since when that is known, ISO 8601.")
    served_version: str
    upstream_version: str = Field(description="Empty where it was not reported.")
    detail: str


class Standing(BaseModel):
    """How fresh a source is, or one of its pages."""

    source: str
    title: str
    freshness: Currency
    synced: str | None = Field(description="When it was looked at completely and successfully for the last time.")
    syncing: bool
    problem: str = Field(description="Why the last sync failed; empty if it did not.")
    stale: int = Field(description="How many pages are behind.")
    pages: list[StalePage] = Field(description=f"The first {_STALE_SHOWN} of those.")


class Standings(BaseModel):
    """How fresh what is served is."""

    now: str = Field(description="The time of this answer, ISO 8601.")
    sources: list[Standing]
    left_out: int = Field(description="How many more sources there are.")


def freshness(asker: Asker, asked: Whose) -> Standings:
    """What is served behind its source, of all sources, of one, or one page."""
    reader, only = asker.serving.reader, None
    if asked.id:
        found = read(asker, asked.id)
        records, only = [found.record], found.page.document_id
    else:
        records = [asker.serving.source_named(asked.source)] if asked.source else reader.sources()
    standings = []
    for record in records[:_SOURCES]:
        stands = asker.serving.staleness.of(record)
        stale = [each for each in stands.stale if only in {None, each.document_id}]
        card = reader.card(record, stands)
        fresh = only is not None and not stale and card.freshness.currency is Currency.STALE
        standings.append(
            Standing(
                source=record.key.slug,
                title=card.title,
                freshness=Currency.FRESH if fresh else card.freshness.currency,
                synced=_iso(card.freshness.synced_at),
                syncing=card.freshness.running,
                problem=card.freshness.problem,
                stale=len(stale),
                pages=[_stale_page(record, each) for each in stale[:_STALE_SHOWN]],
            )
        )
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Standings(now=now, sources=standings, left_out=len(records[_SOURCES:]))


def _stale_page(record: SourceRecord, stale: StaleDocument) -> StalePage:
    return StalePage(
        id=str(PageAddress(record.key.slug, stale.document_id)) if stale.document_id else "",
        title=stale.title,
        reason=stale.reason,
        since=_iso(stale.since),
        served_version=stale.served_version,
        upstream_version=stale.upstream_version,
        detail=stale.detail,
    )


# --- what they share ---------------------------------------------------------------------------------------------


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


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")


TOOLS: tuple[Tool[Any, Any], ...] = (
    Tool(
        "search",
        "Search",
        "Search the organisation's documentation: Confluence spaces, Git repositories and what else is kept here. "
        "Gives the pages that fit best, each with an id for `fetch`, its address, and whether it is out of date.",
        Query,
        Results,
        search,
    ),
    Tool(
        "fetch",
        "Read a page",
        "Read a page that `search` found, as Markdown, with its version, author, dates and freshness. A long page "
        "comes in sections: `metadata.continues` is the id of the next one, `metadata.contents` lists them all.",
        Id,
        Page,
        fetch,
    ),
    Tool(
        "search_passages",
        "Search passages",
        "Search for passages rather than pages, with their whole text, heading, lines and version; can be restricted "
        "to sources, labels, paths and dates. For questions that a few passages answer.",
        PassageQuery,
        Passages,
        search_passages,
    ),
    Tool(
        "ask",
        "Ask",
        "Ask a question; the answer is made from the passages that were found, and each of its sentences says on which "
        "it stands. Says so where nothing here answers it. For agents that would rather read themselves: `search`.",
        Asking,
        Replied,
        ask,
    ),
    Tool(
        "list_sources",
        "List sources",
        "List what can be searched: each Confluence space and Git repository, how many pages it has, how fresh it is.",
        Nothing,
        Sources,
        list_sources,
    ),
    Tool(
        "freshness",
        "Show freshness",
        "Tell whether what is served here is up to date: of all sources, of one, or of one page; which pages are "
        "behind what is upstream, since when, and why. Ask before relying on a page for something that matters.",
        Whose,
        Standings,
        freshness,
    ),
)
"""All tools in the order in which agents see them. A new one is added here, and nowhere else."""
