"""What research finds, and the report that it ends in. The same form with a language model and without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from wiki_pipeline.answers import cite
from wiki_pipeline.answers.answer import Method, Note, Outcome, Passage, Sentence
from wiki_pipeline.answers.cite import Citation, Staleness
from wiki_pipeline.answers.llm.usage import Usage
from wiki_pipeline.answers.retrieve import Searched


class Ended(StrEnum):
    """Why nothing more was looked for."""

    COMPLETE = "complete"  # every sub-question was looked up, and nothing was left open that could be
    STEPS = "steps"
    TIME = "time"
    BUDGET = "budget"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubQuestion:
    """A part of the question that is looked up by itself.

    Attributes:
        id: `q2`; of this research only.
        title: heads its section.
        text: what is looked up.
        why: where it comes from, for people.
        queries: further words that a gap check proposed to look it up by.
        page, heading: where in the wiki it was read off; empty if it was not.
    """

    id: str
    title: str
    text: str
    why: str
    queries: tuple[str, ...] = ()
    page: str = ""
    heading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A step: a sub-question was looked up.

    Attributes:
        number: from 1.
        question: id of the sub-question.
        queries: what was searched for.
        kept: ids of the citations that are read, best first: those issued in this step, and those of steps before.
        seen: chunks that were found again and left out, since they are read already.
        others: chunks that were left out since they fit less well.
        others_named: titles of the first of those.
        support: how much of the sub-question the best of them holds, 0 to 1.
        answers: whether that is enough.
    """

    number: int
    question: str
    queries: tuple[str, ...]
    kept: tuple[str, ...]
    seen: int
    others: int
    others_named: tuple[str, ...]
    support: float
    answers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a source says of something that another one says otherwise."""

    citation: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Sources that don't agree.

    Attributes:
        about: what they speak of.
        newer: id of the citation whose document was changed last; empty where that is not known, or it is the same.
    """

    about: str
    claims: tuple[Claim, ...]
    newer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of the report: a model's text with its sentences, or passages word for word.

    Attributes:
        question: id of the sub-question; empty for the summary.
        text: Markdown with markers `[c3]`; empty for passages.
        unknown_ids, links_removed: as of an answer.
    """

    question: str
    title: str
    text: str = ""
    sentences: tuple[Sentence, ...] = ()
    passages: tuple[Passage, ...] = ()
    unknown_ids: int = 0
    links_removed: int = 0

    @property
    def used(self) -> tuple[str, ...]:
        """Ids of what it stands on, in the order in which they appear."""
        order = [name for sentence in self.sentences for name in sentence.citations]
        return tuple(dict.fromkeys((*order, *(passage.citation for passage in self.passages))))


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """A document that the report stands on, as the table of sources shows it.

    Attributes:
        citations: ids of what is cited of it.
        stale: None if it was up to date, as far as was known.
    """

    source: str
    source_title: str
    kind: str
    document_id: str
    title: str
    path: str
    version: str
    author: str
    modified_at: str | None
    url: str
    wiki_url: str
    citations: tuple[str, ...]
    stale: Staleness | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report, complete.

    Attributes:
        summary: answers the question in short; None if nothing does.
        not_found: sub-questions that nothing here answers.
        citations: all that were issued, used or not, in the order of their numbers.
        sources: documents that are cited, in the order in which they first are.
        terms: words of the question, to be marked.
        steps, looked_at: sub-questions looked up, and chunks read.
        seconds: that it took, waiting and interruptions left out.
    """

    outcome: Outcome
    method: Method
    question: str
    ended: Ended
    summary: Section | None = None
    sections: tuple[Section, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    not_found: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()
    sources: tuple[SourceRow, ...] = ()
    notes: tuple[Note, ...] = ()
    searched: tuple[Searched, ...] = ()
    terms: tuple[str, ...] = ()
    steps: int = 0
    looked_at: int = 0
    seconds: float = 0.0
    model: str = ""
    usage: Usage | None = field(default=None)

    @property
    def all_sections(self) -> tuple[Section, ...]:
        """Summary and sections."""
        return (self.summary, *self.sections) if self.summary else self.sections

    def to_json(self) -> dict[str, Any]:
        """As it is stored and sent."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Report:
        """As it was stored."""
        usage, summary = facts.get("usage"), facts.get("summary")
        given = {
            **facts,
            "outcome": Outcome(facts["outcome"]),
            "method": Method(facts["method"]),
            "ended": Ended(facts["ended"]),
            "summary": section_from_json(summary) if summary else None,
            "sections": tuple(map(section_from_json, facts["sections"])),
            "contradictions": tuple(map(contradiction_from_json, facts["contradictions"])),
            "not_found": tuple(facts["not_found"]),
            "citations": tuple(map(cite.from_json, facts["citations"])),
            "sources": tuple(map(_row_from_json, facts["sources"])),
            "notes": tuple(Note(**one) for one in facts["notes"]),
            "searched": tuple(Searched(**one) for one in facts["searched"]),
            "terms": tuple(facts["terms"]),
            "usage": Usage(**usage) if usage else None,
        }
        return cls(**given)


def question_from_json(facts: Mapping[str, Any]) -> SubQuestion:
    """A sub-question as it was stored."""
    return SubQuestion(**{**facts, "queries": tuple(facts["queries"])})


def looked_from_json(facts: Mapping[str, Any]) -> Looked:
    """A step as it was stored."""
    lists = {name: tuple(facts[name]) for name in ("queries", "kept", "others_named")}
    return Looked(**{**facts, **lists})


def contradiction_from_json(facts: Mapping[str, Any]) -> Contradiction:
    """A contradiction as it was stored."""
    return Contradiction(**{**facts, "claims": tuple(Claim(**one) for one in facts["claims"])})


def section_from_json(facts: Mapping[str, Any]) -> Section:
    """A section as it was stored."""
    sentences = tuple(
        Sentence(**{**one, "citations": tuple(one["citations"]), "missing": tuple(one["missing"])})
        for one in facts["sentences"]
    )
    passages = tuple(Passage(**one) for one in facts["passages"])
    return Section(**{**facts, "sentences": sentences, "passages": passages})


def _row_from_json(facts: Mapping[str, Any]) -> SourceRow:
    stale = facts["stale"]
    return SourceRow(
        **{**facts, "citations": tuple(facts["citations"]), "stale": Staleness(**stale) if stale else None}
    )


def sources_of(citations: Sequence[Citation], used: Sequence[str]) -> tuple[SourceRow, ...]:
    """The documents of the citations that are used, in their order."""
    known = cite.by_id(citations)
    rows: dict[tuple[str, str], list[Citation]] = {}
    for name in dict.fromkeys(used):
        if name in known:
            rows.setdefault(known[name].document, []).append(known[name])
    return tuple(_row(each) for each in rows.values())


def _row(cited: Sequence[Citation]) -> SourceRow:
    first = cited[0]
    return SourceRow(
        source=first.source,
        source_title=first.source_title,
        kind=first.kind,
        document_id=first.document_id,
        title=first.title,
        path=first.path,
        version=first.version,
        author=first.author,
        modified_at=first.modified_at,
        url=first.url,
        wiki_url=first.wiki_url.partition("#")[0],
        citations=tuple(one.id for one in cited),
        stale=next((one.stale for one in cited if one.stale), None),
    )
