"""What the research page shows: how a question is looked into, step by step, and the report that comes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from wiki_pipeline.wiki.ask_views import CitedSource, LookedIn, QuotedPassage, Remark
from wiki_pipeline.wiki.views import View


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceItem:
    """Something that a step names.

    Attributes:
        href: where it is read; empty if nowhere.
        note: behind it.
        new: it was read for the first time.
    """

    title: str
    href: str = ""
    note: str = ""
    stale: bool = False
    new: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEntry:
    """Something that was done.

    Attributes:
        anchor: of it in the page; stays the same while the trace grows.
        kind: `plan`, `looked`, `gaps`, `contradictions`, `section`, `resumed` or `note`.
        queries: what was searched for.
        facts: what came of it, in a sentence.
        left_out: what was found and left out, in a sentence.
        found: whether it found what it was to find.
    """

    anchor: str
    kind: str
    title: str
    queries: Sequence[str] = ()
    items: Sequence[TraceItem] = ()
    facts: str = ""
    left_out: str = ""
    found: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PassageGroup:
    """Passages from one place of a page.

    Attributes:
        blocks: those that belong together: rows of one table, or one passage.
    """

    cited: CitedSource
    blocks: Sequence[Sequence[QuotedPassage]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    """A section of the report.

    Attributes:
        body: a model's text as HTML, made by `answer_text`; empty for passages.
        doubtful, uncited: how many of its sentences hold facts that are not in their sources, or name no source.
    """

    anchor: str
    title: str
    body: str = ""
    groups: Sequence[PassageGroup] = ()
    doubtful: int = 0
    uncited: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimView:
    """What one source says."""

    says: str
    title: str
    place: str
    href: str
    modified_at: datetime | None
    newer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContradictionView:
    """Sources that don't agree."""

    about: str
    claims: Sequence[ClaimView]


@dataclass(frozen=True, slots=True, kw_only=True)
class CitedPlace:
    """A place of a document that the report cites."""

    number: int
    anchor: str
    place: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A row of the table of sources."""

    title: str
    href: str
    original: str
    source_title: str
    kind: str
    version: str
    author: str
    modified_at: datetime | None
    stale: str
    places: Sequence[CitedPlace]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchShown:
    """One research.

    Attributes:
        events: address of the events that follow, while it is under way, else empty.
        cancel, forget, download: addresses.
        step: what is being done.
        verdict: what came of it where that is no report, in a sentence.
        took: tokens and price of the model, in words; empty without one.
    """

    question: str
    running: bool
    events: str
    cancel: str
    forget: str
    download: str
    asked_at: datetime
    finished_at: datetime | None
    step: str
    trace: Sequence[TraceEntry]
    verdict: str = ""
    written_by: str = ""
    remarks: Sequence[Remark] = ()
    summary: SectionView | None = None
    sections: Sequence[SectionView] = ()
    contradictions: Sequence[ContradictionView] = ()
    not_found: Sequence[str] = ()
    lines: Sequence[SourceLine] = ()
    looked_in: Sequence[LookedIn] = ()
    steps: int = 0
    looked_at: int = 0
    seconds: float = 0.0
    doubtful: int = 0
    uncited: int = 0
    took: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierResearch:
    """A research in the list of those before."""

    href: str
    question: str
    status: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchView(View):
    """The research page.

    Attributes:
        shown: None on the page where a new one is begun.
        question: what the box holds.
        sources: address name and title of each source that can be chosen; `source` is the one chosen.
        model: the one that writes reports; empty if passages are quoted.
        problem: why a question was not taken.
    """

    template: ClassVar[str] = "research.html"

    shown: ResearchShown | None
    question: str
    source: str
    sources: Mapping[str, str]
    earlier: Sequence[EarlierResearch]
    model: str
    problem: str = ""
