"""What a language model does in research: it plans, checks for gaps, compares sources, writes sections.

Whatever it says is checked: ids were issued by the program, texts are bounded, what repeats something is dropped. What
can't be used, or can't be had, is told as what it is, and done in the way without a model; a budget that is used up
ends all calls. After some failures in a row the model is left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from wiki_pipeline.answers.answer import Note
from wiki_pipeline.answers.check import checked
from wiki_pipeline.answers.cite import Citation, by_id
from wiki_pipeline.answers.llm import ChatModel, ChatRequest, End, Message, Purse, Usage
from wiki_pipeline.answers.markers import Marker
from wiki_pipeline.answers.pack import pack
from wiki_pipeline.answers.research import prompt
from wiki_pipeline.answers.research.contradictions import newer_of
from wiki_pipeline.answers.research.plan import is_repeated, searchable
from wiki_pipeline.answers.research.progress import Progress
from wiki_pipeline.answers.research.report import Claim, Contradiction, Section, SubQuestion
from wiki_pipeline.answers.writing import Emit, Written, pages_budget, write
from wiki_pipeline.errors import BudgetError, ModelError

_MOST_FAILURES = 3  # in a row
_MOST_FOUND = 40  # titles and headings that a plan is made from
_TITLE, _QUESTION, _QUERY, _SAYS = 120, 400, 200, 400
_MOST_QUERIES = 2
_MOST_CONTRADICTIONS = 12

_Line = Annotated[str, BeforeValidator(lambda value: " ".join(value.split()) if isinstance(value, str) else value)]


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Question(_Loose):
    title: _Line = ""
    question: _Line = ""


class _Plan(_Loose):
    questions: list[_Question]


class _Gap(_Loose):
    id: _Line = ""
    title: _Line = ""
    question: _Line = ""
    queries: list[_Line] = Field(default_factory=list)


class _Gaps(_Loose):
    gaps: list[_Gap]


class _Claim(_Loose):
    id: _Line = ""
    says: _Line = ""


class _Contradiction(_Loose):
    about: _Line = ""
    claims: list[_Claim] = Field(default_factory=list)


class _Contradictions(_Loose):
    contradictions: list[_Contradiction]


Form = TypeVar("Form", bound=BaseModel)


@dataclass
class Assistant:
    """A model at work on one research. What its methods return is None where it has nothing that can be used.

    Attributes:
        purse: what it may spend, with what it spent.
        cancelled: whether to stop.
        note: records something that readers have to know.
        usage: what the last method took; the caller records it.
        exhausted: a budget is used up: nothing more is asked.
    """

    model: ChatModel
    purse: Purse
    question: str
    cancelled: Callable[[], bool]
    note: Callable[[Note], None]
    usage: Usage | None = None
    exhausted: bool = False
    _failures: int = field(default=0)

    @property
    def can_be_asked(self) -> bool:
        """Whether another call makes sense."""
        return not self.exhausted and self._failures < _MOST_FAILURES and not self.cancelled()

    def plan(self, found: Sequence[str], most: int) -> tuple[list[SubQuestion], int] | None:
        """Sub-questions, and how many more it proposed than are taken.

        Args:
            found: titles and headings of what a first search found.
        """
        found = found[:_MOST_FOUND]
        messages = prompt.plan(self.question, found, most)
        said = self._json(_Plan, messages, prompt.PLAN_SCHEMA, "a plan", prompt.key(messages, found=found))
        if said is None:
            return None
        chosen: list[SubQuestion] = []
        for one in said.questions:
            text = searchable(one.question)[:_QUESTION]
            if len(chosen) < most and not is_repeated(text, [other.text for other in chosen]):
                title = (one.title or one.question)[:_TITLE]
                chosen.append(SubQuestion(id=f"q{len(chosen) + 1}", title=title, text=text, why="planned by the model"))
        return (chosen, max(0, len(said.questions) - len(chosen))) if chosen else None

    def gaps(self, progress: Progress, evidence: Sequence[Citation], most: int) -> tuple[list[SubQuestion], int] | None:
        """Sub-questions that are missing, or that have new queries; and how many proposals were dropped."""
        packed = pack(evidence, pages_budget(self.model) // 2, self.model.counter.count)
        tried = [query for step in progress.looked for query in step.queries]
        stand = [(one, "answered" if progress.is_answered(one) else "not answered yet") for one in progress.questions]
        messages = prompt.gaps(self.question, stand, tried, packed, most)
        said = self._json(_Gaps, messages, prompt.GAPS_SCHEMA, "a check for gaps", prompt.key(messages, packed))
        if said is None:
            return None
        known = {one.id: one for one in progress.questions}
        new: dict[str, SubQuestion] = {}
        for gap in said.gaps:
            asked = [*tried, *(query for one in new.values() for query in one.queries)]
            queries: list[str] = []
            for query in [*gap.queries[: _MOST_QUERIES * 2], gap.question]:
                text = searchable(query)[:_QUERY]
                if text and not is_repeated(text, [*asked, *queries]):
                    queries.append(text)
            if not queries or len(new) >= most:
                continue
            before = known.get(gap.id)
            name = before.id if before else f"q{len(known) + len(new.keys() - known.keys()) + 1}"
            new[name] = SubQuestion(
                id=name,
                title=before.title if before else (gap.title or queries[0])[:_TITLE],
                text=before.text if before else (searchable(gap.question)[:_QUESTION] or queries[0]),
                why=before.why if before else "a gap that the model found",
                queries=(*(before.queries if before else ()), *queries[:_MOST_QUERIES]),
            )
        return list(new.values()), len(said.gaps) - len(new)

    def contradictions(self, evidence: Sequence[Citation]) -> tuple[list[Contradiction], int] | None:
        """Contradictions whose both sides stand where the model says; and how many were dropped."""
        packed = pack(evidence, pages_budget(self.model), self.model.counter.count)
        messages = prompt.contradictions(self.question, packed)
        key = prompt.key(messages, packed)
        said = self._json(_Contradictions, messages, prompt.CONTRADICTIONS_SCHEMA, "a comparison", key)
        if said is None:
            return None
        known = by_id(packed.citations)
        found = []
        for one in said.contradictions[: _MOST_CONTRADICTIONS * 2]:
            claims = tuple(claim for each in one.claims[:4] if (claim := _claim(each, packed.shown)))
            if len({known[claim.citation].document for claim in claims}) > 1 and one.about:
                newer = newer_of([known[claim.citation] for claim in claims])
                found.append(Contradiction(about=one.about[:_TITLE], claims=claims, newer=newer))
        return found[:_MOST_CONTRADICTIONS], len(said.contradictions) - len(found)

    def section(self, part: SubQuestion, evidence: Sequence[Citation], emit: Emit) -> Section | None:
        """A section; None if the model wrote nothing that can be shown."""
        written = self._written(
            evidence, lambda packed: prompt.section(self.question, part, packed), emit, f"“{part.title}”"
        )
        return _section(part.id, part.title, written) if written else None

    def summary(self, titles: Sequence[str], evidence: Sequence[Citation], emit: Emit) -> Section | None:
        """The summary; None if the model wrote nothing that can be shown."""
        written = self._written(
            evidence, lambda packed: prompt.summary(self.question, titles, packed), emit, "the summary"
        )
        return _section("", "In short", written) if written else None

    # --- calls ---

    def _written(
        self, evidence: Sequence[Citation], messages: Callable[[Any], tuple[Message, ...]], emit: Emit, what: str
    ) -> Written | None:
        self.usage = None
        if not self.can_be_asked:
            return None
        try:
            written = write(
                self.model,
                self.purse,
                evidence,
                messages=messages,
                key=lambda packed: prompt.key(messages(packed), packed),
                emit=emit,
                cancelled=self.cancelled,
            )
        except (ModelError, BudgetError) as error:
            self._failed(error, f"{what} could not be written")
            return None
        self._failures = 0
        self.usage = written.usage
        for note in written.notes:
            self.note(Note(note.code, f"Of {what}: {note.message}"))
        if not written.text or (written.declined and not written.is_cited) or written.end is End.CANCELLED:
            return None
        return written

    def _json(
        self, form: type[Form], messages: tuple[Message, ...], schema: dict[str, Any], what: str, key: str = ""
    ) -> Form | None:
        """An answer in a form, read leniently; asked for once more if it can't be read."""
        self.usage = None
        for attempt in (1, 2):
            if not self.can_be_asked:
                return None
            request = ChatRequest(messages=messages, schema=schema, cache_key=key or prompt.key(messages))
            try:
                said = self.model.ask(request, self.purse, lambda _: None, self.cancelled)
            except (ModelError, BudgetError) as error:
                self._failed(error, f"{what} could not be had")
                return None
            self._failures = 0
            self.usage = self.usage.plus(said.usage) if self.usage else said.usage
            if said.chat.end is End.REFUSED:
                self.note(Note("refused", f"The model would not give {what}: it was done without."))
                return None
            if said.chat.end is End.CANCELLED:
                return None
            found = _read(form, said.chat.text)
            if found is not None:
                return found
            messages, key = prompt.again(messages, said.chat.text), ""
            if attempt == 1 and said.chat.end is not End.COMPLETE:
                break  # cut off, or nothing but thoughts: the same again would end the same
        self.note(Note("unreadable", f"The model's answer to {what} could not be read: it was done without."))
        return None

    def _failed(self, error: ModelError | BudgetError, what: str) -> None:
        self._failures += 1
        if isinstance(error, BudgetError):
            self.exhausted = True
            self.note(Note(error.code, f"{error} What was found until then is the report; the pages are quoted."))
        else:
            self.note(Note(error.code, f"{what[:1].upper()}{what[1:]} by the model: {error} It was done without."))


