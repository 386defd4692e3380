"""A question becomes an answer: find, quote; or with a language model find, pack, ask, check.

Whatever goes wrong with the model, an answer comes: quoted passages, and a note that says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wiki_pipeline.answers import prompt
from wiki_pipeline.answers.answer import Answer, Method, Note, Outcome, notes_on
from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.extract import Extracted, extract
from wiki_pipeline.answers.llm import ChatModel, ChatRequest, End, Purse, Usage
from wiki_pipeline.answers.retrieve import Library, Question, Searched
from wiki_pipeline.answers.writing import Emit, Written, write
from wiki_pipeline.errors import BudgetError, ModelError
from wiki_pipeline.tracing import traced

_LONGEST_REWRITE = 600


def silent(_event: str, _data: Any) -> None:
    """For callers whom only the answer concerns."""


def never() -> bool:
    """For callers who never cancel."""
    return False


@dataclass(frozen=True)
class Asker:
    """Answers questions from a library.

    Attributes:
        model: None: passages are quoted.
    """

    library: Library
    model: ChatModel | None = None

    @traced("answer")
    def answer(self, question: Question, emit: Emit = silent, cancelled: Callable[[], bool] = never) -> Answer:
        """Answer a question.

        Args:
            emit: told of each step (`step`), of what was found (`found`), and of a model's text as it comes (`text`:
                pieces that are texts, or ids of citations).
            cancelled: asked often; once true, what there is becomes the answer.

        Raises:
            SearchError: there is no question in it.
            EmbeddingError, StoreError, CatalogError: what is needed is out of reach.
        """
        question = question.checked()
        searched = tuple(self.library.searched(question.filters))
        scope = self.library.scope
        purse = self.model.purse(scope.tenant, scope.membership.account) if self.model else None
        usage: Usage | None = None
        if self.model and purse and question.history:
            emit("step", {"step": "understanding", "message": "Reading the conversation"})
            question, usage = self._standalone(question, self.model, purse, cancelled)
        emit("step", {"step": "searching", "message": looking_in(searched)})
        question, hits = self.library.find(question)
        citations = self.library.cite(hits)
        found = {"chunks": len(citations), "pages": len({citation.document for citation in citations})}
        emit("found", found)
        extracted = extract(
            citations, question.words, question.terms, self.library.embedder,
            terms_before=question.terms_before,
        )  # fmt: skip
        facts = _Facts(question, searched, citations, extracted)
        if self.model is None or purse is None or not citations or cancelled():
            return facts.quoted(cancelled=cancelled())
        return self._written(facts, self.model, purse, usage, emit, cancelled)

    def _standalone(
        self, question: Question, model: ChatModel, purse: Purse, cancelled: Callable[[], bool]
    ) -> tuple[Question, Usage | None]:
        """The question as it would be asked without its conversation; as it is where that can't be had."""
        request = ChatRequest(messages=prompt.rewrite(question), cache_key=prompt.rewrite_key(question))
        try:
            said = model.ask(request, purse, lambda _: None, cancelled)
        except (ModelError, BudgetError):
            return question, None  # the answer itself will say it
        lines = said.chat.text.strip().splitlines()
        line = lines[0].strip().strip('"') if said.chat.end is End.COMPLETE and lines else ""
        usable = 0 < len(line) <= _LONGEST_REWRITE and any(character.isalnum() for character in line)
        return (replace(question, standalone=line) if usable else question), said.usage

    def _written(
        self,
        facts: _Facts,
        model: ChatModel,
        purse: Purse,
        usage: Usage | None,
        emit: Emit,
        cancelled: Callable[[], bool],
    ) -> Answer:
        emit("step", {"step": "writing", "message": f"{model.name} is reading {len(facts.citations)} passages"})
        try:
            written = write(
                model,
                purse,
                facts.citations,
                messages=lambda packed: prompt.ask(facts.question, packed),
                key=lambda packed: prompt.ask_key(facts.question, packed),
                emit=emit,
                cancelled=cancelled,
            )
        except (ModelError, BudgetError) as error:
            return facts.quoted(_could_not(error), usage=usage)
        return facts.written(model, written, usage.plus(written.usage) if usage else written.usage)


@dataclass(frozen=True)
class _Facts:
    """What is known before anything is written."""

    question: Question
    searched: tuple[Searched, ...]
    citations: Sequence[Citation]
    extracted: Extracted

    def quoted(self, *notes: Note, usage: Usage | None = None, cancelled: bool = False) -> Answer:
        """Passages, word for word."""
        outcome = Outcome.ANSWERED if self.extracted.answers else Outcome.NOTHING
        return self._answer(
            outcome=Outcome.CANCELLED if cancelled else outcome,
            method=Method.PASSAGES,
            passages=self.extracted.passages,
            notes=(*notes, *notes_on(self.searched)),
            usage=usage,
        )

    def written(self, model: ChatModel, written: Written, usage: Usage) -> Answer:
        """What the model wrote, checked; passages beside it where it wrote nothing that answers."""
        notes = [Note("endpoint_address", model.remark)] if model.remark else []
        notes += written.notes
        if not written.text and written.end is not End.CANCELLED:
            outcome = {End.REFUSED: Outcome.REFUSED}.get(written.end)
            answer = self.quoted(*notes, usage=usage)
            return replace(answer, outcome=outcome, model=model.name) if outcome else answer
        outcome = Outcome.NOTHING if written.declined and not written.is_cited else Outcome.ANSWERED
        outcome = {End.REFUSED: Outcome.REFUSED, End.CANCELLED: Outcome.CANCELLED}.get(written.end, outcome)
        if outcome is Outcome.ANSWERED and not written.is_cited:
            notes.append(Note("uncited", "The model named no source for anything that it says here."))
        return self._answer(
            outcome=outcome,
            method=Method.MODEL,
            text=written.text,
            sentences=written.sentences,
            passages=self.extracted.passages if outcome in {Outcome.NOTHING, Outcome.REFUSED} else (),
            notes=(*notes, *notes_on(self.searched)),
            usage=usage,
            model=model.name,
            unknown_ids=written.unknown_ids,
            links_removed=written.links_removed,
        )

    def _answer(self, **facts: Any) -> Answer:
        terms = tuple(dict.fromkeys((*self.question.terms, *self.question.terms_before)))
        return Answer(
            question=self.question.text,
            citations=tuple(self.citations),
            searched=self.searched,
            terms=terms,
            looked_at=len(self.citations),
            **facts,
        )


def _could_not(error: ModelError | BudgetError) -> Note:
    return Note(error.code, f"No answer was written: {error} The pages are quoted instead.")


def looking_in(searched: Sequence[Searched]) -> str:
    """What is looked in, for those who watch."""
    match len(searched):
        case 0:
            return "There is no source to look in"
        case 1:
            return f"Looking in {searched[0].title}"
        case count:
            return f"Looking in {count} sources"
