"""What a query says: words, phrases in quotes, words that must not be there, and where it is looked for.

    "on call" rota            both words next to each other
    rota -weekend             without the word
    title:rota                in the title; likewise label:howto, path:docs/ (a part of the path), author:ana
    -label:archive            none of that label
    kind:code                 likewise page, file, prose, or a kind of source
    after:2026-10-01          changed on that day or later (also since:); before:2026-11-01
    lang:de                   texts in German

Whatever is no such form is a word: there is no query that can't be read. Values reach LanceDB as literals only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from wiki_pipeline.store.filters import literal, of_author, of_kind, with_facet, with_label
from wiki_pipeline.text.chunk.search_text import split_identifiers
from wiki_pipeline.text.normalise import cjk_bigrams
from wiki_pipeline.text.terms import ALL_FILLERS, WORD, is_cjk, stem

# Facets that a query may name, as `status:Done`; `is:` is the category of the status.
_FACETS = {
    "status": "status",
    "is": "category",
    "assignee": "assignee",
    "reporter": "reporter",
    "type": "type",
    "project": "project",
    "priority": "priority",
}
_FIELDS = "|".join(("title", "label", "path", "author", "kind", "after", "since", "before", "lang", *_FACETS))
_PART = re.compile(
    rf'(?<!\S)(?P<no>-?)(?:(?P<field>{_FIELDS}):)?"(?P<phrase>[^"]{{1,300}})"'
    rf'|(?<!\S)(?P<not>-?)(?P<where>{_FIELDS}):(?P<value>[^\s"]{{1,300}})'
    r"|(?<!\S)-(?P<without>[^\W\d_][^\s\"]{2,100})",
    re.IGNORECASE,
)
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")
_MOST_PARTS = 16  # phrases, exclusions and fields that count; what lies beyond is words
# Full-text search takes time by the word (5,000 words over a second); what lies beyond says little about a question.
MAX_TERMS = 64
MAX_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A query that has been read.

    Attributes:
        words: all that is looked for, as text; phrases and titles without their marks.
        phrases: what must stand there as it is.
        without: words and phrases that must not be there.
        conditions: SQL that must hold, its values as literals.
        languages: what the text must be in, as "de"; any of them.
    """

    words: str
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    conditions: tuple[str, ...] = field(default=())
    languages: tuple[str, ...] = ()

    @property
    def terms(self) -> list[str]:
        """The words that say what is asked, each once, as they are written; all, if none does."""
        words = self._split()
        return [word for word in words if word.casefold() not in ALL_FILLERS] or words

    @property
    def fillers(self) -> list[str]:
        """The words that say nothing, unless there are no others."""
        told = set(self.terms)
        return [word for word in self._split() if word not in told]

    @property
    def keys(self) -> list[str]:
        """The terms as a search compares them itself: without punctuation, one of each stem; of words without spaces
        their pairs of characters."""
        words = [word for term in self.terms for word in WORD.findall(term)]
        parts = [part for word in words for part in (cjk_bigrams(word).split() if is_cjk(word) else [word])]
        first = {part if is_cjk(part) else stem(part): part for part in reversed(parts)}
        return [part for part in dict.fromkeys(parts) if part in first.values()][:MAX_TERMS]

    @property
    def written(self) -> list[str]:
        """The words whose spelling can be looked into, as they are written."""
        words = (word for term in self.terms for word in WORD.findall(term))
        return [word for word in dict.fromkeys(words) if not word.isdigit() and not is_cjk(word)]

    def _split(self) -> list[str]:
        text = self.words[:MAX_CHARACTERS]
        words = (_EDGES.sub("", word) for word in f"{text} {split_identifiers(text)}".split())
        return list(dict.fromkeys(filter(None, words)))[:MAX_TERMS]


def parsed(query: str) -> Asked:
    """Read a query; never fails.

    Args:
        query: normalised text.
    """
    words: list[str] = []
    phrases: list[str] = []
    without: list[str] = []
    conditions: list[str] = []
    languages: list[str] = []
    behind = 0
    for count, part in enumerate(_PART.finditer(query)):
        if count >= _MOST_PARTS:
            break
        words.append(query[behind : part.start()])
        behind = part.end()
        if (part["field"] or part["where"] or "").lower() == "lang" and not (part["no"] or part["not"]):
            languages.append((part["phrase"] or part["value"]).lower()[:2])
            continue
        if part["without"]:
            without.append(part["without"])
            continue
        value, name = part["phrase"] or part["value"], (part["field"] or part["where"] or "").lower()
        negated = bool(part["no"] or part["not"])
        if name:
            condition = _condition(name, value, negated=negated)
            if condition is None:  # no day: it is what people write, not what they ask for
                words.append(part[0])
                continue
            conditions.append(condition)
            if name == "title" and not negated:
                words.append(value)
        elif negated:
            without.append(value)
        elif WORD.search(value):
            phrases.append(value)
            words.append(value)
    words.append(query[behind:])
    text = " ".join(" ".join(words).split())
    if not WORD.search(text) and not conditions and not languages:
        # Nothing but exclusions: of what, nobody can say. They are taken for words, as of a command's options.
        return Asked(query)
    return Asked(text, tuple(phrases), tuple(without), tuple(conditions), tuple(languages))


def _condition(name: str, value: str, *, negated: bool) -> str | None:
    """A field as SQL; None if its value makes no sense."""
    match name:
        case "label":
            holds = with_label(value)
        case "author":
            holds = of_author(value)
        case "kind":
            holds = of_kind(value)
        case "after" | "since" | "before":
            day = _day(value)
            if day is None:
                return None
            holds = f"last_modified {'<' if name == 'before' else '>='} {int(day.timestamp())}"
        case _ if name in _FACETS:
            holds = with_facet(f"{_FACETS[name]}={value}")
        case "lang":
            return None  # of those that are not wanted nothing is known
        case _:
            parts = WORD.findall(value) or [value] if name == "title" else [value]
            holds = " AND ".join(f"contains(lower({name}), {literal(part.lower())})" for part in parts)
    return f"NOT ({holds})" if negated else f"({holds})"


def _day(value: str) -> datetime | None:
    """The beginning of a day, a month or a year, in UTC; None if it is none."""
    for form in ("%Y-%m-%d", "%Y-%m", "%Y"):
        try:
            return datetime.strptime(value, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
