"""Research: a question is taken apart, looked up step by step, checked for gaps, and becomes a report with sources.

    plan            sub-questions, by the model or read off what a first search finds
    look            each with queries of its own; what is read already is left out
    gaps            what is still open gets new queries, or a sub-question more
    contradictions  sources that don't agree, and which is newer
    sections        written by the model and checked, or passages word for word

Every step is recorded when it is done (`progress`), and nothing else is remembered: who goes on after a kill repeats
what was under way. Steps, time, tokens and price are bounded; when one of them is used up, or somebody cancels, what
was found until then becomes the report, which says so.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace

from wiki_pipeline.answers.answer import Method, Note, Outcome, Passage, notes_on
from wiki_pipeline.answers.ask import looking_in
from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.extract import Extracted, extract
from wiki_pipeline.answers.llm import ChatModel
from wiki_pipeline.answers.research.assistant import Assistant
from wiki_pipeline.answers.research.contradictions import contradictions_in
from wiki_pipeline.answers.research.plan import (
    asked_in,
    beside,
    is_about_code,
    is_repeated,
    missing_words,
    parts_of_question,
    planned,
    searchable,
    words_beside,
)
from wiki_pipeline.answers.research.progress import Progress, Recorder
from wiki_pipeline.answers.research.report import Contradiction, Ended, Looked, Report, Section, SubQuestion, sources_of
from wiki_pipeline.answers.research.settings import ResearchSettings
from wiki_pipeline.answers.retrieve import Library, Question, fused
from wiki_pipeline.answers.sentences import Kind
from wiki_pipeline.answers.words import holds, stems, telling, words_of
from wiki_pipeline.catalog import Spent
from wiki_pipeline.store import Hit
from wiki_pipeline.store.search import MAX_HITS

_SEED = 40  # chunks that a plan is read off
_GAP_CHECKS = 2
_SEEN_AGAIN = 4  # chunks read before that a step takes for its own sub-question too
_IN_SHORT = 5  # passages
_CODE_SPAN = re.compile(r"`[^`\n]+`")
_MOST_CODE = 0.4  # of a passage, where the question does not name code
_FEWEST_WORDS = 5  # of a passage that says something by itself
_PROSE = ("text/markdown", "text/x-rst", "text/asciidoc", "text/html", "text/plain")
_NAMED = 4  # of what was left out
_LEAST_COVERAGE = 0.25  # of the sub-question's words in a chunk that is read for it
_LOOKING = 0.7  # of the time: the rest is kept for writing, where a model writes
_MOST_CITATIONS = 400
_COMPARED = 40


@dataclass(frozen=True, slots=True)
class Limits:
    """How far one research goes."""

    questions: int
    steps: int
    passages: int
    seconds: float
    tokens: int
    price: float

    @classmethod
    def of(cls, settings: ResearchSettings) -> Limits:
        """As the settings say."""
        return cls(
            questions=settings.research_questions,
            steps=settings.research_steps,
            passages=settings.research_passages,
            seconds=settings.research_seconds,
            tokens=settings.research_tokens,
            price=settings.research_price,
        )


@dataclass
class Researcher:
    """Makes one report.

    Attributes:
        progress: what is done already; empty at the beginning.
        emit: records an event.
        cancelled: asked often; once true, what was found becomes the report. May raise, to leave things as they are.
        model: None: passages are quoted.
    """

    library: Library
    question: Question
    limits: Limits
    progress: Progress
    emit: Callable[[str, object], None]
    cancelled: Callable[[], bool]
    model: ChatModel | None = None
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)
    _used_passages: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._began = self.clock() - self.progress.seconds
        self._recorder = Recorder(self.progress, self.emit, self._elapsed)
        self._assistant = self._opened_assistant()

    def report(self) -> Report:
        """Go on from where it is, to the report.

        Raises:
            SearchError: there is no question in it.
            EmbeddingError, StoreError, CatalogError: what is needed is out of reach.
        """
        self._begin()
        if not self.progress.questions:
            self._plan()
        ended = self._look()
        if self.progress.contradictions is None:
            self._compare(ended)
        return self._reported(ended)

    # --- the beginning ---

    def _begin(self) -> None:
        if self.progress.begun:
            self._recorder.emit("resumed", {"seconds": round(self._elapsed(), 2)})
            return
        searched = tuple(self.library.searched(self.question.filters))
        model = self.model.name if self.model else ""
        self._recorder.done(
            "begun",
            method=(Method.MODEL if self.model else Method.PASSAGES).value,
            model=model,
            searched=[asdict(one) for one in searched],
            limits=asdict(self.limits),
        )
        for note in (*notes_on(searched), *self._remarks()):
            self._recorder.note(note)

    def _remarks(self) -> list[Note]:
        return [Note("endpoint_address", self.model.remark)] if self.model and self.model.remark else []

    def _opened_assistant(self) -> Assistant | None:
        if self.model is None:
            return None
        used = self.progress.usage
        scope = self.library.scope
        purse = self.model.purse(scope.tenant, scope.membership.account)
        purse.what, purse.settings = "this research", "WIKI_PIPELINE_RESEARCH_TOKENS and WIKI_PIPELINE_RESEARCH_PRICE"
        purse.tokens, purse.price = self.limits.tokens or None, self.limits.price or None
        if used:
            purse.spent = Spent(used.calls, used.prompt_tokens, used.completion_tokens, used.price or 0.0)
        return Assistant(
            model=self.model,
            purse=purse,
            question=self.question.text,
            cancelled=self._out_of_time_or_cancelled,
            note=self._recorder.note,
            # What a process before used up stays used up.
            exhausted=any(note.code == "budget_exceeded" for note in self.progress.notes),
        )

    def _plan(self) -> None:
        self._recorder.tell("planning", looking_in(self.progress.searched))
        seed = self.library.cite(self.library.find(replace(self.question, chunks=_SEED))[1])
        found = list(dict.fromkeys(" > ".join((one.title, *one.headings)) for one in seed))
        pages = len({one.document for one in seed})
        proposed = None
        if self._assistant and seed:
            self._recorder.tell("planning", f"{self._assistant.model.name} is planning from {pages} pages found")
            proposed = self._assistant.plan(found, self.limits.questions)
        usage = self._assistant.usage if self._assistant else None
        if proposed:
            questions, left_out = proposed
            by = "model"
        else:
            extracted = self._extracted(self.question.text, seed)
            questions = planned(self.question.text, seed, self.limits.questions, answered=extracted.answers)
            left_out, by = 0, "pages"
        self._recorder.done(
            "plan",
            usage,
            questions=[asdict(one) for one in questions],
            by=by,
            left_out=left_out,
            chunks=len(seed),
            pages=pages,
        )

    # --- looking ---

    def _look(self) -> Ended:
        while True:
            if ended := self._stopped():
                return ended
            question = self.progress.next_open
            if question is not None:
                if len(self.progress.looked) >= self.limits.steps:
                    return Ended.STEPS
                self._look_up(question)
            elif self.progress.no_gaps or self.progress.gap_checks >= _GAP_CHECKS or not self._check_gaps():
                return Ended.COMPLETE

    def _look_up(self, question: SubQuestion) -> None:
        tried = {query for step in self.progress.steps_of(question) for query in step.queries}
        first = not self.progress.steps_of(question)
        proposed = (question.text, *question.queries) if first else question.queries
        queries = tuple(query for query in dict.fromkeys(map(searchable, proposed)) if query and query not in tried)
        number = len(self.progress.looked) + 1
        self._recorder.tell("looking", f"Looking up: {question.title}", question=question.id, number=number)
        known = {one.chunk_id: one for one in self.progress.citations.values()}
        count = min(MAX_HITS, self.question.chunks + len(known))
        hits = self._found(queries, count)
        fitting = _ordered(question, [hit for hit in hits if _covers(question, hit)], self._about_code)
        seen = [known[hit.chunk_id] for hit in fitting if hit.chunk_id in known]
        room = max(0, min(self.limits.passages, _MOST_CITATIONS - len(known)))
        fresh = [hit for hit in fitting if hit.chunk_id not in known]
        issued = self.library.cite(fresh[:room], first=len(known) + 1)
        kept = {one.chunk_id: one for one in (*seen[:_SEEN_AGAIN], *issued)}
        order = [kept[hit.chunk_id] for hit in fitting if hit.chunk_id in kept]
        extracted = self._extracted(question.text, [*self.progress.evidence(question), *order])
        left = [hit for hit in hits if hit.chunk_id not in kept and hit.chunk_id not in known]
        step = Looked(
            number=number,
            question=question.id,
            queries=queries,
            kept=tuple(one.id for one in order),
            seen=sum(hit.chunk_id in known for hit in hits),
            others=len(left),
            others_named=tuple(dict.fromkeys(hit.title or "Untitled" for hit in left))[:_NAMED],
            support=round(extracted.support, 3),
            answers=extracted.answers,
        )
        self._recorder.done("looked", step=asdict(step), citations=[asdict(one) for one in issued])

    def _found(self, queries: Sequence[str], count: int) -> list[Hit]:
        """What the queries find together, best first."""
        questions = [replace(self.question, text=query, chunks=count) for query in queries]
        return fused((1.0, self.library.find(one)[1]) for one in questions)

    def _check_gaps(self) -> bool:
        """Look whether something is missing. False if nothing more can be looked up."""
        self._recorder.tell("checking", "Checking what is still open")
        progress = self.progress
        room = min(max(1, self.limits.questions // 2), self.limits.steps - len(progress.looked))
        proposed = None
        if self._assistant and room > 0:
            evidence = self._best(progress.questions)
            proposed = self._assistant.gaps(progress, evidence, room)
        usage = self._assistant.usage if self._assistant else None
        new, dropped = proposed if proposed is not None else (self._gaps(room), 0)
        still = [one.id for one in progress.questions if not progress.is_answered(one)]
        self._recorder.done("gaps", usage, open=still, questions=[asdict(one) for one in new], dropped=dropped)
        return bool(new)

    def _gaps(self, most: int) -> list[SubQuestion]:
        """Gaps without a model: what found no answer is asked in other words once, and so is what nothing speaks of."""
        progress, new = self.progress, list[SubQuestion]()
        if progress.gap_checks:
            return []
        tried = [query for step in progress.looked for query in step.queries]
        for one in progress.questions:
            if progress.is_answered(one):
                continue
            near = [word for word, _ in words_beside(one.text, progress.evidence(one), 3)]
            for query in (searchable(one.title), beside(one.title, " ".join(near)) if near else ""):
                if query and not is_repeated(query, tried):
                    new.append(replace(one, queries=(*one.queries, query)))
                    tried.append(query)
                    break
        words = missing_words(self.question.text, progress.citations.values())
        query = searchable(" ".join(words))
        if words and not is_repeated(query, tried):
            number = len(progress.questions) + 1
            why = "words of the question that nothing read so far holds"
            new.append(SubQuestion(id=f"q{number}", title=" ".join(words).capitalize(), text=query, why=why))
        return new[:most]

    # --- the report ---

    def _compare(self, ended: Ended) -> None:
        self._recorder.tell("comparing", "Comparing what the sources say")
        evidence = self._best(self.progress.questions)
        found = contradictions_in(evidence)
        dropped = 0
        if self._assistant and ended is not Ended.CANCELLED and len({one.document for one in evidence}) > 1:
            told = self._assistant.contradictions(evidence[:_COMPARED])
            if told:
                found, dropped = _merged(told[0], found), told[1]
        usage = self._assistant.usage if self._assistant else None
        self._recorder.done("contradictions", usage, found=[asdict(one) for one in found], dropped=dropped)

    def _reported(self, ended: Ended) -> Report:
        progress = self.progress
        whole = self._extracted(self.question.text, self._best(progress.questions))
        shown = [one for one in progress.questions if progress.is_answered(one) and not self._is_whole(one)]
        for question in shown:
            if question.id not in progress.sections:
                self._section(question)
        titles = [progress.sections[one.id].title for one in shown if one.id in progress.sections]
        if "" not in progress.sections and (whole.answers or titles):
            self._summary(titles, whole)
        return self._complete(ended, whole)

    def _section(self, question: SubQuestion) -> None:
        """A section, by the model or of passages; recorded with what it took."""
        self._recorder.tell("writing", f"Writing: {question.title}", section=question.id)
        evidence = self.progress.evidence(question)
        section = self._assistant.section(question, evidence, self.emit) if self._assistant else None
        usage = self._assistant.usage if self._assistant else None
        if section is None:
            section = Section(question=question.id, title=question.title, passages=self._quoted(question, evidence))
        self._recorder.done("section", usage, section=asdict(section))

    def _quoted(self, question: SubQuestion, evidence: Sequence[Citation]) -> tuple[Passage, ...]:
        """The passages that answer a sub-question; of the place that it was read off, where that has any."""
        there = [one for one in evidence if _is_there(question, one)]
        for among in (there, evidence):
            found = self._extracted(question.text, among)
            passages = tuple(one for one in found.passages if _is_whole_statement(one, self._about_code))
            if passages and found.answers:
                return passages
        return ()

    def _summary(self, titles: Sequence[str], whole: Extracted) -> None:
        self._recorder.tell("writing", "Writing the summary", section="")
        section = None
        if self._assistant:
            used = [name for section in self.progress.sections.values() for name in section.used]
            cited = [self.progress.citations[name] for name in dict.fromkeys(used) if name in self.progress.citations]
            evidence = cited or self._best(self.progress.questions)
            section = self._assistant.summary(titles, evidence, self.emit)
        usage = self._assistant.usage if self._assistant else None
        if section is None:
            passages = self._in_short(whole)
            section = Section(question="", title="In short", passages=passages) if passages else None
        if section is not None:
            self._recorder.done("section", usage, section=asdict(section))

    def _in_short(self, whole: Extracted) -> tuple[Passage, ...]:
        """The best passages of each part of the question; of all that was read, where it has no parts."""
        parts = [one for one in self.progress.questions if one.text in parts_of_question(self.question.text)]
        best = [self._quoted(one, self.progress.evidence(one)) for one in parts if self.progress.is_answered(one)]
        each = max(1, _IN_SHORT // (len(best) or 1))
        passages = [passage for found in best for passage in found[:each]] if len(parts) > 1 else list(whole.passages)
        good = [one for one in passages if _is_whole_statement(one, self._about_code)]
        chosen = {(one.citation, one.text): one for one in good} if whole.answers or len(parts) > 1 else {}
        return grouped(tuple(chosen.values())[:_IN_SHORT], self.progress)

    def _complete(self, ended: Ended, whole: Extracted) -> Report:
        progress = self.progress
        summary = progress.sections.get("")
        sections = self._without_repeats(summary)
        ended = self._ended_after_writing(ended)
        found = bool(summary or sections)
        nearest: Section | None = None
        if not found and whole.passages:
            nearest = Section(question="", title="The nearest that there is", passages=whole.passages)
        used = [name for section in (summary, *sections, nearest) if section for name in section.used]
        told = progress.contradictions or []
        used += [claim.citation for one in told for claim in one.claims]
        written = any(section.text for section in (summary, *sections) if section)
        outcome = Outcome.ANSWERED if found else Outcome.NOTHING
        return Report(
            outcome=Outcome.CANCELLED if ended is Ended.CANCELLED else outcome,
            method=Method.MODEL if written else Method.PASSAGES,
            question=self.question.text,
            ended=ended,
            summary=summary or nearest,
            sections=tuple(sections),
            contradictions=tuple(told),
            not_found=tuple(one.title for one in progress.questions if not progress.is_answered(one)),
            citations=tuple(progress.citations.values()),
            sources=sources_of(list(progress.citations.values()), used),
            notes=(*progress.notes, *self._of_end(ended)),
            searched=progress.searched,
            terms=telling(self.question.text),
            steps=len(progress.looked),
            looked_at=len(progress.citations),
            seconds=round(self._elapsed(), 1),
            model=progress.model if written else "",
            usage=progress.usage,
        )

    def _ended_after_writing(self, ended: Ended) -> Ended:
        """What ended the writing, where nothing had ended the looking."""
        if self.cancelled():
            return Ended.CANCELLED
        if ended is not Ended.COMPLETE or self._assistant is None:
            return ended
        if self._assistant.exhausted:
            return Ended.BUDGET
        return Ended.TIME if self._elapsed() > self.limits.seconds else ended

    def _without_repeats(self, summary: Section | None) -> list[Section]:
        """The sections in the order of the plan; a passage is quoted once, and what is left empty is left out."""
        told = {(one.citation, one.text) for one in (summary.passages if summary else ())}
        sections = []
        for question in self.progress.questions:
            section = self.progress.sections.get(question.id)
            if section is None:
                continue
            if not section.text:
                fresh = tuple(one for one in section.passages if (one.citation, one.text) not in told)
                told |= {(one.citation, one.text) for one in fresh}
                section = replace(section, passages=grouped(fresh, self.progress))
            if section.text or section.passages:
                sections.append(section)
        return sections

    def _of_end(self, ended: Ended) -> list[Note]:
        open_ = sum(not self.progress.steps_of(one) for one in self.progress.questions)
        left = f" {open_} of {len(self.progress.questions)} sub-questions were not looked up." if open_ else ""
        match ended:
            case Ended.STEPS:
                return [Note("steps_used", f"All {self.limits.steps} steps were used.{left}")]
            case Ended.TIME:
                return [Note("time_used", f"The time ({self.limits.seconds:g} s) was used up.{left}")]
            case Ended.CANCELLED:
                return [Note("cancelled", f"Stopped on request: this is what was found until then.{left}")]
            case _:
                return []

    # --- what they share ---

    def _elapsed(self) -> float:
        return self.clock() - self._began

    def _stopped(self) -> Ended | None:
        if self.cancelled():
            return Ended.CANCELLED
        if self._elapsed() > self.limits.seconds * (_LOOKING if self._assistant else 1.0):
            return Ended.TIME
        return Ended.BUDGET if self._assistant and self._assistant.exhausted else None

    def _out_of_time_or_cancelled(self) -> bool:
        return self.cancelled() or self._elapsed() > self.limits.seconds

    @property
    def _about_code(self) -> bool:
        return is_about_code(self.question.text)

    def _is_whole(self, question: SubQuestion) -> bool:
        """Whether it is the question itself, which the summary answers."""
        return searchable(question.text) == searchable(self.question.text)

    def _extracted(self, text: str, citations: Sequence[Citation]) -> Extracted:
        return extract(citations, text, asked_in(text), self.library.embedder)

    def _best(self, questions: Iterable[SubQuestion]) -> list[Citation]:
        """The evidence of sub-questions by turns: the best of each, then the second of each ..."""
        lists = [self.progress.evidence(one) for one in questions]
        longest = max(map(len, lists), default=0)
        turns = [one[place] for place in range(longest) for one in lists if place < len(one)]
        return list({one.id: one for one in turns}.values())


def grouped(passages: Sequence[Passage], progress: Progress) -> tuple[Passage, ...]:
    """Passages of one page together, and below one heading in the order in which they stand there."""
    order: dict[tuple[str, str], int] = {}
    for place, passage in enumerate(passages):
        order.setdefault(progress.citations[passage.citation].document, place)

    def place_of(passage: Passage) -> tuple[int, str, int]:
        citation = progress.citations[passage.citation]
        return order[citation.document], " > ".join(citation.headings), citation.text.find(passage.text[:60])

    ordered = sorted(passages, key=place_of)
    shown: set[str] = {passage.text for passage in ordered}
    fresh = []
    for passage in ordered:  # what stands beside one passage and is another, or beside two, is shown once
        before, after = ("" if text in shown else text for text in (passage.before, passage.after))
        shown |= {before, after} - {""}
        fresh.append(replace(passage, before=before, after=after))
    return tuple(fresh)


def _covers(question: SubQuestion, hit: Hit) -> bool:
    """Whether a chunk holds enough of a sub-question's words to be read for it."""
    terms = asked_in(" ".join((question.text, *question.queries)))
    words = frozenset(words_of(f"{hit.title} {' '.join(hit.heading_path)} {hit.path} {hit.text}"))
    of = stems(words)
    least = _LEAST_COVERAGE / 2 if question.queries else _LEAST_COVERAGE  # which ask in other words
    return sum(holds(term, of, words) for term in terms) >= least * len(terms)


