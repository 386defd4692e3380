"""Finding chunks: by meaning (vectors), by words (full text), or by both.

A query goes to the serving table of one embedding model, so distances of different models are never compared.

    parsed            what the query says: words, phrases, exclusions, fields       (query)
    both              many candidates of each side                                  (candidates)
    spelled           words that no document holds, as others are spelled           (spelling)
    fused, looked_at  one order, after names, closeness and language                (ranking)
    reranked          an endpoint's opinion of the first ones, if there is one      (text.rerank)
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

from wiki_pipeline.errors import RerankError, SearchError, StoreError
from wiki_pipeline.links.jira import ALIAS, ISSUE_KEY
from wiki_pipeline.model import SourceKey, vectors_schema
from wiki_pipeline.store.candidates import RANKED_BY, Sides, both, first_rows, holds_word, rows_of
from wiki_pipeline.store.filters import Filters, literal
from wiki_pipeline.store.query import Asked, parsed
from wiki_pipeline.store.ranking import Candidate, Terms, above_floor, fused, looked_at, ordered, spoken, thinned
from wiki_pipeline.store.storage import explained
from wiki_pipeline.store.tables import Store, vectors_name
from wiki_pipeline.store.vectors import Vectors
from wiki_pipeline.text.embed import Embedder
from wiki_pipeline.text.normalise import normalise
from wiki_pipeline.text.rerank import Reranker
from wiki_pipeline.text.terms import WORD, is_cjk, language_asked, plain

if TYPE_CHECKING:
    from lance import LanceDataset

Mode = Literal["hybrid", "vector", "text"]

MAX_HITS = 100
MAX_QUERY = 1_000  # characters that people may send, wherever they search
_CANDIDATES = 60  # of each side: a chunk that is only fair on both may still come out first
_CANDIDATES_CHECKED = 400  # where phrases and exclusions, which are looked up in the text, will take some away
_RERANKED = 40  # candidates that an endpoint is asked about
_MAX_EMBEDDED_CHARACTERS = 8_000
_MOST_UNKNOWN = 4  # words of a query whose spelling is looked into
_MOST_INSTEAD = 3  # words that stand for one: parts of it, or compounds

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk that was found, with all that is needed to cite it.

    Attributes:
        score: higher is better; comparable only within one answer, where it never rises. The cosine similarity
            (vector); BM25 with what names and closeness say (text); both stretched and added, likewise (hybrid); what
            the endpoint said (reranked).
        created_date, last_modified: Unix seconds.
        page_id: the document id of a Confluence page, otherwise None.

    The others are columns of `vectors_schema`.
    """

    score: float
    chunk_id: str
    tenant: str
    source: str
    source_type: str
    page_id: str | None
    document_id: str
    version: str
    title: str
    url: str
    space_key: str
    space_name: str
    path: str
    heading_path: tuple[str, ...]
    start_line: int
    end_line: int
    author: str
    created_date: int | None
    last_modified: int | None
    last_modified_iso: str | None
    chunk_index: int
    total_chunks: int
    text: str
    search_text: str
    labels: tuple[str, ...]
    facets: tuple[str, ...]
    media_type: str
    embedding_model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found, and what it has to say about the query.

    Attributes:
        hits: best first.
        did_you_mean: the query as it was searched, where words that no document holds were read as others; else empty.
        unknown: the words of the query that no document holds, nor any form of them.
        nearest_only: no chunk shares a word with the query: nothing was found, and the hits are nearest in meaning.
        reranked: the order is a reranking endpoint's.
    """

    hits: tuple[Hit, ...] = ()
    did_you_mean: str = ""
    unknown: tuple[str, ...] = ()
    nearest_only: bool = False
    reranked: bool = False


_COLUMNS = [field.name for field in fields(Hit) if field.name != "score"]
# What other columns say too. Each column of ten rows costs half a millisecond.
_SAID_BY_OTHERS = frozenset({"tenant", "source_type", "page_id", "last_modified_iso", "embedding_model"})
_SHOWN = [name for name in _COLUMNS if name not in _SAID_BY_OTHERS and name not in RANKED_BY]
# Whatever the vectors' length is.
_READ = [vectors_schema(1).field(name) for name in (*_COLUMNS, "search_cjk")]


def search(  # noqa: PLR0913 - the arguments of `find`
    store: Store,
    embedder: Embedder,
    query: str,
    *,
    k: int = 10,
    mode: Mode = "hybrid",
    filters: Filters | None = None,
    per_document: int | None = None,
    language: str = "",
    reranker: Reranker | None = None,
) -> list[Hit]:
    """The hits of `find`, alone."""
    found = find(
        store,
        embedder,
        query,
        k=k,
        mode=mode,
        filters=filters,
        per_document=per_document,
        language=language,
        reranker=reranker,
    )
    return list(found.hits)


def find(  # noqa: PLR0913 - each by its name
    store: Store,
    embedder: Embedder,
    query: str,
    *,
    k: int = 10,
    mode: Mode = "hybrid",
    filters: Filters | None = None,
    per_document: int | None = None,
    language: str = "",
    reranker: Reranker | None = None,
) -> Found:
    """The best chunks for a question or some words, best first. Equal scores are ordered by chunk id.

    Args:
        store: the tenant's tables.
        embedder: whose serving table is searched; asked for a vector unless `mode` is text.
        query: any text; phrases, exclusions and fields as `query` reads them. Of a very long one the beginning counts.
        k: how many chunks, 1 to 100.
        mode: both sides, or one.
        filters: which chunks may be found; applied before ranking, so `k` chunks come if there are so many.
        per_document: at most so many chunks of one document; None: as many as there are.
        language: of the one who asks, as "de", for queries that don't tell theirs.
        reranker: asked about the first candidates; where it fails, the order is our own.

    Returns:
        No hits where none match, where the query has no letter or digit, or where the table does not exist yet.

    Raises:
        SearchError: the query is empty, or an argument makes no sense.
        EmbeddingError: the query could not be embedded.
        StoreError: the tables are out of reach.
    """
    if mode not in get_args(Mode):
        raise SearchError(f"There is no search mode {mode!r}.", f"Use one of {', '.join(get_args(Mode))}.")
    if not 1 <= k <= MAX_HITS:
        raise SearchError(f"{k} hits can't be asked for.", f"Ask for 1 to {MAX_HITS}.")
    words = normalise(query).strip()
    if not words:
        raise SearchError("The query is empty.", "Ask for some words.")
    asked = parsed(words)
    if filters and filters.languages:
        asked = replace(asked, languages=(*asked.languages, *(name.lower()[:2] for name in filters.languages)))
    condition = _condition(filters, asked)
    if not any(character.isalnum() for character in words):
        return Found()
    search = partial(_found, store, embedder, words, asked, condition, k=k, mode=mode, per_document=per_document)
    try:
        return search(language=language, reranker=reranker)
    except StoreError:
        # A table that was dropped and made anew under the open one: its files are others.
        store.reopen(vectors_name(embedder.model))
        return search(language=language, reranker=reranker)


def _found(  # noqa: PLR0913 - as `find`
    store: Store,
    embedder: Embedder,
    words: str,
    asked: Asked,
    condition: str | None,
    *,
    k: int,
    mode: Mode,
    per_document: int | None,
    language: str,
    reranker: Reranker | None,
) -> Found:
    table = store.snapshot(vectors_name(embedder.model), _READ)
    if table is None:
        return Found()
    searched = _Search(store, embedder, table, condition, mode, max(_CANDIDATES, k))
    if not asked.words:
        with store.searches, explained("search"):
            keep = _checked(asked)
            first = [row for row in first_rows(table, condition, max(k, _CANDIDATES_CHECKED)) if keep(row)]
            return Found(hits=_hits(table, first[:k], embedder.model))
    sides = searched.sides(asked)
    terms = Terms(asked.keys, (*sides.by_text, *sides.by_vector))
    meant, unknown = ({}, ()) if mode == "vector" else searched.spelled(asked, terms)
    if meant:
        asked = replace(asked, words=_replaced(asked.words, meant))
        sides = searched.sides(asked)
        terms = Terms(asked.keys, (*sides.by_text, *sides.by_vector))
    ranked = _ranked(sides, terms, mode, embedder.weight, language_asked(asked.words) or language)
    opinion = None if reranker is None or not ranked else _reranked(reranker, asked.words, ranked)
    kept = thinned(opinion or ranked, per_document)[:k]
    with store.searches, explained("search"):
        kept = _named_first(table, words, condition, kept)[:k]
        hits = _hits(table, kept, embedder.model)
    return Found(
        hits=hits,
        did_you_mean=_replaced(words, meant) if meant else "",
        unknown=unknown,
        nearest_only=mode == "hybrid" and bool(hits) and not sides.by_text,
        reranked=opinion is not None,
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """One search: where, and among what."""

    store: Store
    embedder: Embedder
    table: LanceDataset
    condition: str | None
    mode: Mode
    limit: int

    def sides(self, asked: Asked) -> Sides:
        """The candidates of both sides, without those that lack a phrase or hold what was excluded."""
        vector = None if self.mode == "text" else _embedded(self.store, self.embedder, asked.words, self.table)
        checked = asked.phrases or asked.without or asked.languages
        limit = max(self.limit, _CANDIDATES_CHECKED) if checked else self.limit
        with self.store.searches, explained("search"):
            found = both(self.table, asked, vector, self.condition, limit, text=self.mode != "vector")
        if not checked:
            return found
        keep = _checked(asked)
        return Sides([c for c in found.by_vector if keep(c)], [c for c in found.by_text if keep(c)])

    def spelled(self, asked: Asked, terms: Terms) -> tuple[dict[str, str], tuple[str, ...]]:
        """Words that no document holds: what they are read as, and those that nothing like them was found for."""
        doubtful = [word for word in asked.written if terms.lacks(word)][:_MOST_UNKNOWN]
        meant: dict[str, str] = {}
        unknown = []
        with self.store.searches, explained("search"):
            for word in doubtful:
                if holds_word(self.table, word, self.condition):
                    continue
                if instead := self._meant(word):
                    meant[word] = " ".join(instead)
                else:
                    unknown.append(word)
        return meant, tuple(unknown)

    def _meant(self, word: str) -> list[str]:
        """What is searched instead of a word: what the reader may find, of what the tenant has."""
        vocabulary = self.store.vocabulary(vectors_name(self.embedder.model))
        for near in vocabulary.near(word):
            if holds_word(self.table, near, self.condition):
                return [near]
        for made in (vocabulary.parts(word), vocabulary.compounds(word)):
            if there := [part for part in made if holds_word(self.table, part, self.condition)]:
                return there[:_MOST_INSTEAD]
        return []


def _named_first(table: LanceDataset, words: str, condition: str | None, kept: list[Candidate]) -> list[Candidate]:
    """The chunks, before them the document that the query names: an issue by its key, also by one of before."""
    key = words.upper()
    if not ISSUE_KEY.fullmatch(key):
        return kept
    named = f"array_has_any(facets, [{literal(f'key={key}')}, {literal(f'{ALIAS}{key}')}])"
    first = first_rows(table, f"({named}) AND ({condition})" if condition else named, 1)
    best = max((candidate.score for candidate in kept), default=1.0)
    chosen = {candidate.number for candidate in first}
    return [*(replace(one, score=best) for one in first), *(one for one in kept if one.number not in chosen)]


def _condition(filters: Filters | None, asked: Asked) -> str | None:
    parts = [part for part in ((filters or Filters()).condition(), *asked.conditions) if part]
    return " AND ".join(parts) or None


def _embedded(store: Store, embedder: Embedder, words: str, table: LanceDataset) -> Vectors:
    with store.embedding:
        vector: Vectors = embedder.embed([words[:_MAX_EMBEDDED_CHARACTERS]]).vectors[0]
    dimension = table.schema.field("vector").type.list_size
    if len(vector) != dimension:
        raise StoreError(
            f"The model {embedder.model} gives vectors of {len(vector)} numbers, but those stored have {dimension}.",
            "Sync all sources again under a model name of its own.",
        )
    return vector


def _ranked(sides: Sides, terms: Terms, mode: Mode, weight: float, language: str) -> list[Candidate]:
    if mode == "vector":
        return sides.by_vector
    if mode == "text":
        best = max((candidate.score for candidate in sides.by_text), default=0.0)
        return looked_at(sides.by_text, terms, language, best=best)
    return above_floor(looked_at(fused(sides.by_vector, sides.by_text, weight=weight), terms, language), terms)


def _reranked(reranker: Reranker, query: str, ranked: list[Candidate]) -> list[Candidate] | None:
    """The candidates as the endpoint orders them, those that it was not asked about behind; None if it failed."""
    asked, behind = ranked[:_RERANKED], ranked[_RERANKED:]
    try:
        scores = reranker.scores(query, [_told(candidate) for candidate in asked])
    except RerankError as error:
        log.warning("%s The search goes on in its own order.", error)
        return None
    first = ordered(replace(candidate, score=score) for candidate, score in zip(asked, scores, strict=True))
    return [*first, *(replace(candidate, score=min(candidate.score, first[-1].score)) for candidate in behind)]


def _told(candidate: Candidate) -> str:
    """What an endpoint reads of a chunk: where it stands, and its text without the line of surroundings."""
    row = candidate.row
    place = " > ".join(dict.fromkeys((row["title"], *row["heading_path"])))
    return f"{place}\n{row['search_text'].partition(chr(10))[2] or row['search_text']}"


def _checked(asked: Asked) -> Callable[[Candidate], bool]:
    """Whether a chunk holds all phrases of a query, nothing that was excluded, and is in a language that is wanted."""
    wanted = [_as_it_stands(phrase) for phrase in asked.phrases]
    excluded = [_as_it_stands(phrase) for phrase in asked.without]

    def holds(candidate: Candidate) -> bool:
        searched = candidate.row["search_text"]
        if asked.languages and spoken(candidate.key, searched) not in asked.languages:
            return False
        text = plain(searched) if wanted or excluded else ""
        return all(one.search(text) for one in wanted) and not any(one.search(text) for one in excluded)

    return holds


def _as_it_stands(phrase: str) -> re.Pattern[str]:
    """A phrase in a folded text, whatever is between its words; of the last word its plural and simple forms too."""
    words = [re.escape(plain(word)) for word in WORD.findall(phrase)]
    if is_cjk(phrase):
        return re.compile(r"[\W_]*".join(words))
    joined = r"[\W_]+".join(words)
    return re.compile(rf"(?<![^\W_]){joined}(?:e?s|e?d|ing)?(?![^\W_])")


def _replaced(query: str, meant: Mapping[str, str]) -> str:
    for word, instead in meant.items():
        query = re.sub(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", lambda _, to=instead: to, query)  # type: ignore[misc]
    return query


def _hits(table: LanceDataset, kept: Sequence[Candidate], model: str) -> tuple[Hit, ...]:
    rows = rows_of(table, [candidate.number for candidate in kept], _SHOWN)
    return tuple(_hit(candidate, rows[candidate.number], model) for candidate in kept)


def _hit(candidate: Candidate, row: Mapping[str, Any], model: str) -> Hit:
    ranked_by = candidate.row
    source = SourceKey.parse(ranked_by["source"])
    modified = row["last_modified"]
    values: dict[str, Any] = {name: row[name] if name in row else ranked_by[name] for name in (*_SHOWN, *RANKED_BY)}
    for name in ("heading_path", "labels", "facets"):
        values[name] = tuple(values[name])
    return Hit(
        score=candidate.score,
        tenant=source.tenant,
        source_type=source.kind,
        page_id=values["document_id"] if source.kind == "confluence" else None,
        last_modified_iso=None if modified is None else f"{datetime.fromtimestamp(modified, UTC):%Y-%m-%dT%H:%M:%SZ}",
        embedding_model=model,
        **values,
    )
