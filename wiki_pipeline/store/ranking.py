"""Which of the chunks found come first: both sides' scores together, names that a query means, many documents.

The scores of words and of meaning have no common scale, so each side's are brought to 0 to 1 and added: words from
nothing to the best, similarities, which are never nothing, from the least to the best candidate's. So a clear winner
among words stays one, which it does not by reciprocal ranks.

A model that is weaker than words (`weight` below 1) is asked what words leave open. Where one of the first chunks by
words holds all words of the query, its similarities count nothing; where most words are missing, they count.
(On the retrieval benchmark recall in 2,000 tokens, against words alone, by the power of the part that is missing. Tried
on half of the questions: the 2nd -0.5, the 3rd -0.6, the 4th to 6th as good, from the 8th on no part left. So the 5th;
on the other half it gained 0.4 points, on all 0.2, and lost in no corpus. Some 30 other rules had been tried before.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wiki_pipeline.text.normalise import cjk_bigrams

_WORD = re.compile(r"[^\W_]+")
# What a title that is just what was asked for counts, where the best chunk by words counts 1; likewise a heading.
_TITLE = 0.6
_HEADING = 0.4
# To which power the part of a query that words leave open is taken, for the weight of a weak model.
_RELUCTANCE = 5
# So many of the first chunks by words are looked at for what they hold of the query.
_FOREMOST = 5
# What of a word tells it from others: endings differ (invest, invested; Station, Stationen) and are no reason to say
# that it is missing. So many letters at its end don't count, as long as so many at its beginning are left.
_ENDING, _STEM = 3, 4
# So many chunks of a document keep their places in an answer; the others come behind those of other documents.
_OF_ONE_DOCUMENT = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that one side found."""

    key: str  # of the chunk
    document: tuple[str, str]
    fingerprint: str
    score: float
    row: Mapping[str, Any]


def fused(
    by_vector: Sequence[Candidate], by_text: Sequence[Candidate], *, weight: float, terms: str = ""
) -> list[Candidate]:
    """Both sides in one order, the vectors' scores counting `weight` times those of the words; a weight below 1 as far
    as the words' own first chunks lack some of the query's terms.

    The text side was asked later: where a commit came in between, it is right.
    """
    if weight < 1:
        weight *= _lacking(by_text[:_FOREMOST], terms) ** _RELUCTANCE
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


def named(candidates: Sequence[Candidate], query: str, *, best: float = 1.0) -> list[Candidate]:
    """The candidates anew, those first whose title or innermost heading is what the query says.

    Args:
        best: what the best chunk by words counts.
    """
    asked = _words(query)
    return ordered(replace(c, score=c.score + best * _naming(c.row, asked)) for c in candidates)


def ordered(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Best first; equal scores by key."""
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.key))


def thinned(candidates: Sequence[Candidate], per_document: int | None) -> list[Candidate]:
    """At most `per_document` of a document; None: all, but those beyond the third behind other documents', with no
    score above theirs, so that scores never rise within an answer."""
    seen: dict[tuple[str, str], int] = {}
    kept: list[Candidate] = []
    behind: list[Candidate] = []
    for candidate in candidates:
        number = seen[candidate.document] = seen.get(candidate.document, 0) + 1
        (kept if number <= (per_document or _OF_ONE_DOCUMENT) else behind).append(candidate)
    if per_document:
        return kept
    return kept + [replace(candidate, score=min(candidate.score, kept[-1].score)) for candidate in behind]


def _lacking(foremost: Sequence[Candidate], terms: str) -> float:
    """The part of the terms that even the chunk with most of them does not hold, 0 to 1."""
    asked = [part for word in sorted(_words(terms)) for part in _telling_parts(word)]
    if not asked or not foremost:
        return 1.0
    texts = (" " + " ".join(_WORD.findall(c.row["search_text"].casefold())) for c in foremost)
    return 1.0 - max(sum(part in text for part in asked) / len(asked) for text in texts)


def _telling_parts(word: str) -> list[str]:
    """What is looked for instead of a word: its beginning, at the beginning of a word; in scripts that put no spaces
    between words its pairs of characters, anywhere."""
    return cjk_bigrams(word).split() or [f" {word[: max(_STEM, len(word) - _ENDING)]}"]


def _naming(row: Mapping[str, Any], asked: frozenset[str]) -> float:
    headings = row["heading_path"]
    heading = _alike(asked, _words(headings[-1])) if headings else 0.0
    return _TITLE * _alike(asked, _words(row["title"])) + _HEADING * heading


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """The part of the words that both have: 1 if they are the same."""
    return len(one & other) / len(one | other) if one and other else 0.0


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))
