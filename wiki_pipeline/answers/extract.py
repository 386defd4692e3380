"""Answers without a language model: the sentences of the chunks found that say most of what is asked.

A sentence counts by how much of the question it holds, rare words more (IDF among all sentences found); what its
title and headings hold counts less, and so do the likeness of vectors, the rank of its chunk, and whether it has what
the question's kind asks for (a number for "how many"). Passages that say the same, or stand in the same document, are
put back in favour of others (maximal marginal relevance).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np

from wiki_pipeline.answers.answer import Passage
from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.sentences import Kind, Part, parts_of
from wiki_pipeline.answers.words import holds, stem, stems, telling, words_of
from wiki_pipeline.text.chunk.search_text import split_identifiers
from wiki_pipeline.text.embed import Embedder
from wiki_pipeline.text.normalise import cjk_bigrams

MOST, FEWEST = 5, 3
# Weights of what speaks for a sentence: by judgement, looked at on the tuning half of `evaluation/handbook.jsonl`.
_COVERAGE, _AROUND, _LIKENESS, _RANK, _BONUS = 1.0, 0.6, 0.3, 0.35, 0.15
_BEFORE = 0.25  # of words that only the conversation before holds
_LAMBDA = 0.7  # of maximal marginal relevance: what counts is being right, the rest is being different
_SAME_DOCUMENT = 0.25
_RANK_SCALE = 6.0
_MOST_PARTS = 1_500
_MOST_CODE_LINES = 12
_LEAST_WORDS = 3
# A piece of code holds more words than any sentence, and seldom answers what was asked in words; tests hold the very
# question. So much it counts beside prose, unless the question names code.
_CODE = 0.6
# What holds the very question (a manual's example, a test, a list of questions) is no answer to it.
_REPEATED, _LEAST_REPEATED = 0.3, 4
_CODE_MARKS = re.compile(
    r"`|\w\(\)|\b(?:code|function|method|class|module|Funktion|Klasse|fonction|funci[oó]n)\b", re.IGNORECASE
)
# Below this part of the question (rare words more) in the best passage and what surrounds it, nothing here answers it.
# Fitted on the tuning half: of .3 to .55 it has the best mean of answers that should be given and refusals that should.
FLOOR = 0.45
_BESIDE = 0.7  # what a word counts for that only the surroundings hold
_CJK_FLOOR = 0.25  # of pairs of characters, many of which are no words
# What follows the best passage at a distance is no answer, only less wrong than the rest.
_BEHIND = 0.45

_LINK = re.compile(r"(!?)\[((?:[^\[\]\\\n]|\\.){0,500})\]\([^()\s]{0,2000}(?:\s\"[^\"\n]{0,300}\")?\)")
_BOLD = re.compile(r"\*\*[^*\n]{1,200}\*\*:?")
_NUMBER = re.compile(r"\d")
_WHEN = re.compile(
    r"\b\d{1,2}[:.]\d{2}\b|\b(?:19|20)\d{2}\b"
    r"|\b\d+\s*(?:s|sec|min|minutes?|hours?|h|days?|weeks?|months?|years?|Uhr|Stunden?|Minuten?|Tage?n?)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[a-zäöüß,;:)] )[A-ZÄÖÜ][\w-]+|@\w+")
_HOW_MANY = re.compile(
    r"\b(?:how (?:many|much|long|often|large|big)|wie\s?(?:viele?|lange|oft|hoch)|combien|cu[aá]nt[oa]s?|quanti)\b",
    re.IGNORECASE,
)
_KINDS = (
    (_HOW_MANY, _NUMBER),
    (re.compile(r"\b(?:when|since when|what time|wann|quand|cu[aá]ndo|quando)\b", re.IGNORECASE), _WHEN),
    (re.compile(r"\b(?:who|whom|whose|wer|wen|wem|qui|qui[eé]n|chi|quem)\b", re.IGNORECASE), _NAME),
)
_ASKING = (
    r"what|which|who|whom|whose|where|when|why|how|was|welche[rsnm]?|wer|wen|wem|wo|wann|warum|wie|wieso|woran"
    r"|que|quel(?:le)?s?|qui|où|quand|pourquoi|comment|qué|cuál(?:es)?|quién|dónde|cuándo|cómo|quale|quali|chi|dove"
    r"|quando|perché|come|qual|quais|quem|onde"
)
_AND = re.compile(
    rf"[,;?.]?\s+(?:and|und|et|y|e)\s+(?=(?:(?:in|an|für|for|by|to|from|à|de|di|da)\s)?(?:{_ASKING})\b)", re.IGNORECASE
)
_MOST_ASKED = 3
_HOW = re.compile(r"^\s*(?:how|wie|comment|c[oó]mo|come)\b(?! (?:many|much|long|often|viele|lange|oft))", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Extracted:
    """Passages, best first, and how well the best one speaks to the question.

    Attributes:
        support: part of the question that it and what surrounds it hold, 0 to 1.
        floor: below that, nothing here answers it.
    """

    passages: tuple[Passage, ...]
    support: float
    floor: float = FLOOR

    @property
    def answers(self) -> bool:
        """Whether the passages are more than the nearest that there is."""
        return bool(self.passages) and self.support >= self.floor


@dataclass(frozen=True, slots=True)
class _Unit:
    """A sentence of a chunk, with its words."""

    citation: Citation
    rank: int
    part: Part
    text: str
    words: frozenset[str]
    stems: frozenset[str]
    around: frozenset[str]  # words of title and headings, and of a row's header
    neighbours: tuple[Part | None, Part | None]
    said: str  # its words in a row

    def repeats(self, question: str) -> bool:
        """Whether it holds the question itself, word for word: then it asks, and answers nothing."""
        asked = words_of(question)
        return len(asked) >= _LEAST_REPEATED and f" {' '.join(asked)} " in f" {self.said} "


def extract(
    citations: Sequence[Citation],
    question: str,
    terms: Sequence[str],
    embedder: Embedder,
    *,
    terms_before: Sequence[str] = (),
) -> Extracted:
    """The passages that answer a question best. One that asks two things is answered in two parts: no sentence would
    hold most of its words.

    Args:
        citations: of the chunks found, best first.
        terms: the words that say what is asked.
        terms_before: words of the conversation before; they count little.

    Raises:
        EmbeddingError: the embedded model failed.
    """
    units = _units(citations)
    if not units or not terms:
        return Extracted((), 0.0)
    parts = [(part, own) for part in parts_asked(question) if (own := [t for t in terms if t in telling(part)])]
    if len(parts) < 2:
        return _extracted(units, question, terms, embedder, terms_before)
    found = [_extracted(units, part, own, embedder, terms_before) for part, own in parts]
    taken: dict[tuple[str, str], Passage] = {}
    for row in zip_longest(*(one.passages[:FEWEST] for one in found if one.answers)):
        taken |= {(passage.citation, passage.text): passage for passage in row if passage is not None}
    if not taken:
        return _extracted(units, question, terms, embedder, terms_before)
    best = max(found, key=lambda one: one.support)
    return Extracted(tuple(taken.values())[:MOST], best.support, best.floor)


def parts_asked(question: str) -> list[str]:
    """What a question asks, one thing each: it is parted where `and` is followed by a word that asks."""
    return [part for part in _AND.split(question) if part.strip()][:_MOST_ASKED]


def _extracted(
    units: Sequence[_Unit], question: str, terms: Sequence[str], embedder: Embedder, terms_before: Sequence[str]
) -> Extracted:
    weights = _weights(units, terms, terms_before)
    likeness = _likeness(units, question, embedder)
    scored = sorted(
        ((_score(unit, question, weights, alike), unit) for unit, alike in zip(units, likeness, strict=True)),
        key=lambda pair: (-pair[0], pair[1].rank, pair[1].part.begin),
    )
    chosen = _diverse(scored[:60])
    best = chosen[0][0]
    passages = [
        _passage(score, unit) for place, (score, unit) in enumerate(chosen) if place < FEWEST or score >= best * 0.75
    ]
    kept = [passage for passage in passages if passage.score >= best * _BEHIND]
    own = {term: weight for term, weight in weights.items() if term in terms}
    floor = _CJK_FLOOR if sum(map(bool, map(cjk_bigrams, terms))) * 2 > len(terms) else FLOOR
    return Extracted(tuple(kept), _support(chosen, own, question), floor)


def _units(citations: Sequence[Citation]) -> list[_Unit]:
    units: list[_Unit] = []
    seen: set[str] = set()
    for rank, citation in enumerate(citations):
        around = frozenset(words_of(" ".join((citation.title, *citation.headings, citation.path))))
        for part, text, neighbours in _parts(citation):
            said, links = (text, "") if part.kind is Kind.CODE else _said(text)
            words = words_of(said)
            same = " ".join(words)
            if len(words) < _LEAST_WORDS or same in seen:
                continue
            seen.add(same)
            more = around | frozenset(words_of(f"{part.header} {links}"))
            units.append(_Unit(citation, rank, part, text, frozenset(words), stems(words), more, neighbours, same))
            if len(units) >= _MOST_PARTS:
                return units
    return units


def _said(markdown: str) -> tuple[str, str]:
    """What is said in words, and what links are called: that tells where something is said, and says nothing itself.
    Pictures, and lines that are headings in disguise, say nothing."""
    links: list[str] = []

    def take(found: re.Match[str]) -> str:
        links.append("" if found[1] else found[2])
        return " "

    text = _LINK.sub(take, markdown)
    nothing = _BOLD.fullmatch(text.strip()) or markdown.lstrip().startswith("![")
    return "" if nothing else text, " ".join(links)


_Neighbours = tuple[Part | None, Part | None]


def _parts(citation: Citation) -> list[tuple[Part, str, _Neighbours]]:
    text = citation.text
    if citation.code:
        lines = text.strip("\n")
        return [(Part(Kind.CODE, 0, len(text), 0), lines, (None, None))]
    parts = [part for part in parts_of(text) if part.kind is not Kind.HEADING]
    found: list[tuple[Part, str, _Neighbours]] = []
    for place, part in enumerate(parts):
        before = parts[place - 1] if place else None
        after = parts[place + 1] if place + 1 < len(parts) else None
        near = [
            other if other and other.block == part.block and other.kind is part.kind is not Kind.ROW else None
            for other in (before, after)
        ]
        found.append((part, part.of(text), (near[0], near[1])))
    return found


def _weights(units: Sequence[_Unit], terms: Sequence[str], before: Sequence[str]) -> dict[str, float]:
    """How much each term says: rare ones more."""
    counts: Counter[str] = Counter()
    roots = {term: stem(term) for term in (*terms, *before)}
    for unit in units:
        for term, root in roots.items():
            counts[term] += root in unit.stems
    total = len(units)
    weights = {term: math.log(1 + (total - counts[term] + 0.5) / (counts[term] + 0.5)) for term in roots}
    return {
        term: weight * (_BEFORE if term in before and term not in terms else 1.0) for term, weight in weights.items()
    }


def _covered(unit: _Unit, weights: dict[str, float]) -> tuple[float, float]:
    """The parts of the question that the sentence holds, and those that only what surrounds it holds."""
    total = sum(weights.values()) or 1.0
    around = stems(unit.around)
    own = beside = 0.0
    for term, weight in weights.items():
        if holds(term, unit.stems, unit.words):
            own += weight
        elif holds(term, around, unit.around):
            beside += weight
    return own / total, beside / total


def _score(unit: _Unit, question: str, weights: dict[str, float], alike: float) -> float:
    own, beside = _covered(unit, weights)
    rank = 1.0 / (1.0 + unit.rank / _RANK_SCALE)
    score = _COVERAGE * own + _AROUND * beside + _LIKENESS * alike + _RANK * rank + _BONUS * _fits(unit, question)
    return score * _worth(unit, question)


def _worth(unit: _Unit, question: str) -> float:
    """What the words of a passage count, whatever they are."""
    if unit.repeats(question):
        return _REPEATED
    return _CODE if unit.part.kind is Kind.CODE and not _is_about_code(question) else 1.0


def _is_about_code(question: str) -> bool:
    return bool(split_identifiers(question)) or _CODE_MARKS.search(question) is not None


def _fits(unit: _Unit, question: str) -> float:
    """Whether a passage has what the question's kind asks for."""
    for asked, desired in _KINDS:
        if asked.search(question):
            return 1.0 if desired.search(unit.text) else 0.0
    if _HOW.search(question):
        return 1.0 if unit.part.kind in {Kind.CODE, Kind.ITEM} else 0.0
    return 0.0


