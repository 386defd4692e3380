"""Which of the chunks found come first: both sides' scores together, then what only the candidates' texts tell.

The scores of words and of meaning have no common scale, so each side's are brought to 0 to 1 and added: words from
nothing to the best, similarities, which are never nothing, from the least to the best candidate's. So a clear winner
among words stays one, which it does not by reciprocal ranks. Meaning counts as its model says (`Embedder.weight`).

On top come the names that a query means, and how much of the query stands close together; both by the words' weight,
which is the greater the fewer candidates hold them. What is in another language than the question counts less.

Figures and how the numbers here were chosen: `wiki_pipeline_tests/benchmarks/results/retrieval`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import log
from typing import Any

from wiki_pipeline.text.terms import WORD, beginning, folded, is_cjk, language_of, plain, same_word, spellings, stem

# What a title that is just what was asked for counts, where the best chunk by words counts 1; likewise a heading.
_TITLE = 1.0
_HEADING = 0.5
# What the whole query within so many characters counts.
_CLOSE = 0.15
_WINDOW = 160
# What is left of the score of a chunk in another language than the question, where both are known.
_OTHER_LANGUAGE = 0.7
# What is left of the score of a chunk of tests, which repeat the words of what they test, unless tests are asked for.
_TESTS = 0.6
# What a word weighs at least: that all candidates hold it does not mean that a title of it is not what was asked for.
_EVERY = 0.25
# So many of the first are looked at closely; the others are too far behind.
_LOOKED_AT = 60
_MOST_MORE = 8  # letters of a word after what its forms have in common
_MOST_PLACES = 8  # of one word in a text: where it is everywhere, it is close to the others anyway
_SAME = 1e-5  # scores that differ by less are equal
# Below this part of the best score nothing says that a chunk has to do with the query.
_FLOOR = 0.02

# Files that hold tests, by the names that their languages give them.
_OF_TESTS = re.compile(
    r"(?:^|/)(?:\w+_)?(?:tests?|specs?|__tests__|testdata|test_data|fixtures)/"
    r"|(?:^|/)(?:test_[^/]*|conftest\.py|[^/]*(?:_test|_spec|\.test|\.spec|Test|Tests|Spec)\.\w+)$"
)
_ASK_FOR_TESTS = frozenset(stem(word) for word in ("test", "testing", "tested", "spec", "fixture", "pytest"))

_LANGUAGES: dict[str, str] = {}
_MOST_LANGUAGES = 200_000  # some 20 MB


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that one side found.

    Attributes:
        number: of the row, in the version that was searched.
    """

    key: str  # of the chunk
    document: tuple[str, str]
    score: float
    row: Mapping[str, Any]
    number: int = -1


class Terms:
    """The words of a query against the texts of its candidates.

    Args:
        keys: the telling words, folded, in their order.
        texts: of all candidates, by the chunk.
    """

    def __init__(self, keys: Sequence[str], candidates: Iterable[Candidate]) -> None:
        self.keys = list(keys)
        self._folded = [folded(key) for key in self.keys]
        self._exact: set[int] = set()  # words that some text holds in just this form
        self._sought = [
            (number, spelled, beginning(spelled), is_cjk(key))
            for number, key in enumerate(self.keys)
            for spelled in spellings(key)
        ]
        self._places = {c.key: self._found(c.row["search_text"]) for c in candidates}
        count = len(self._places)
        held = Counter(number for of in self._places.values() for number in {number for number, _ in of})
        self.weights = [_EVERY + log(1 + (count - held[n] + 0.5) / (held[n] + 0.5)) for n in range(len(self.keys))]
        """Of each word, the greater the fewer of the candidates hold it."""
        self._doubtful = {stem(key) for number, key in enumerate(self.keys) if number not in self._exact}
        # Candidates share titles, and titles share words: most of the time would go into comparing the same again.
        self._likeness: dict[str, float] = {}
        self._meant_by: dict[str, tuple[int, ...]] = {}

    @cached_property
    def total(self) -> float:
        """The weight of all words; never nothing."""
        return sum(self.weights) or 1.0

    @cached_property
    def ask_for_tests(self) -> bool:
        """Whether the query is about tests."""
        return any(stem(key) in _ASK_FOR_TESTS for key in self._folded)

    def lacks(self, word: str) -> bool:
        """Whether no candidate holds a word of the query in just the form in which it is written there."""
        return stem(word) in self._doubtful

    def shares(self, candidate: Candidate) -> bool:
        """Whether a candidate holds any of the words."""
        return bool(self._places.get(candidate.key))

    def closeness(self, candidate: Candidate) -> float:
        """The most of the query's weight that stands within a window of the candidate's text, 0 to 1."""
        places = self._places.get(candidate.key, ())
        best, first = 0.0, 0
        within: dict[int, int] = {}
        weight = 0.0
        for number, place in places:
            within[number] = within.get(number, 0) + 1
            if within[number] == 1:
                weight += self.weights[number]
            while place - places[first][1] > _WINDOW:
                gone = places[first][0]
                within[gone] -= 1
                if not within[gone]:
                    weight -= self.weights[gone]
                first += 1
            best = max(best, weight)
        return best / self.total

    def likeness(self, name: str) -> float:
        """How far a name is what the query says, 0 to 1: the weight of the words that both have, of all that either
        has. Words of the name that the query lacks weigh as its own do on average."""
        known = self._likeness.get(name)
        if known is None:
            known = self._likeness[name] = self._likeness_of(_name_words(name))
        return known

    def _likeness_of(self, words: tuple[str, ...]) -> float:
        if not words or not self.keys:
            return 0.0
        common, unasked = set[int](), 0
        for word in words:
            meant = self._meant_by.get(word)
            if meant is None:
                meant = tuple(n for n, key in enumerate(self._folded) if _meant(key, word))
                self._meant_by[word] = meant
            common.update(meant)
            unasked += not meant
        shared = sum(self.weights[n] for n in common)
        return shared / (self.total + unasked * self.total / len(self.keys))

    def _found(self, text: str) -> list[tuple[int, int]]:
        """Which words stand where, in their order."""
        text = plain(text)
        found = []
        for number, whole, sought, anywhere in self._sought:
            at, left = text.find(sought), _MOST_PLACES
            while at >= 0 and left:
                left -= 1
                end = at + len(sought)
                if anywhere or ((not at or not text[at - 1].isalnum()) and _ends(text, end)):
                    found.append((at, number))
                    if anywhere or (
                        text.startswith(whole, at) and not text[at + len(whole) : at + len(whole) + 1].isalnum()
                    ):
                        self._exact.add(number)
                at = text.find(sought, end)
        found.sort()
        return [(number, at) for at, number in found]


