"""What an answer is: its text or passages, what they stand on, and all that a reader has to know to trust it or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from wiki_pipeline.answers import cite
from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.llm.usage import Usage
from wiki_pipeline.answers.retrieve import Searched


class Outcome(StrEnum):
    """What came of a question."""

    ANSWERED = "answered"
    NOTHING = "nothing"  # what was found does not answer it
    REFUSED = "refused"  # the model would not
    FAILED = "failed"
    CANCELLED = "cancelled"


class Method(StrEnum):
    """Who wrote an answer: nobody (passages are quoted), or a language model."""

    PASSAGES = "passages"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a reader has to know about an answer.

    Attributes:
        code: stays the same between versions.
        message: a sentence for people.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A passage that may answer the question, word for word from a page.

    Attributes:
        citation: id of what it is from.
        kind: `sentence`, `item`, `row` or `code`.
        text: the passage, as Markdown or code.
        before, after: the sentences around it, for context; may be empty.
        header: of a table's row, the line that names its columns.
        score: comparable within one answer only.
    """

    citation: str
    kind: str
    text: str
    before: str = ""
    after: str = ""
    header: str = ""
    score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of a model's answer, as far as it says something.

    Attributes:
        begin, end: where it stands in the answer's text, its markers included.
        citations: ids that it is marked with; none: it stands on nothing.
        missing: numbers, dates, versions, paths and names in it that what it cites does not hold.
    """

    begin: int
    end: int
    citations: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, complete.

    Attributes:
        text: a model's, as Markdown, with markers `[c3]` of `citations`; empty for passages.
        sentences: of `text`, those that say something.
        passages: best first; of an outcome `nothing`, the nearest that there is.
        citations: all that were issued for this answer, used or not, in the order of their numbers.
        terms: words of the question, to be marked.
        looked_at: chunks that were found and looked at.
        unknown_ids: markers of things that were never issued; they are not in `text`.
        links_removed: addresses that the model had put behind markers.
    """

    outcome: Outcome
    method: Method
    question: str
    text: str = ""
    sentences: tuple[Sentence, ...] = ()
    passages: tuple[Passage, ...] = ()
    citations: tuple[Citation, ...] = ()
    notes: tuple[Note, ...] = ()
    searched: tuple[Searched, ...] = ()
    terms: tuple[str, ...] = ()
    looked_at: int = 0
    unknown_ids: int = 0
    links_removed: int = 0
    model: str = ""
    usage: Usage | None = None

    @property
    def used(self) -> tuple[Citation, ...]:
        """The citations that the text or the passages stand on, in the order in which they appear."""
        order = [name for sentence in self.sentences for name in sentence.citations]
        order += [passage.citation for passage in self.passages]
        known = cite.by_id(self.citations)
        return tuple(known[name] for name in dict.fromkeys(order) if name in known)

    def to_json(self) -> dict[str, Any]:
        """As it is stored and sent."""
        return asdict(self)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Answer:
        """As it was stored."""
        usage = facts.get("usage")
        given = {
            **facts,
            "outcome": Outcome(facts["outcome"]),
            "method": Method(facts["method"]),
            "sentences": tuple(
                Sentence(**{**one, "citations": tuple(one["citations"]), "missing": tuple(one["missing"])})
                for one in facts["sentences"]
            ),
            "passages": tuple(Passage(**one) for one in facts["passages"]),
            "citations": tuple(cite.from_json(one) for one in facts["citations"]),
            "notes": tuple(Note(**one) for one in facts["notes"]),
            "searched": tuple(Searched(**one) for one in facts["searched"]),
            "terms": tuple(facts["terms"]),
            "usage": Usage(**usage) if usage else None,
        }
        return cls(**given)


def notes_on(searched: Sequence[Searched]) -> list[Note]:
    """What may be missing, since a source was not read completely."""
    notes = []
    if never := [each.title for each in searched if each.condition == "never"]:
        notes.append(Note("source_not_synced", f"Not read yet, so missing here: {', '.join(never)}."))
    if failed := [each.title for each in searched if each.condition == "failed"]:
        notes.append(
            Note("source_failed", f"Could not be read again lately, so changes may be missing: {', '.join(failed)}.")
        )
    return notes
