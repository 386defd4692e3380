"""The two sides of a search: the rows that Lance finds by words and by meaning, read once for both.

Each side brings many rows' numbers and scores only, which costs a third of bringing the rows; what both found is read
then, once, and only the columns that ranking looks at. A hit's other columns are read for the few that are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from wiki_pipeline.store.query import MAX_CHARACTERS, MAX_TERMS, Asked
from wiki_pipeline.store.ranking import Candidate, ordered
from wiki_pipeline.store.vectors import Vectors
from wiki_pipeline.text.normalise import cjk_bigrams
from wiki_pipeline.text.terms import WORD, variants

if TYPE_CHECKING:
    from lance import LanceDataset
    from lance.query import FullTextQuery

# Candidates whose distances the index guessed, for each that is asked for. With 8-bit numbers the 60 nearest of 100,000
# are found whole with 2, and with 1 all but one in eighty.
_REFINE_FACTOR = 2
RANKED_BY = ("chunk_id", "source", "document_id", "title", "heading_path", "search_text")
# What a word counts that is not as it was typed, where one that is counts 1.
_FILLER, _SPELLED, _JOINED = 0.05, 0.5, 0.5
_FEW_ROWS = 15_000  # in which the whole of a query is asked at once, in some 15 ms
_ADDED = 4  # times as many rows of each way are looked at, where ways are added up
_MOST_JOINED = 12  # pairs of neighbours that may be one word elsewhere: web sockets, WebSockets
_MOST_LISTED = 2_000  # documents that a search without words puts in order
_SIDES = ThreadPoolExecutor(32, thread_name_prefix="search-side")


@dataclass(frozen=True, slots=True)
class Sides:
    """What each side found, best first."""

    by_vector: list[Candidate]
    by_text: list[Candidate]


def both(
    table: LanceDataset, asked: Asked, vector: Vectors | None, condition: str | None, limit: int, *, text: bool
) -> Sides:
    """Ask both sides, or one.

    Args:
        vector: the query's; None to leave meaning out.
        condition: SQL that every row must hold, before ranking.
        limit: rows of each side.
        text: whether words are asked.
    """
    asked_by_text: Future[list[tuple[int, float]]] | None = None
    if text and vector is not None:
        # Lance lets go of the interpreter: the sides share the cores.
        asked_by_text = _SIDES.submit(_by_text, table, asked, condition, limit)
    near = _by_vector(table, vector, condition, limit) if vector is not None else []
    said = asked_by_text.result() if asked_by_text else _by_text(table, asked, condition, limit) if text else []
    rows = rows_of(table, list(dict.fromkeys(number for number, _ in (*said, *near))), RANKED_BY)
    return Sides(_candidates(near, rows), _candidates(said, rows))


def rows_of(table: LanceDataset, numbers: Sequence[int], columns: Sequence[str]) -> dict[int, dict[str, Any]]:
    """Rows by their numbers, which are those of the same version."""
    if not numbers:
        return {}
    # Quicker than a scan with a filter, and there is no public way to take by number that every version has.
    taken: pa.Table = table._take_rows(list(numbers), columns=[*columns, "_rowid"])  # noqa: SLF001
    return {row["_rowid"]: row for row in taken.to_pylist()}


def holds_word(table: LanceDataset, word: str, condition: str | None) -> bool:
    """Whether any row that may be found holds the word, or a form of it."""
    from lance.query import BooleanQuery, MatchQuery, Occur

    spelled = [MatchQuery(each, "search_text") for each in (word, *variants(word))]
    query = spelled[0] if len(spelled) == 1 else BooleanQuery([(Occur.SHOULD, each) for each in spelled])
    return bool(_numbered(table, "_score", condition, 1, full_text_query=query))


def first_rows(table: LanceDataset, condition: str | None, limit: int) -> list[Candidate]:
    """The documents that hold a condition, by their first chunks, those that changed last first."""
    found = table.scanner(
        columns=[*RANKED_BY, "last_modified"],
        filter=f"({condition}) AND chunk_index = 0" if condition else "chunk_index = 0",
        with_row_id=True,
        limit=_MOST_LISTED,
    ).to_table()
    rows = sorted(found.to_pylist(), key=lambda row: (-(row["last_modified"] or 0), row["chunk_id"]))[:limit]
    return [_candidate(row["_rowid"], 0.0, row) for row in rows]


def _by_vector(table: LanceDataset, vector: Vectors, condition: str | None, limit: int) -> list[tuple[int, float]]:
    nearest = {"column": "vector", "q": vector, "k": limit, "metric": "cosine", "refine_factor": _REFINE_FACTOR}
    found = _numbered(table, "_distance", condition, limit, nearest=nearest)
    return [(number, 1.0 - distance) for number, distance in found]


def _by_text(table: LanceDataset, asked: Asked, condition: str | None, limit: int) -> list[tuple[int, float]]:
    """The rows that hold the words, as they are typed or otherwise spelled, with what the words count in each.

    Lance goes through all rows that hold any word for a query that is put together of several, and through the best
    only for a plain one. So it is one query where rows are few, and several in a large table (a tenth of the time in
    100,000 rows), whose best rows are added up here; fillers, which all rows hold, are then left out.
    """
    from lance.query import BooleanQuery, Occur

    ways = _ways(asked)
    # Whether the words of a phrase stand next to each other is seen in the text.
    must = [(Occur.MUST, phrase) for phrase in _phrases(asked)]
    if ways and table.count_rows() <= _FEW_ROWS:
        any_way = BooleanQuery([(Occur.SHOULD, way) for way in ways])
        fillers = [(Occur.SHOULD, way) for way in _fillers(asked)]
        return _scored(table, BooleanQuery([(Occur.MUST, any_way), *fillers, *must]), condition, limit)
    scores: dict[int, float] = {}
    for way in ways:
        query = BooleanQuery([*must, (Occur.SHOULD, way)]) if must else way
        # A row that is among the first of one way alone would miss what it has of the others.
        for number, score in _scored(table, query, condition, _ADDED * limit):
            scores[number] = scores.get(number, 0.0) + score
    return sorted(scores.items(), key=lambda each: -each[1])[:limit]


def _scored(table: LanceDataset, query: FullTextQuery, condition: str | None, limit: int) -> list[tuple[int, float]]:
    return _numbered(table, "_score", condition, limit, full_text_query=query)


def _ways(asked: Asked) -> list[FullTextQuery]:
    """The words in either full-text column, as they are typed and as they may be spelled otherwise. As query objects,
    because a query string would be parsed for operators."""
    from lance.query import MatchQuery

    terms = asked.terms
    words = WORD.findall(" ".join(terms))
    spelled = dict.fromkeys(other for word in words for other in variants(word))
    joined = dict.fromkeys(
        one + other for one, other in pairwise(words[:_MOST_JOINED]) if one.isascii() and other.isascii()
    )
    pairs = " ".join(list(dict.fromkeys(cjk_bigrams(" ".join(terms)).split()))[:MAX_TERMS])
    ways = (
        (" ".join(terms)[:MAX_CHARACTERS], "search_text", 1.0),
        (" ".join(list(spelled)[:MAX_TERMS]), "search_text", _SPELLED),
        (" ".join(joined), "search_text", _JOINED),
        (pairs, "search_cjk", 1.0),
    )
    return [MatchQuery(text, column, boost=boost) for text, column, boost in ways if text]


def _fillers(asked: Asked) -> list[FullTextQuery]:
    from lance.query import MatchQuery

    fillers = " ".join(asked.fillers)
    return [MatchQuery(fillers, "search_text", boost=_FILLER)] if fillers else []


def _phrases(asked: Asked) -> list[FullTextQuery]:
    from lance.query import FullTextOperator, MatchQuery

    return [MatchQuery(phrase, "search_text", operator=FullTextOperator.AND) for phrase in asked.phrases]


def _numbered(
    table: LanceDataset, measure: str, condition: str | None, limit: int, **asked: Any
) -> list[tuple[int, float]]:
    """Run one side's query: row numbers with their measures."""
    found = table.scanner(
        columns=[measure],
        filter=condition,
        prefilter=condition is not None,
        limit=limit,
        with_row_id=True,
        disable_scoring_autoprojection=True,
        **asked,
    ).to_table()
    return list(zip(found["_rowid"].to_pylist(), found[measure].to_pylist(), strict=True))


def _candidates(found: Sequence[tuple[int, float]], rows: dict[int, dict[str, Any]]) -> list[Candidate]:
    return ordered(_candidate(number, score, rows[number]) for number, score in found if number in rows)


def _candidate(number: int, score: float, row: dict[str, Any]) -> Candidate:
    return Candidate(
        key=row["chunk_id"],
        document=(row["source"], row["document_id"]),
        score=score,
        row=row,
        number=number,
    )
