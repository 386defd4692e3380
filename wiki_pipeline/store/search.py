"""Finding chunks: by meaning (vectors), by words (full text), or by both.

A query goes to the serving table of one embedding model, so distances of different models are never compared. Both
sides bring many candidates; `ranking` puts them into one order.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

import pyarrow as pa

from wiki_pipeline.errors import SearchError, StoreError
from wiki_pipeline.model import vectors_schema
from wiki_pipeline.store.filters import Filters
from wiki_pipeline.store.ranking import Candidate, fused, named, ordered, thinned
from wiki_pipeline.store.storage import explained
from wiki_pipeline.store.tables import Store, vectors_name
from wiki_pipeline.store.vectors import Vectors
from wiki_pipeline.text.chunk.search_text import split_identifiers
from wiki_pipeline.text.embed import Embedder
from wiki_pipeline.text.normalise import cjk_bigrams, normalise

if TYPE_CHECKING:
    from lancedb.query import FullTextQuery
    from lancedb.table import Table

Mode = Literal["hybrid", "vector", "text"]

MAX_HITS = 100
MAX_QUERY = 1_000  # characters that people may send, wherever they search
_CANDIDATES = 60  # of each side: a chunk that is only fair on both may still come out first
_REFINE_FACTOR = 5  # candidates whose distances the index guessed, for each that is asked for
# Full-text search takes time by the word (5,000 words over a second); what lies beyond says little about a question.
_MAX_TERMS = 64
# Words of questions that say nothing of what is asked; left out of a query unless it has no others. They are in the
# index, as titles may be made of them.
_FILLERS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "me",
        "my",
        "of",
        "on",
        "or",
        "our",
        "should",
        "so",
        "such",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)
_MAX_CHARACTERS = 2_000
_MAX_EMBEDDED_CHARACTERS = 8_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk that was found, with all that is needed to cite it.

    Attributes:
        score: higher is better; comparable only within one answer, where it never rises. The cosine similarity
            (vector); BM25 with what the title says (text); both stretched and added, with what the title says
            (hybrid); of chunks put behind other documents' at most that of those.
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
    media_type: str
    embedding_model: str


_COLUMNS = [field.name for field in fields(Hit) if field.name != "score"]
# Whatever the vectors' length is.
_READ = [vectors_schema(1).field(name) for name in (*_COLUMNS, "fingerprint", "search_cjk")]


def search(
    store: Store,
    embedder: Embedder,
    query: str,
    *,
    k: int = 10,
    mode: Mode = "hybrid",
    filters: Filters | None = None,
    per_document: int | None = None,
) -> list[Hit]:
    """The best chunks for a question or some words, best first. Equal scores are ordered by chunk id.

    Args:
        store: the tenant's tables.
        embedder: whose serving table is searched; asked for a vector unless `mode` is text.
        query: any text. Quotes, operators and wildcards mean nothing; of a very long one the beginning counts.
        k: how many chunks, 1 to 100.
        mode: both sides, or one.
        filters: which chunks may be found; applied before ranking, so `k` chunks come if there are so many.
        per_document: at most so many chunks of one document; None: as many as there are, but from the fourth on
            behind those of other documents.

    Returns:
        None that match is an empty list; so is a query without letters or digits, or a table that does not exist yet.

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
    if not any(character.isalnum() for character in words):
        return []
    condition = (filters or Filters()).condition()
    table = store.searched(vectors_name(embedder.model), _READ)
    if table is None:
        return []
    vector = None if mode == "text" else _embedded(store, embedder, words, table)
    with store.searches, explained("search"):
        sides = []
        if vector is not None:
            sides.append(_by_vector(table, vector, condition, max(_CANDIDATES, k)))
        if mode != "vector":
            sides.append(_by_text(table, words, condition, max(_CANDIDATES, k)))
    if mode == "hybrid":
        ranked = named(fused(*sides, weight=embedder.weight, terms=" ".join(_telling(words))), words)
    elif mode == "text":
        ranked = named(sides[0], words, best=max((c.score for c in sides[0]), default=0.0))
    else:
        (ranked,) = sides
    return [_hit(candidate) for candidate in thinned(ranked, per_document)[:k]]


def _embedded(store: Store, embedder: Embedder, words: str, table: Table) -> Vectors:
    with store.embedding:
        vector: Vectors = embedder.embed([words[:_MAX_EMBEDDED_CHARACTERS]]).vectors[0]
    dimension = table.schema.field("vector").type.list_size
    if len(vector) != dimension:
        raise StoreError(
            f"The model {embedder.model} gives vectors of {len(vector)} numbers, but those stored have {dimension}.",
            "Sync all sources again under a model name of its own.",
        )
    return vector


def _by_vector(table: Table, vector: Vectors, condition: str | None, limit: int) -> list[Candidate]:
    asked: Any = table.search(vector, vector_column_name="vector")
    return _candidates(asked.distance_type("cosine").refine_factor(_REFINE_FACTOR), "_distance", condition, limit)


def _by_text(table: Table, words: str, condition: str | None, limit: int) -> list[Candidate]:
    return _candidates(table.search(_text_query(words), query_type="fts"), "_score", condition, limit)


def _text_query(words: str) -> FullTextQuery:
    """The words in either full-text column. As query objects, because a query string would be parsed for operators."""
    from lancedb.query import BooleanQuery, MatchQuery, Occur

    asked = f"{words[:_MAX_CHARACTERS]} {split_identifiers(words[:_MAX_CHARACTERS])}"
    terms = " ".join(list(dict.fromkeys(_telling(asked)))[:_MAX_TERMS])[:_MAX_CHARACTERS]
    pairs = " ".join(list(dict.fromkeys(cjk_bigrams(terms).split()))[:_MAX_TERMS])
    match: Any = MatchQuery  # its optional arguments look required to the type checker
    queries = [match(terms, "search_text"), *([match(pairs, "search_cjk")] if pairs else [])]
    return BooleanQuery([(Occur.SHOULD, query) for query in queries])


def _telling(words: str) -> list[str]:
    """The words of a query that say what is asked; all, if none does."""
    return [word for word in words.split() if word.casefold() not in _FILLERS] or words.split()


def _candidates(asked: Any, measure: str, condition: str | None, limit: int) -> list[Candidate]:
    """Run one side's query."""
    if condition is not None:
        asked = asked.where(condition, prefilter=True)
    found: pa.Table = asked.select([*_COLUMNS, "fingerprint", measure]).limit(limit).to_arrow()
    candidates = [
        Candidate(
            key=row["chunk_id"],
            document=(row["source"], row["document_id"]),
            fingerprint=row["fingerprint"],
            score=1.0 - row[measure] if measure == "_distance" else row[measure],
            row=row,
        )
        for row in found.to_pylist()
    ]
    return ordered(candidates)


def _hit(candidate: Candidate) -> Hit:
    values: dict[str, Any] = {name: candidate.row[name] for name in _COLUMNS}
    for name in ("heading_path", "labels"):
        values[name] = tuple(values[name])
    return Hit(score=candidate.score, **values)
