"""What the ask page shows: questions, their answers, and where these come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from wiki_pipeline.wiki.snippet import Piece
from wiki_pipeline.wiki.views import Restriction, View


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedSource:
    """Where a passage or a sentence comes from.

    Attributes:
        number: in its answer.
        anchor: of this entry in the page.
        href: where it is read here.
        original: where it is read upstream; empty if people can't open it there.
        place: headings or lines.
        stale: how its page is behind; empty if it is not.
        excerpt: its beginning, with words of the question marked; empty where the passage itself is shown.
    """

    number: int
    anchor: str
    title: str
    href: str
    original: str
    place: str
    source_title: str
    kind: str
    version: str
    author: str
    modified_at: datetime | None
    stale: str
    excerpt: Sequence[Piece] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedPassage:
    """A passage, word for word, with a sentence of context on both sides."""

    cited: CitedSource
    pieces: Sequence[Piece]
    before: str
    after: str
    header: Sequence[str]
    cells: Sequence[Sequence[Piece]]
    code: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedIn:
    """A source that was looked through."""

    title: str
    href: str
    condition: str
    synced_at: datetime | None
    stale: int
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Something to know about an answer; `grave` if it makes it incomplete."""

    text: str
    grave: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnView:
    """A question and its answer.

    Attributes:
        anchor: of this turn in the page.
        events: address of its events while it is being made, else empty.
        cancel: address that stops it.
        outcome, method: as `answers` names them; empty while it is being made.
        body: a model's text as HTML, made by `answer_text`.
        written_by: the model.
        cited: where the text comes from.
        doubtful, uncited: how many of its sentences hold facts that are not in their sources, or name no source.
        looked_at, pages: chunks that were looked at, and the pages that they are of.
        took: tokens and price of the model, in words; empty without one.
    """

    number: int
    anchor: str
    question: str
    running: bool
    events: str
    cancel: str
    outcome: str = ""
    method: str = ""
    body: str = ""
    written_by: str = ""
    passages: Sequence[QuotedPassage] = ()
    cited: Sequence[CitedSource] = ()
    remarks: Sequence[Remark] = ()
    looked_in: Sequence[LookedIn] = ()
    looked_at: int = 0
    pages: int = 0
    doubtful: int = 0
    uncited: int = 0
    took: str = ""
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskView(View):
    """The ask page.

    Attributes:
        conversation: id of the one shown; empty for a new one.
        question: what the box holds.
        sources: address name and title of each source that can be chosen.
        chosen: what the question is restricted to.
        earlier: address and title of the asker's other conversations.
        model: the one that writes answers; empty if passages are quoted.
        problem: why a question was not taken.
    """

    template: ClassVar[str] = "ask.html"

    conversation: str
    title: str
    turns: Sequence[TurnView]
    question: str
    chosen: Restriction
    sources: Mapping[str, str]
    earlier: Mapping[str, str]
    model: str
    problem: str = ""
