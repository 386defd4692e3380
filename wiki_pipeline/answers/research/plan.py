"""Sub-questions without a language model: what the question says itself, and what its pages say around it.

A question of several parts is taken apart. What else belongs to it is read off the passages that it finds: headings
that they stand below, symbols of code, and words that stand beside those of the question in several documents.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.research.report import SubQuestion
from wiki_pipeline.answers.sentences import Kind, parts_of
from wiki_pipeline.answers.words import holds, stems, telling, words_of
from wiki_pipeline.text.chunk.search_text import split_identifiers

_RANK_SCALE = 8.0
_LEAST_COVERAGE = 0.5  # of the question's words in a passage whose heading is to become a sub-question
_TOPICS = 3  # read off the pages, for a question that has parts of its own
_CODE = 0.35  # what a symbol counts beside a heading, unless the question names code
_ALIKE = 0.5  # stems that two topics may share
_LONGEST_TITLE = 90
_TERMS_BESIDE = 5  # of the question, that a topic is looked up with
_LONGEST_QUERY = 300
_BESIDE_DOCUMENTS = 3
_ASKING = (
    "how|what|who|whom|whose|where|when|why|which|is|are|does|do|can|wie|was|wer|wen|wem|wo|wann|warum|welche[rsnm]?"
    "|comment|que|quoi|qui|où|quand|pourquoi|quel(?:le)?s?|combien|c[oó]mo|qu[eé]|qui[eé]n|d[oó]nde|cu[aá]ndo|cu[aá]l"
    "|come|cosa|chi|dove|quando|perch[eé]|quale|quanto"
)
_BREAK = re.compile(
    rf"[?？;；]\s*|[,，]?\s+(?:and|und|et|y|e|or|oder|ou|sowie)\s+(?=(?:{_ASKING})\b)|,\s+(?=(?:{_ASKING})\b)",
    re.IGNORECASE,
)
_NUMBERING = re.compile(r"^\W*(?:(?:step|schritt|étape|paso)\s+)?\d{1,3}(?:\.\d{1,3})*[.):]?\s+", re.IGNORECASE)
_CODE_WORDS = re.compile(
    r"`|\w\(\)|\b(?:code|function|method|class|module|implement\w*|Funktion|Klasse|fonction|funci[oó]n)\b",
    re.IGNORECASE,
)
_SYNTAX = re.compile(r"[\"“”„«»:]|(?<!\w)-+|[`*_#|<>\[\]]{1,3}(?=\s|$)")
# Headings that stand over anything, and say nothing of it.
_EMPTY_HEADINGS = """
overview introduction summary notes note contents details background description see also links related references
usage example examples general misc other appendix todo home index readme faq changelog license überblick einleitung
inhalt hinweise beispiele übersicht zusammenfassung allgemeines introduction aperçu résumé remarques exemples resumen
introducción notas ejemplos
"""
_EMPTY = frozenset(_EMPTY_HEADINGS.split())
_HOW_IT_IS_WORDS = """
organised organized handled managed structured work works working happens happen happened goes done made set run find
finds defined decided organisiert funktioniert geregelt gehandhabt passiert geschieht abläuft organisé organisée
fonctionne géré gérée passe organizado organizada funciona gestiona sucede pasa organizzato funziona gestito succede
"""
_HOW_IT_IS = frozenset(_HOW_IT_IS_WORDS.split())


@dataclass(frozen=True, slots=True)
class _Topic:
    """Something that the passages found speak of.

    Attributes:
        key: stems of what it is called.
        page: where it was found first.
    """

    title: str
    key: frozenset[str]
    page: str
    heading: str
    code: bool


def parts_of_question(question: str) -> list[str]:
    """The questions that a question is made of; itself alone, where it is one."""
    parts = [part.strip(" ,.") for part in _BREAK.split(question) if part.strip(" ,.?")]
    whole = [part for part in parts if len(telling(part)) >= 1 and len(words_of(part)) >= 2]
    return whole if len(whole) > 1 else [question.strip()]


def planned(question: str, citations: Sequence[Citation], most: int, *, answered: bool = True) -> list[SubQuestion]:
    """The sub-questions, the question itself first.

    Args:
        citations: of what the question finds, best first.
        most: sub-questions.
        answered: whether what it finds says something about it; headings of other things lead nowhere.
    """
    parts = parts_of_question(question)[:most]
    why = "the question itself" if len(parts) == 1 else "a part of the question"
    found = [SubQuestion(id="", title=_titled(part), text=part, why=why) for part in parts]
    if answered:
        most = min(most, len(parts) + _TOPICS) if len(parts) > 1 else most
        taken = [
            stems(telling(question)) if len(parts) == 1 else frozenset(),
            *(stems(telling(part)) for part in parts),
        ]
        for topic in _topics(question, citations):
            if len(found) >= most:
                break
            if any(_alike(topic.key, other) for other in taken) or not topic.key - stems(telling(question)):
                continue
            taken.append(topic.key)
            where = "a symbol in" if topic.code else "a heading of" if topic.heading else "a page that fits:"
            found.append(
                SubQuestion(
                    id="",
                    title=topic.title,
                    text=beside(topic.title, question),
                    why=f"{where} “{_titled(topic.page)}”",
                    page=topic.page,
                    heading=topic.heading,
                )
            )
        for word, documents in words_beside(question, citations):
            if len(found) >= most:
                break
            if any(stems([word]) & other for other in taken):
                continue
            taken.append(stems([word]))
            why = f"stands beside the question's words in {documents} documents"
            found.append(SubQuestion(id="", title=_titled(word), text=beside(word, question), why=why))
    return [replace(one, id=f"q{number}") for number, one in enumerate(found, 1)]


def asked_in(text: str) -> tuple[str, ...]:
    """The words that say what is asked for; not those that ask how something is, whatever it is: pages seldom hold
    them."""
    words = telling(text)
    return tuple(word for word in words if word not in _HOW_IT_IS) or words


def beside(topic: str, question: str) -> str:
    """What a topic is looked up by: itself, and the words of the question that say most."""
    known = stems(words_of(topic))
    terms = [term for term in asked_in(question) if not stems([term]) & known]
    return searchable(f"{topic} {' '.join(sorted(terms, key=len, reverse=True)[:_TERMS_BESIDE])}")


def searchable(text: str) -> str:
    """A text without what a search would take for its syntax."""
    return " ".join(_SYNTAX.sub(" ", text).split())[:_LONGEST_QUERY]


def words_beside(question: str, citations: Sequence[Citation], most: int = 6) -> list[tuple[str, int]]:
    """Words that stand in the same sentences as the question's, in several documents, and in how many."""
    terms = asked_in(question)
    own = stems(words_of(question))
    documents: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    everywhere: Counter[str] = Counter()
    for citation in citations:
        for part in parts_of(citation.text):
            if citation.code or part.kind in {Kind.CODE, Kind.HEADING}:
                continue
            words = words_of(part.of(citation.text))
            of = stems(words)
            said = {word for word in telling(" ".join(words)) if len(word) > 4 and not word.isdigit()}
            everywhere.update(said)
            if any(holds(term, of, frozenset(words)) for term in terms):
                for word in said:
                    if not stems([word]) & own:
                        documents[word].add(citation.document)
    found = [(word, len(of)) for word, of in documents.items() if len(of) >= _BESIDE_DOCUMENTS]
    # Beside the question's words more often than elsewhere, and in more documents.
    found.sort(key=lambda pair: (-pair[1] * pair[1] / everywhere[pair[0]], -pair[1], pair[0]))
    return found[:most]


