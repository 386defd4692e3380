"""Which of the passages found come first: both sides' scores together, names that a query means, many documents.

The scores of words and of meaning have no common scale, so each side's are brought to 0 to 1 and added: words from
nothing to the best, similarities, which are never nothing, from the least to the best candidate's. On the retrieval
benchmark that found more than reciprocal ranks (recall 94 against 91%): a clear winner among words stays one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

_WORD = re.compile(r"[^\W_]+")
# What a title that is just what was asked for counts, where the best passage by words counts 1; likewise a heading.
_TITLE = 0.6
_HEADING = 0.4
# So many passages of a document keep their places in an answer; the others come behind those of other documents.
_OF_ONE_DOCUMENT = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that one side found."""

    key: str  # of the chunk
    document: tuple[str, str]
    fingerprint: str
    score: float
    row: Mapping[str, Any]


def fused(by_vector: Sequence[Candidate], by_text: Sequence[Candidate], *, weight: float) -> list[Candidate]:
    """Both sides in one order, the vectors' scores counting `weight` times those of the words.

    The text side was asked later: where a commit came in between, it is right.
    """
    later = {candidate.document: candidate.fingerprint for candidate in by_text}
    current = [c for c in by_vector if later.get(c.document, c.fingerprint) == c.fingerprint]
    scores: dict[str, float] = {}
    for side, lowest, share in ((current, min((c.score for c in current), default=0.0), weight), (by_text, 0.0, 1.0)):
        highest = max((candidate.score for candidate in side), default=0.0)
        for candidate in side:
            part = (candidate.score - lowest) / (highest - lowest) if highest > lowest else 1.0
            scores[candidate.key] = scores.get(candidate.key, 0.0) + share * part
    of_key = {candidate.key: candidate for candidate in (*current, *by_text)}
    return ordered(replace(candidate, score=scores[key]) for key, candidate in of_key.items())


def named(candidates: Sequence[Candidate], query: str) -> list[Candidate]:
    """The candidates anew, those first whose title or innermost heading is what the query says."""
    asked = _words(query)
    return ordered(replace(c, score=c.score + _naming(c.row, asked)) for c in candidates)


def ordered(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Best first; equal scores by key."""
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.key))


def thinned(candidates: Sequence[Candidate], per_document: int | None) -> list[Candidate]:
    """At most `per_document` of a document; None: all, but those beyond the third behind other documents'."""
    seen: dict[tuple[str, str], int] = {}
    kept: list[Candidate] = []
    behind: list[Candidate] = []
    for candidate in candidates:
        number = seen[candidate.document] = seen.get(candidate.document, 0) + 1
        (kept if number <= (per_document or _OF_ONE_DOCUMENT) else behind).append(candidate)
    return kept if per_document else kept + behind


def _naming(row: Mapping[str, Any], asked: frozenset[str]) -> float:
    headings = row["heading_path"]
    heading = _alike(asked, _words(headings[-1])) if headings else 0.0
    return _TITLE * _alike(asked, _words(row["title"])) + _HEADING * heading


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """The part of the words that both have: 1 if they are the same."""
    return len(one & other) / len(one | other) if one and other else 0.0


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))