def _likeness(units: Sequence[_Unit], question: str, embedder: Embedder) -> Sequence[float]:
    """Cosines with the question, where the model is here; a remote one would be asked for every sentence."""
    if not embedder.local:
        return [0.0] * len(units)
    vectors = embedder.embed([question, *(unit.text[:1_000] for unit in units)]).vectors
    cosines: list[float] = np.clip(vectors[1:] @ vectors[0], 0.0, 1.0).tolist()
    return cosines


def _diverse(scored: Sequence[tuple[float, _Unit]]) -> list[tuple[float, _Unit]]:
    """Up to `MOST` units: good ones that say something else than those before."""
    left = list(scored)
    chosen: list[tuple[float, _Unit]] = []
    while left and len(chosen) < MOST:
        best = max(
            left,
            key=lambda pair: (
                _LAMBDA * pair[0] - (1 - _LAMBDA) * max((_alike(pair[1], one) for _, one in chosen), default=0.0)
            ),
        )
        left.remove(best)
        if all(_alike(best[1], one) < 0.8 + _SAME_DOCUMENT for _, one in chosen):
            chosen.append(best)
    return sorted(chosen, key=lambda pair: -pair[0])


def _alike(one: _Unit, other: _Unit) -> float:
    shared = len(one.stems & other.stems) / (len(one.stems | other.stems) or 1)
    return shared + (_SAME_DOCUMENT if one.citation.document == other.citation.document else 0.0)


def _support(chosen: Sequence[tuple[float, _Unit]], weights: dict[str, float], question: str) -> float:
    """Of the question's rare and common words, the part that the best of the passages holds with what surrounds it;
    words that stand in its surroundings alone count less, and so does code."""
    parts = []
    for _, unit in chosen[:FEWEST]:
        near = [part.of(unit.citation.text) for part in unit.neighbours if part]
        words = unit.words | frozenset(words_of(" ".join(near)))
        own, beside = _covered(replace(unit, words=words, stems=stems(words)), weights)
        parts.append((own + _BESIDE * beside) * _worth(unit, question))
    return max(parts, default=0.0)


def _passage(score: float, unit: _Unit) -> Passage:
    text = unit.text
    if unit.part.kind is Kind.CODE:
        lines = text.split("\n")
        text = "\n".join(lines[:_MOST_CODE_LINES]) + ("\n…" if len(lines) > _MOST_CODE_LINES else "")
    before, after = (part.of(unit.citation.text) if part else "" for part in unit.neighbours)
    return Passage(
        citation=unit.citation.id,
        kind=unit.part.kind.value,
        text=text,
        before=before,
        after=after,
        header=unit.part.header,
        score=round(score, 4),
    )
