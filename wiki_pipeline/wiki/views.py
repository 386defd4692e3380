"""What each kind of page shows: the arguments of the templates. `site.html(view)` makes the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from wiki_pipeline.links.wiki_addresses import ROOT
from wiki_pipeline.model import Ancestor, Heading
from wiki_pipeline.wiki.board import Board
from wiki_pipeline.wiki.outline import Level
from wiki_pipeline.wiki.snippet import Piece
from wiki_pipeline.wiki.tree import Node


class View:
    """The base of all views.

    Attributes:
        template: its file in `templates/`.
    """

    template: ClassVar[str]


class Currency(StrEnum):
    """How a source or a page stands to what is upstream, as far as that is known."""

    FRESH = "fresh"
    STALE = "stale"
    FAILED = "failed"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The freshness strip.

    Attributes:
        synced_at: when the last sync that succeeded ended.
        running: a sync is under way.
        message: what is behind, or what went wrong; empty if nothing.
        since: since when that is so, where it is known.
        problem: why the source can't be opened, or why its last sync failed; empty if neither is so.
    """

    currency: Currency
    synced_at: datetime | None = None
    running: bool = False
    message: str = ""
    since: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCard:
    """A source, as shown on the start page and above its own pages.

    Attributes:
        key: `tenant:kind:name`.
        home: its address in the wiki.
        url: its address upstream; empty if people can't open it there.
        documents: pages that can be read.
        failures: documents that could not be brought up to date.
        stale: documents that are behind their source, those among them.
        audience: who may read it, in words; empty: everyone in the tenant.
    """

    key: str
    kind: str
    title: str
    home: str
    url: str
    documents: int
    failures: int
    stale: int
    freshness: Freshness
    audience: str = ""

    @property
    def feed(self) -> str:
        """The address of the feed of its changes."""
        return f"/feeds/{self.home.removeprefix(ROOT).strip('/')}.atom"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line in a list of documents."""

    title: str
    href: str
    place: str = ""
    modified_at: datetime | None = None
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartView(View):
    """The start page: all sources, and the search box."""

    template: ClassVar[str] = "start.html"

    sources: Sequence[SourceCard]
    stalled_since: datetime | None = None  # no sync takes up the changes that were reported since


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDocument:
    """A document that could not be brought up to date, and why."""

    title: str
    stage: str
    message: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView(View):
    """A source's home: what is in it, what changed, what failed, and the document that introduces it."""

    template: ClassVar[str] = "source.html"

    source: SourceCard
    outline: Level
    recent: Sequence[Entry]
    failed: Sequence[FailedDocument]
    introduction: str = ""
    introduction_at: str = ""
    about: str = ""
    board: Board | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderView(View):
    """A folder of a repository: its contents, its README if it has one, and the facts that are generated of it."""

    template: ClassVar[str] = "folder.html"

    source: SourceCard
    outline: Level
    crumbs: Sequence[Node]
    folder: Node
    introduction: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageView(View):
    """A document.

    Attributes:
        body: its HTML, sanitised by `render` and coloured by `highlight`.
        titled: the body begins with the title as its own first heading.
        code: it is source code, shown as wide as it goes.
        original: its address upstream; empty if people can't open it there.
        markdown_at: the address of its Markdown.
        crumbs: the nodes above it.
        facts: its facets by name; an issue's status is shown beside its title.
        mentioned_by: documents that lead to it.
        about: of a file of code, the facts that are generated of it; sanitised HTML.
        diagram: SVG of the program's own making; empty if there is none.
        generated: the page itself is generated.
    """

    template: ClassVar[str] = "page.html"

    source: SourceCard
    outline: Level
    crumbs: Sequence[Node | Ancestor]
    before: Node | None
    after: Node | None
    title: str
    body: str
    titled: bool
    code: bool
    headings: Sequence[Heading]
    labels: Sequence[str]
    facts: Mapping[str, str]
    mentioned_by: Sequence[Entry]
    version: str
    author: str
    modified_at: datetime | None
    original: str
    markdown_at: str
    freshness: Freshness
    about: str = ""
    diagram: str = ""
    generated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A chunk found.

    Attributes:
        place: headings above it, outermost first, or lines of a file.
        pieces: an excerpt, cut where the words of the query are.
    """

    href: str
    place: Sequence[str]
    pieces: Sequence[Piece]
    code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A document found, with its best chunks.

    Attributes:
        stale: how it is behind its source; empty if it is not.
    """

    title: str
    href: str
    source_title: str
    path: str
    modified_at: datetime | None
    chunks: Sequence[Chunk]
    stale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """What a search or a question is restricted to, as its form shows it; what is empty restricts nothing.

    Attributes:
        source: its name in addresses.
        facet: what the source says of it, as `status=Done`; several with commas.
        since: the day, as `2026-10-31`.
    """

    source: str = ""
    kind: str = ""
    label: str = ""
    author: str = ""
    path: str = ""
    language: str = ""
    facet: str = ""
    since: str = ""

    @property
    def more(self) -> int:
        """How many fields besides the source restrict it."""
        more = (self.kind, self.label, self.author, self.path, self.language, self.facet, self.since)
        return sum(map(bool, more))

    @property
    def fields(self) -> dict[str, str]:
        """Those that restrict, for an address."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchView(View):
    """The search page, with results if there is a query.

    Attributes:
        sources: address name and title of each source that can be chosen.
        problem: why there are no results, if that is not for lack of matches.
        did_you_mean: the query as it was searched; empty if as it was typed.
        unknown: its words that no document holds.
        nearest_only: the results share no word with it.
    """

    template: ClassVar[str] = "search.html"

    query: str
    chosen: Restriction
    mode: str
    sources: Mapping[str, str]
    modes: Mapping[str, str]
    results: Sequence[Result] = ()
    problem: str = ""
    did_you_mean: str = ""
    unknown: Sequence[str] = ()
    nearest_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView(View):
    """What is shown instead of a page that can't be."""

    template: ClassVar[str] = "error.html"

    status: int
    title: str
    message: str
    query: str = ""
    suggestions: Sequence[Entry] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of an operation of the HTTP interface. Descriptions here and below are HTML, made by `markup`."""

    name: str
    place: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer of an operation: its status, what it means, an example in coloured HTML."""

    status: str
    description: str
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What is sent along with a request: an example in coloured HTML, and its parts."""

    example: str
    parts: Sequence[Parameter] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An operation of the HTTP interface.

    Attributes:
        try_it: an address to open, for operations that only read.
    """

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    try_it: str = ""
    parameters: Sequence[Parameter] = field(default_factory=tuple)
    body: Body | None = None
    answers: Sequence[Answer] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiView(View):
    """The HTTP interface, described."""

    template: ClassVar[str] = "api.html"

    title: str
    version: str
    description: str
    groups: Mapping[str, Sequence[Operation]]
