"""Contradictions that can be told without understanding: two documents say the same sentence with another number.

Safe rather than complete. Two statements are held against each other only if they stand in different documents, share
nearly all of their words in nearly the same order, differ in exactly one value that has the same unit on both sides,
and name nothing that tells two things apart. Reports of single events (one page a day, one a release) are left out:
they say the same of different things.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.research.report import Claim, Contradiction
from wiki_pipeline.answers.sentences import Kind, parts_of
from wiki_pipeline.answers.words import stem, telling, words_of
from wiki_pipeline.wiki.snippet import pieces_of

_VALUE = re.compile(
    r"(?<![\w.,/-])(?P<money>[€$£]\s?)?(?P<number>[vV]?\d{1,4}(?:[.,:]\d{1,4}){0,3})"
    r"\s?(?P<unit>%|€|\$|°C|[A-Za-zµ]{1,12})?(?![\w/])"
)
_NAMED = re.compile(r"\b(version|release|port)[ :]{1,2}v?$", re.IGNORECASE)  # what the value behind it is
_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}\.\s?\d{1,2}\.\s?\d{4}\b")
_FEWEST_WORDS = 4  # telling ones that two statements share
_SAME = 0.75  # of their telling words
_MOST_STATEMENTS = 3_000
_MOST = 12
_SHOWN = 300
# Words that tell two things of one kind apart: roman numerals, letters that stand alone, names within a sentence.
_TELLS_APART = re.compile(r"\b(?:[IVX]{1,5}|[A-Z])\b")
_CAPITAL = re.compile(r"(?<=[a-z,;)] )[A-ZÄÖÜ][\w-]+")
_NOT = frozenset(["not", "no", "never", "nicht", "kein", "keine", "nie", "pas", "jamais", "non", "nunca", "mai", "ne"])
# Pages of which there is one for each event: a date, a version or a number in the title.
_SERIES = re.compile(r"\d")
_UNITS = {
    "second": "s", "seconds": "s", "sec": "s", "s": "s", "sekunden": "s",
    "minute": "min", "minutes": "min", "min": "min", "minuten": "min",
    "hour": "h", "hours": "h", "h": "h", "stunden": "h", "heures": "h",
    "day": "d", "days": "d", "d": "d", "tage": "d", "tagen": "d", "jours": "d", "días": "d",
    "week": "w", "weeks": "w", "wochen": "w",
    "month": "m", "months": "m", "monate": "m", "monaten": "m", "mois": "m",
    "year": "y", "years": "y", "jahre": "y", "jahren": "y", "ans": "y",
    "%": "%", "percent": "%", "prozent": "%", "€": "eur", "eur": "eur", "euro": "eur", "euros": "eur",
    "$": "usd", "usd": "usd", "kb": "kb", "mb": "mb", "gb": "gb", "tb": "tb", "ms": "ms", "km": "km", "m": "m",
    "kg": "kg", "g": "g", "v": "v", "a": "a", "w": "w", "°c": "°c",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Statement:
    """A sentence, an item or a row, with its values taken out.

    Attributes:
        words: stems of what is left, as often as they stand there.
        order: the same in their order.
        values: number and unit of each value, in their order.
        apart: what tells this thing from others of its kind.
    """

    citation: Citation
    text: str
    words: Counter[str]
    order: tuple[str, ...]
    values: tuple[tuple[str, str], ...]
    apart: frozenset[str]


def contradictions_in(citations: Sequence[Citation]) -> list[Contradiction]:
    """The contradictions that can be told safely, in the order of the citations."""
    statements = [statement for citation in citations for statement in _statements(citation)][:_MOST_STATEMENTS]
    by_word: dict[str, list[_Statement]] = {}
    for statement in statements:
        for word in statement.words:
            by_word.setdefault(word, []).append(statement)
    found: list[Contradiction] = []
    seen: set[tuple[str, str]] = set()
    for one, other in _pairs(by_word):
        pair = (one.citation.id, other.citation.id)
        if pair in seen or not _contradict(one, other):
            continue
        seen.add(pair)
        claims = (Claim(citation=one.citation.id, says=one.text), Claim(citation=other.citation.id, says=other.text))
        about = " ".join(word for word in _shared_words(one, other))
        found.append(Contradiction(about=about, claims=claims, newer=newer_of([one.citation, other.citation])))
        if len(found) >= _MOST:
            break
    return found


def newer_of(citations: Sequence[Citation]) -> str:
    """The id of the one whose document was changed last; empty if that is not known of all, or the same."""
    moments = [datetime.fromisoformat(one.modified_at) for one in citations if one.modified_at]
    if len(moments) < len(citations) or not moments:
        return ""
    last = max(moments)
    newest = [one for one, moment in zip(citations, moments, strict=True) if moment == last]
    return newest[0].id if len({one.document for one in newest}) == 1 else ""


def _statements(citation: Citation) -> Iterable[_Statement]:
    if citation.code or _SERIES.search(citation.title):
        return
    for part in parts_of(citation.text):
        if part.kind in {Kind.CODE, Kind.HEADING}:
            continue
        text = part.of(citation.text)
        plain = "".join(piece.text for piece in pieces_of(text, "", most=_SHOWN * 2))
        if part.kind is Kind.ROW:
            plain = " ".join(cell.strip() for cell in text.strip().strip("|").split("|"))
        statement = _statement(citation, plain)
        if statement:
            yield statement


def _statement(citation: Citation, plain: str) -> _Statement | None:
    values: list[tuple[str, str]] = []

    def take(found: re.Match[str]) -> str:
        unit = _UNITS.get((found["unit"] or found["money"] or "").strip().casefold(), "")
        if not unit and (named := _NAMED.search(found.string, max(0, found.start() - 12), found.start())):
            unit = named[1].casefold()
        values.append((found["number"].lstrip("vV").replace(",", "."), unit))
        return f" {found['unit']} " if found["unit"] and not unit else " "

    def take_date(found: re.Match[str]) -> str:
        values.append((found[0].replace(" ", ""), "date"))
        return " "

    rest = _VALUE.sub(take, _DATE.sub(take_date, plain))
    if not values or len(values) > 4:
        return None
    order = tuple(stem(word) for word in telling(rest) if len(word) > 1)
    if len(order) < _FEWEST_WORDS:
        return None
    apart = {found[0] for found in _TELLS_APART.finditer(rest)} | {found[0] for found in _CAPITAL.finditer(rest)}
    apart |= _NOT.intersection(words_of(rest))
    return _Statement(citation, plain[:_SHOWN], Counter(order), order, tuple(values), frozenset(apart))


def _pairs(by_word: dict[str, list[_Statement]]) -> Iterable[tuple[_Statement, _Statement]]:
    """Statements that share a rare word, each pair once, in their order."""
    seen: set[tuple[int, int]] = set()
    for statements in by_word.values():
        if len(statements) > 40:
            continue
        for one, other in combinations(statements, 2):
            key = (id(one), id(other))
            if key not in seen:
                seen.add(key)
                yield one, other


def _contradict(one: _Statement, other: _Statement) -> bool:
    if one.citation.document == other.citation.document or len(one.values) != len(other.values):
        return False
    differing = [(a, b) for a, b in zip(one.values, other.values, strict=True) if a != b]
    if len(differing) != 1 or one.apart != other.apart:
        return False
    (_, unit), (_, same_unit) = differing[0]
    if not unit or unit != same_unit:
        return False
    shared = sum((one.words & other.words).values())
    total = max(sum(one.words.values()), sum(other.words.values()))
    if shared < _FEWEST_WORDS or shared / total < _SAME:
        return False
    common = one.words & other.words
    return [word for word in one.order if word in common] == [word for word in other.order if word in common]


def _shared_words(one: _Statement, other: _Statement) -> list[str]:
    common = one.words & other.words
    words = [word for word in words_of(one.text) if stem(word) in common]
    return list(dict.fromkeys(words))[:8]
