"""A model writes from chunks, and what it writes is read: its markers while it comes, its sentences at the end.

Answers and the sections of a report are written by the same means: as many of the chunks as have room, one try with
fewer if they were too many after all, markers of issued ids, each sentence held against what it cites.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wiki_pipeline.answers import prompt
from wiki_pipeline.answers.answer import Note, Sentence
from wiki_pipeline.answers.check import checked
from wiki_pipeline.answers.cite import Citation
from wiki_pipeline.answers.llm import ChatModel, ChatRequest, ContextOverflowError, End, Message, Purse, Usage
from wiki_pipeline.answers.llm.calls import Said
from wiki_pipeline.answers.markers import Marker, MarkerReader, Token, canonical
from wiki_pipeline.answers.pack import Packed, pack

Emit = Callable[[str, Any], None]
"""Takes what happens while something is made: the name of an event, and its data for JSON."""

_FLUSH_SECONDS = 0.15  # text is handed on in pieces that people can't tell from a flow
_OVERHEAD_TOKENS = 900  # of rules, question and fences
_LEAST_PAGES = 300
_REPACK = 0.85  # of what the endpoint says it holds, since its tokens are not ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a model wrote.

    Attributes:
        text: Markdown with markers of issued ids, one a marker; empty if it wrote nothing.
        sentences: of the text, those that say something.
        declined: it said that the chunks don't hold the answer.
        notes: what readers have to know of how it ended.
        unknown_ids: markers of things that were never issued.
        links_removed: addresses that it had put behind markers.
    """

    text: str
    sentences: tuple[Sentence, ...]
    declined: bool
    end: End
    notes: tuple[Note, ...]
    usage: Usage
    unknown_ids: int
    links_removed: int

    @property
    def is_cited(self) -> bool:
        """Whether any sentence names a source."""
        return any(sentence.citations for sentence in self.sentences)


def write(
    model: ChatModel,
    purse: Purse,
    citations: Sequence[Citation],
    *,
    messages: Callable[[Packed], tuple[Message, ...]],
    key: Callable[[Packed], str],
    emit: Emit,
    cancelled: Callable[[], bool],
) -> Written:
    """Have a model write from chunks; the text is handed on as `text` events while it comes.

    Args:
        citations: of the chunks, best first.
        messages: what the model is told, with the chunks that have room.
        key: all that the text depends on besides model and parameters.

    Raises:
        ModelError, BudgetError: nothing was written.
    """
    notes: list[Note] = []
    budget = pages_budget(model)
    for attempt in (1, 2):
        packed = pack(citations, budget, model.counter.count)
        stream = _TextStream(packed, emit)
        request = ChatRequest(messages=messages(packed), cache_key=key(packed))
        try:
            said = model.ask(request, purse, stream.take, cancelled)
        except ContextOverflowError as error:
            if attempt == 2:
                raise
            budget = _smaller(budget, error, model.counter.count_messages(request.texts))
            notes.append(
                Note("repacked", "The passages were more than the model can hold: it was given fewer of them.")
            )
        else:
            stream.end()
            return _read(stream, packed, said, model, notes)
    raise AssertionError  # both attempts return or raise


def _read(stream: _TextStream, packed: Packed, said: Said, model: ChatModel, notes: Sequence[Note]) -> Written:
    tokens = _stripped(stream.tokens)
    return Written(
        text=canonical(_without_declining(tokens)).rstrip(),
        sentences=checked(tokens, packed.shown, prompt.NOT_THERE),
        declined=any(isinstance(token, Marker) and prompt.NOT_THERE in token.ids for token in tokens),
        end=said.chat.end,
        notes=(*notes, *_of_end(said, model)),
        usage=said.usage,
        unknown_ids=stream.reader.unknown,
        links_removed=stream.reader.links,
    )


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


def pages_budget(model: ChatModel) -> int:
    """Tokens of pages that a prompt for this model has room for."""
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