def missing_words(question: str, citations: Iterable[Citation]) -> list[str]:
    """The question's words that nothing of what was read holds."""
    texts = [frozenset(words_of(f"{one.title} {' '.join(one.headings)} {one.text}")) for one in citations]
    of = [stems(text) for text in texts]
    return [
        term
        for term in asked_in(question)
        if len(term) > 2 and not any(holds(term, one, text) for one, text in zip(of, texts, strict=True))
    ]


def is_repeated(text: str, others: Iterable[str]) -> bool:
    """Whether a question or query asks what one of the others asks, in nearly the same words."""
    own = stems(telling(text))
    return not own or any(_alike(own, stems(telling(other)), 0.8) for other in others)


def _topics(question: str, citations: Sequence[Citation]) -> list[_Topic]:
    terms = asked_in(question)
    about_code = is_about_code(question)
    weights: defaultdict[frozenset[str], float] = defaultdict(float)
    topics: dict[frozenset[str], _Topic] = {}
    for rank, citation in enumerate(citations):
        names = [name for name in (*citation.headings[-2:], citation.title) if _says_something(name)]
        if not names:
            continue
        around = f"{citation.title} {' '.join(citation.headings)}"
        words = frozenset(words_of(f"{around} {citation.text}"))
        coverage = sum(holds(term, stems(words), words) for term in terms) / (len(terms) or 1)
        if coverage < _LEAST_COVERAGE:
            continue
        heading = citation.headings[-1] if citation.headings and _says_something(citation.headings[-1]) else ""
        key = stems(telling(heading or citation.title))
        if not key:
            continue
        weight = coverage * coverage / (1 + rank / _RANK_SCALE)
        weights[key] += weight * (1.0 if about_code or not citation.code else _CODE)
        title = _titled(f"{citation.title} › {_titled(heading)}" if heading else citation.title)
        topics.setdefault(key, _Topic(title, key, citation.title, heading, citation.code))
    return [topics[key] for key in sorted(topics, key=lambda key: (-weights[key], topics[key].title))]


def is_about_code(question: str) -> bool:
    """Whether a question names code: then code answers it, which else is quoted before prose too easily."""
    return bool(split_identifiers(question)) or _CODE_WORDS.search(question) is not None


def _says_something(heading: str) -> bool:
    words = words_of(_NUMBERING.sub("", heading))
    return any(len(word) > 2 and not word.isdigit() for word in words) and not set(words) <= _EMPTY


def _titled(text: str) -> str:
    bare = " ".join(_NUMBERING.sub("", text).replace("`", "").replace("**", "").split())
    bare = bare if len(bare) <= _LONGEST_TITLE else bare[:_LONGEST_TITLE].rsplit(" ", 1)[0] + " …"
    return bare[:1].upper() + bare[1:] if bare[:1].isalpha() and not split_identifiers(bare[:40]) else bare


def _alike(one: frozenset[str], other: frozenset[str], most: float = _ALIKE) -> bool:
    return bool(one and other) and len(one & other) / min(len(one), len(other)) > most