def _ordered(question: SubQuestion, hits: Sequence[Hit], about_code: bool) -> list[Hit]:
    """What stands where the sub-question was read off comes first, and code last, unless the question names code."""

    def place_of(hit: Hit) -> tuple[bool, bool]:
        there = bool(question.page) and hit.title == question.page
        there = there and (not question.heading or question.heading in hit.heading_path)
        return not there, not about_code and _is_code(hit)

    return sorted(hits, key=place_of)


def _is_code(hit: Hit) -> bool:
    return bool(hit.path) and not hit.media_type.startswith(_PROSE)


def _is_there(question: SubQuestion, citation: Citation) -> bool:
    """Whether a chunk stands where a sub-question was read off; of others, on a page that is called what they ask."""
    if not question.page:
        words = words_of(citation.title)
        return all(holds(term, stems(words), frozenset(words)) for term in asked_in(question.text))
    return citation.title == question.page and (not question.heading or question.heading in citation.headings)


def _is_whole_statement(passage: Passage, about_code: bool) -> bool:
    """Whether a passage says something by itself: code does only where it is asked for."""
    if passage.kind == Kind.CODE.value:
        return about_code
    if passage.kind == Kind.ROW.value:
        return True
    said = passage.text.rstrip(" *_")
    if not about_code and sum(map(len, _CODE_SPAN.findall(said))) > _MOST_CODE * len(said):
        return False
    return not said.endswith((":", "：")) and (len(words_of(said)) >= _FEWEST_WORDS or not said.isascii())


def _merged(told: Sequence[Contradiction], found: Sequence[Contradiction]) -> list[Contradiction]:
    """The model's, and those that it did not name."""
    pairs = {frozenset(claim.citation for claim in one.claims) for one in told}
    return [*told, *(one for one in found if frozenset(claim.citation for claim in one.claims) not in pairs)]
