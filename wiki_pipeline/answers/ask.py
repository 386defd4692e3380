"""A question becomes an answer: find, quote; or with a language model find, pack, ask, check.

Whatever goes wrong with the model, an answer comes: quoted passages, and a note that says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wiki_pipeline.answers import prompt
from wiki_pipeline.answers.answer import Answer, Method, Note, Outcome
from wiki_pipeline.answers.check import checked
from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.extract import Extracted, extract
from wiki_pipeline.answers.llm import ChatModel, ChatRequest, ContextOverflowError, End, Purse, Usage
from wiki_pipeline.answers.llm.calls import Said
from wiki_pipeline.answers.markers import Marker, MarkerReader, Token, canonical
from wiki_pipeline.answers.pack import Packed, pack
from wiki_pipeline.answers.retrieve import Library, Question, Searched
from wiki_pipeline.errors import BudgetError, ModelError
from wiki_pipeline.tracing import traced

Emit = Callable[[str, Any], None]
"""Takes what happens while an answer is made: the name of an event, and its data for JSON."""

_FLUSH_SECONDS = 0.15  # text is handed on in pieces that people can't tell from a flow
_OVERHEAD_TOKENS = 900  # of rules, question and fences
_LEAST_PAGES = 300
_REPACK = 0.85  # of what the endpoint says it holds, since its tokens are not ours
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
        purse = self.model.purse(self.library.scope.tenant) if self.model else None
        usage: Usage | None = None
        if self.model and purse and question.history:
            emit("step", {"step": "understanding", "message": "Reading the conversation"})
            question, usage = self._standalone(question, self.model, purse, cancelled)
        emit("step", {"step": "searching", "message": _looking_in(searched)})
        citations = self.library.cite(self.library.find(question))
        found = {"chunks": len(citations), "pages": len({citation.document for citation in citations})}
        emit("found", found)
        extracted = extract(
            citations, question.standalone or question.text, question.terms, self.library.embedder,
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
        notes = [Note("endpoint_address", model.remark)] if model.remark else []
        emit("step", {"step": "writing", "message": f"{model.name} is reading {len(facts.citations)} passages"})
        budget = _pages_budget(model)
        for attempt in (1, 2):
            packed = pack(facts.citations, budget, model.counter.count)
            stream = _TextStream(packed, emit)
            request = ChatRequest(
                messages=prompt.ask(facts.question, packed), cache_key=prompt.ask_key(facts.question, packed)
            )
            try:
                said = model.ask(request, purse, stream.take, cancelled)
            except ContextOverflowError as error:
                if attempt == 2:
                    return facts.quoted(_could_not(error), usage=usage)
                budget = _smaller(budget, error, model.counter.count_messages(request.texts))
                notes.append(
                    Note("repacked", "The passages were more than the model can hold: it was given fewer of them.")
                )
            except (ModelError, BudgetError) as error:
                return facts.quoted(_could_not(error), usage=usage)
            else:
                stream.end()
                total = usage.plus(said.usage) if usage else said.usage
                return facts.written(model, packed, stream, said, total, notes)
        raise AssertionError  # both attempts return


class _TextStream:
    """A model's text on its way: markers are read, pieces are handed on, and all of it is kept."""

    def __init__(self, packed: Packed, emit: Emit) -> None:
        self.reader = MarkerReader(prompt.known_ids(packed.citations))
        self.tokens: list[Token] = []
        self._emit = emit
        self._waiting: list[Token] = []
        self._sent = 0.0  # the first word is shown at once

    def take(self, text: str) -> None:
        """A piece as the endpoint sent it."""
        self._add(self.reader.feed(text))
        if time.monotonic() - self._sent >= _FLUSH_SECONDS:
            self._flush()

    def end(self) -> None:
        """No more comes."""
        self._add(self.reader.end())
        self._flush()

    def _add(self, tokens: Sequence[Token]) -> None:
        self.tokens += tokens
        self._waiting += tokens

    def _flush(self) -> None:
        pieces: list[dict[str, str]] = []
        for token in self._waiting:
            if isinstance(token, Marker):
                pieces += [{"cite": name} for name in token.ids if name != prompt.NOT_THERE]
            elif pieces and "text" in pieces[-1]:
                pieces[-1]["text"] += token
            else:
                pieces.append({"text": token})
        if pieces:
            self._emit("text", {"pieces": pieces})
        self._waiting = []
        self._sent = time.monotonic()


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
            notes=(*notes, *self._of_sources()),
            usage=usage,
        )

    def written(
        self, model: ChatModel, packed: Packed, stream: _TextStream, said: Said, usage: Usage, notes: list[Note]
    ) -> Answer:
        """What the model wrote, checked; passages beside it where it wrote nothing that answers."""
        tokens = _stripped(stream.tokens)
        sentences = checked(tokens, packed.shown, prompt.NOT_THERE)
        declined = any(isinstance(token, Marker) and prompt.NOT_THERE in token.ids for token in tokens)
        is_cited = any(sentence.citations for sentence in sentences)
        text = canonical(_without_declining(tokens)).rstrip()
        notes += _of_end(said, model)
        if not text and said.chat.end is not End.CANCELLED:
            outcome = {End.REFUSED: Outcome.REFUSED}.get(said.chat.end)
            answer = self.quoted(*notes, usage=usage)
            return replace(answer, outcome=outcome, model=model.name) if outcome else answer
        outcome = Outcome.NOTHING if declined and not is_cited else Outcome.ANSWERED
        outcome = {End.REFUSED: Outcome.REFUSED, End.CANCELLED: Outcome.CANCELLED}.get(said.chat.end, outcome)
        if outcome is Outcome.ANSWERED and not is_cited:
            notes.append(Note("uncited", "The model named no source for anything that it says here."))
        return self._answer(
            outcome=outcome,
            method=Method.MODEL,
            text=text,
            sentences=sentences,
            passages=self.extracted.passages if outcome in {Outcome.NOTHING, Outcome.REFUSED} else (),
            notes=(*notes, *self._of_sources()),
            usage=usage,
            model=model.name,
            unknown_ids=stream.reader.unknown,
            links_removed=stream.reader.links,
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

    def _of_sources(self) -> list[Note]:
        """What may be missing, since a source was not read completely."""
        notes = []
        if never := [each.title for each in self.searched if each.condition == "never"]:
            notes.append(Note("source_not_synced", f"Not read yet, so missing here: {', '.join(never)}."))
        if failed := [each.title for each in self.searched if each.condition == "failed"]:
            notes.append(
                Note(
                    "source_failed", f"Could not be read again lately, so changes may be missing: {', '.join(failed)}."
                )
            )
        return notes


def _without_declining(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without the id that stands for nothing."""
    kept: list[Token] = []
    for token in tokens:
        if isinstance(token, str):
            kept.append(token)
        elif ids := tuple(name for name in token.ids if name != prompt.NOT_THERE):
            kept.append(Marker(ids))
    return kept


def _stripped(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without white space before the first word."""
    for place, token in enumerate(tokens):
        if isinstance(token, Marker):
            return list(tokens[place:])
        if token.strip():
            return [token.lstrip(), *tokens[place + 1 :]]
    return []


def _of_end(said: Said, model: ChatModel) -> list[Note]:
    """What a reader has to know of how the model's answer ended."""
    chat, notes = said.chat, []
    match chat.end:
        case End.TRUNCATED:
            notes.append(Note("truncated", "The model stopped at its length limit: this answer is incomplete."))
        case End.REFUSED:
            why = f" It said: “{chat.refusal.strip()[:300]}”" if chat.refusal.strip() else ""
            notes.append(Note("refused", f"The model would not answer this.{why}"))
        case End.ONLY_THOUGHTS:
            limit = " Raise WIKI_PIPELINE_CHAT_MAX_TOKENS, or set it to 0." if model.settings.chat_max_tokens else ""
            notes.append(
                Note(
                    "only_thoughts",
                    f"The model used all of its length for thinking and wrote nothing.{limit} "
                    "The pages are quoted instead.",
                )
            )
        case End.BROKEN:
            what = "this answer is incomplete" if chat.text else "the pages are quoted instead"
            notes.append(Note("broken", f"The connection to the model broke off: {what}. {chat.detail}".strip()))
        case End.TIMEOUT:
            what = "this answer is incomplete" if chat.text else "the pages are quoted instead"
            notes.append(Note("timeout", f"The model took too long: {what}. {chat.detail}".strip()))
        case End.COMPLETE if not chat.text.strip():
            notes.append(Note("empty", "The model wrote nothing. The pages are quoted instead."))
        case _:
            pass
    if said.prompt_cut:
        notes.append(
            Note(
                "prompt_cut",
                "The endpoint has read only a part of the passages and did not say so: its context is smaller than "
                "WIKI_PIPELINE_CHAT_CONTEXT_TOKENS (Ollama: set OLLAMA_CONTEXT_LENGTH). The answer may miss things.",
            )
        )
    return notes


def _could_not(error: ModelError | BudgetError) -> Note:
    return Note(error.code, f"No answer was written: {error} The pages are quoted instead.")


def _looking_in(searched: Sequence[Searched]) -> str:
    match len(searched):
        case 0:
            return "There is no source to look in"
        case 1:
            return f"Looking in {searched[0].title}"
        case count:
            return f"Looking in {count} sources"


def _pages_budget(model: ChatModel) -> int:
    settings = model.settings
    room = settings.chat_context_tokens - settings.chat_answer_tokens - _OVERHEAD_TOKENS
    return max(_LEAST_PAGES, min(settings.chat_pages_tokens, room))


def _smaller(budget: int, error: ContextOverflowError, counted: int) -> int:
    """Tokens of pages that fit, by what the endpoint said of itself; half of them if it said nothing."""
    if not error.window:
        return max(_LEAST_PAGES, budget // 2)
    # Its tokens are to ours as its count of the same prompt.
    ratio = counted / error.prompt_tokens if error.prompt_tokens else 1.0
    room = (error.window * _REPACK - min(error.window // 4, 500)) * ratio - _OVERHEAD_TOKENS
    return max(_LEAST_PAGES, min(budget // 2 if room < _LEAST_PAGES else int(room), int(budget * _REPACK)))
