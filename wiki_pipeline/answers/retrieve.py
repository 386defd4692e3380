"""What a question finds: chunks of the sources that the asker may read, with citations, and what was looked through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wiki_pipeline.access import Scope
from wiki_pipeline.access.reading import Reading
from wiki_pipeline.answers.cite import Citation, cite, places_of
from wiki_pipeline.answers.words import telling
from wiki_pipeline.catalog import Catalog, SourceRecord
from wiki_pipeline.errors import SearchError
from wiki_pipeline.freshness import SourceStaleness, StaleDocument, StalenessCache
from wiki_pipeline.links.wiki_addresses import source_address
from wiki_pipeline.store import Filters, Found, Hit, Store, find
from wiki_pipeline.store.query import parsed
from wiki_pipeline.store.search import MAX_HITS, MAX_QUERY
from wiki_pipeline.text.embed import Embedder
from wiki_pipeline.text.normalise import normalise

MAX_QUESTION = MAX_QUERY
_RANKS = 20.0  # of reciprocal rank fusion: small, so that the first places count
_OF_BEFORE = 0.5  # what a ranking counts that the conversation's words had a part in, where the question's own counts 1
_TURNS = 2  # questions before this one whose words are taken along


@dataclass(frozen=True, slots=True)
class Turn:
    """A question that was asked before in the same conversation, and what was answered."""

    question: str
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question.

    Attributes:
        filters: which documents may be looked at.
        history: the conversation before it, in order.
        standalone: the question as it would be asked without the conversation, where that is known.
        spelled: the question as it was searched, where words of it that no document holds were read as others.
        chunks: how many are looked at.
    """

    text: str
    filters: Filters = field(default_factory=Filters)
    history: tuple[Turn, ...] = ()
    standalone: str = ""
    spelled: str = ""
    chunks: int = 40

    def checked(self) -> Question:
        """The question without white space around it.

        Raises:
            SearchError: it is empty, too long, or holds no word.
        """
        text = self.text.strip()
        if not text or not any(character.isalnum() for character in text):
            raise SearchError("There is no question.", "Ask something in words.")
        if len(text) > MAX_QUESTION:
            raise SearchError(f"The question is longer than {MAX_QUESTION} characters.", "Ask it in fewer words.")
        return replace(self, text=text)

    @property
    def words(self) -> str:
        """The question without what restricts it (`label:`, `after:`, `-word`)."""
        return parsed(normalise(self.spelled or self.standalone or self.text)).words

    @property
    def terms(self) -> tuple[str, ...]:
        """The words that say what is asked; of the conversation too, if the question leans on it."""
        return telling(self.words)

    @property
    def terms_before(self) -> tuple[str, ...]:
        """What the last questions before it asked about, without what is asked now."""
        if self.standalone:
            return ()
        earlier = [word for turn in self.history[-_TURNS:] for word in telling(parsed(normalise(turn.question)).words)]
        return tuple(word for word in dict.fromkeys(reversed(earlier)) if word not in self.terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """A source that was looked through, and how far it can be trusted to be complete.

    Attributes:
        condition: `fresh`, `stale`, `failed` or `never`, as its staleness is told.
        synced_at: ISO 8601; None if it never was.
        stale: documents of it that are behind.
        problem: why its last sync failed; empty if it did not.
    """

    source: str
    title: str
    kind: str
    home: str
    condition: str
    synced_at: str | None
    stale: int
    problem: str


class Library:
    """What answers are made from. Safe between threads.

    Args:
        scope: what the asker may read: nothing else is searched, cited or counted.
    """

    def __init__(
        self, catalog: Catalog, store: Store, embedder: Embedder, staleness: StalenessCache, scope: Scope
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._staleness = staleness
        self.embedder = embedder
        self._scope = scope
        self._reading = Reading(catalog)

    @property
    def scope(self) -> Scope:
        """What may be read now: an audience that became smaller while an answer or a report is made holds at once."""
        return self._reading.narrowed(self._scope)

    @property
    def store(self) -> Store:
        """The tenant's tables."""
        return self._store

    def sources(self) -> list[SourceRecord]:
        """The sources that may be read, by kind and name."""
        scope = self.scope
        return [record for record in self._catalog.sources(scope.tenant) if scope.allows(record.key)]

    def find(self, question: Question) -> tuple[Question, list[Hit]]:
        """The best chunks for a question, best first; those that share nothing with it are left out. And the question,
        with the spelling that it was searched in.

        Raises:
            SearchError, EmbeddingError, StoreError: as `store.find`.
        """
        sources = self.scope.narrow(question.filters.sources)
        if sources is None:
            return question, []
        filters = replace(question.filters, sources=sources)
        asked = question.standalone or question.text
        found = self._search(asked, filters, question.chunks)
        rankings = [(1.0, found.hits)]
        if question.standalone and question.standalone != question.text:
            rankings.append((1.0, self._search(question.text, filters, question.chunks).hits))
        elif question.terms_before:
            together = f"{question.text} {' '.join(question.terms_before)}"[:MAX_QUESTION]
            rankings.append((_OF_BEFORE, self._search(together, filters, question.chunks).hits))
        hits = [hit for hit in fused(rankings) if hit.score > 0][: question.chunks]
        return replace(question, spelled=found.did_you_mean), hits

    def _search(self, words: str, filters: Filters, count: int) -> Found:
        # Every chunk of a document may be an answer: spreading over documents is done later, among sentences.
        return find(self._store, self.embedder, words, k=min(count, MAX_HITS), filters=filters)

    def cite(self, hits: Sequence[Hit], first: int = 1) -> list[Citation]:
        """Citations of hits, numbered in their order.

        Raises:
            CatalogError, StoreError: catalog or tables are out of reach.
        """
        records = {str(record.key): record for record in self.sources()}
        hits = [hit for hit in hits if hit.source in records]  # a source may be gone since
        found = {key: self._staleness.glance(records[key]) for key in {hit.source for hit in hits}}
        stale: list[StaleDocument | None] = [found[hit.source].of(hit.document_id) for hit in hits]
        titles = {key: record.title or record.key.name for key, record in records.items()}
        return cite(hits, places_of(self._store, hits), stale, titles, first)

    def searched(self, filters: Filters) -> list[Searched]:
        """The sources that a question with these filters looks through.

        Raises:
            CatalogError, StoreError: catalog or tables are out of reach.
        """
        sources = self.scope.narrow(filters.sources)
        if sources is None:
            return []
        chosen = [record for record in self.sources() if not sources or record.key in sources]
        return [_searched(record, self._staleness.glance(record)) for record in chosen]


def fused(rankings: Iterable[tuple[float, Sequence[Hit]]]) -> list[Hit]:
    """Several rankings as one, by weighted reciprocal ranks; each hit once, with its first score."""
    scores: dict[str, float] = {}
    hits: dict[str, Hit] = {}
    for weight, ranking in rankings:
        for rank, hit in enumerate(ranking):
            scores[hit.chunk_id] = scores.get(hit.chunk_id, 0.0) + weight / (_RANKS + rank)
            hits.setdefault(hit.chunk_id, hit)
    return sorted(hits.values(), key=lambda hit: (-scores[hit.chunk_id], hit.chunk_id))


def titles_of(searched: Iterable[Searched]) -> Mapping[str, str]:
    """Titles of sources by their keys."""
    return {each.source: each.title for each in searched}


def _searched(record: SourceRecord, found: SourceStaleness) -> Searched:
    return Searched(
        source=str(record.key),
        title=record.title or record.key.name,
        kind=record.key.kind,
        home=source_address(record.key),
        condition=found.condition.value,
        synced_at=found.synced_at.isoformat() if found.synced_at else None,
        stale=len(found.stale),
        problem=found.problem,
    )