def fused(by_vector: Sequence[Candidate], by_text: Sequence[Candidate], *, weight: float) -> list[Candidate]:
    """Both sides in one order, the vectors' scores counting `weight` times those of the words."""
    scores: dict[str, float] = {}
    least = min((candidate.score for candidate in by_vector), default=0.0)
    for side, lowest, share in ((by_vector, least, weight), (by_text, 0.0, 1.0)):
        highest = max((candidate.score for candidate in side), default=0.0)
        for candidate in side:
            # What differs by less is noise, which stretching would make a difference.
            part = (candidate.score - lowest) / (highest - lowest) if highest - lowest > _SAME else 1.0
            scores[candidate.key] = scores.get(candidate.key, 0.0) + share * part
    of_key = {candidate.key: candidate for candidate in (*by_vector, *by_text)}
    return ordered(replace(candidate, score=scores[key]) for key, candidate in of_key.items())


def looked_at(candidates: Sequence[Candidate], terms: Terms, language: str, *, best: float = 1.0) -> list[Candidate]:
    """The candidates anew, after their names, what stands close together in them, their languages, and whether they
    are of tests.

    Args:
        language: of the question; empty if it is not known.
        best: what the best chunk by words counts.
    """

    def anew(candidate: Candidate) -> Candidate:
        row = candidate.row
        title = terms.likeness(row["title"])
        heading = terms.likeness(row["heading_path"][-1]) if row["heading_path"] else 0.0
        bonus = _TITLE * title + _HEADING * heading + _CLOSE * terms.closeness(candidate)
        score = candidate.score + best * bonus
        if language and (own := spoken(candidate.key, row["search_text"])) and own != language:
            score *= _OTHER_LANGUAGE
        if not terms.ask_for_tests and _holds_tests(row["document_id"]):
            score *= _TESTS
        return replace(candidate, score=score)

    return ordered([*map(anew, candidates[:_LOOKED_AT]), *candidates[_LOOKED_AT:]])


def above_floor(candidates: Sequence[Candidate], terms: Terms) -> list[Candidate]:
    """Without those that share no word with the query and are hardly like it."""
    least = _FLOOR * max((candidate.score for candidate in candidates), default=0.0)
    return [c for c in candidates if c.score > least or terms.shares(c)]


def ordered(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Best first; equal scores by key."""
    return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.key))


def thinned(candidates: Sequence[Candidate], per_document: int | None) -> list[Candidate]:
    """At most `per_document` of a document; None: all."""
    if per_document is None:
        return list(candidates)
    seen: dict[tuple[str, str], int] = {}
    kept = []
    for candidate in candidates:
        number = seen[candidate.document] = seen.get(candidate.document, 0) + 1
        if number <= per_document:
            kept.append(candidate)
    return kept


def _ends(text: str, at: int) -> bool:
    """Whether a word that goes on here ends soon: it is a form of what was sought."""
    return not text[at : at + _MOST_MORE].isalnum()


def spoken(key: str, searched: str) -> str:
    """A chunk's language, from its text; remembered, as a chunk's id changes with its text."""
    language = _LANGUAGES.get(key)
    if language is None:
        if len(_LANGUAGES) >= _MOST_LANGUAGES:
            _LANGUAGES.clear()
        language = _LANGUAGES[key] = language_of(searched.partition("\n")[2] or searched)
    return language


@lru_cache(maxsize=20_000)
def _holds_tests(document_id: str) -> bool:
    """Whether a document is a file of tests. Ids of files are their paths."""
    return _OF_TESTS.search(document_id) is not None


@lru_cache(maxsize=20_000)
def _name_words(name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(folded(word) for word in WORD.findall(name)))


def _meant(key: str, word: str) -> bool:
    if is_cjk(key) or is_cjk(word):
        return key in word or word in key
    return same_word(key, word)