def _section(question: str, title: str, written: Written) -> Section:
    return Section(
        question=question,
        title=title,
        text=written.text,
        sentences=written.sentences,
        unknown_ids=written.unknown_ids,
        links_removed=written.links_removed,
    )


def _claim(claim: _Claim, shown: dict[str, str]) -> Claim | None:
    """A claim, if its id was issued, and its numbers, dates and names stand in what that id names."""
    name = claim.id.strip(" []").lower()
    name = f"c{name}" if name.isdigit() else name
    says = claim.says[:_SAYS]
    if name not in shown or not says:
        return None
    sentences = checked((says, Marker((name,))), shown)
    if any(sentence.missing for sentence in sentences):
        return None
    return Claim(citation=name, says=says)


_FENCE = re.compile(r"^\s*```[a-z]*\s*|\s*```\s*$")


def _read(form: type[Form], text: str) -> Form | None:
    """JSON in a text: alone, in a fence, or between other words; a list without its name is taken too."""
    bare = _FENCE.sub("", text.strip())
    decoder = json.JSONDecoder()
    name = next(iter(form.model_fields))
    starts = [at for at in (bare.find("{"), bare.find("[")) if at >= 0]
    for at in sorted(starts):
        try:
            value, _ = decoder.raw_decode(bare, at)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, list):
            value = {name: value}
        try:
            return form.model_validate(value)
        except ValidationError:
            continue
    return None
