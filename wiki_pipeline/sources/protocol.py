"""What every kind of source can do, and nothing more.

A kind of source is one folder or module in this room that offers a `SourceKind` named `KIND`; `sources/__init__.py`
lists them. Nothing outside this room knows which kinds there are.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from wiki_pipeline.errors import IncompleteListingError
from wiki_pipeline.model import (
    AttachmentRef,
    Changes,
    Connection,
    DocumentFailure,
    DocumentGone,
    DocumentRef,
    RawPage,
    SourceDescription,
    SourceKey,
    Warnings,
)
from wiki_pipeline.settings import SettingsGroup
from wiki_pipeline.sources.request import Request
from wiki_pipeline.sources.webhook import Webhook

Fetched = RawPage | DocumentGone | DocumentFailure
KnownLabels = Callable[[], Mapping[str, tuple[str, ...]]]  # by document; documents without any are left out


@dataclass(frozen=True, slots=True)
class Downloaded:
    """An attachment's bytes."""

    attachment_id: str
    data: bytes


class UnprovenListingError(IncompleteListingError):
    """A listing that goes no further, without a proof that it is complete. What it lacks may be there all the same.

    Args:
        found: what was listed.
    """

    def __init__(self, error: IncompleteListingError, found: Sequence[DocumentRef]) -> None:
        super().__init__(error.message, error.advice)
        self.found = found


class Source(Protocol):
    """One Confluence space, Git repository or Jira project. Used by one task at a time; closed by `aclose`.

    Attributes:
        confirms_missing: whether known documents that a complete listing lacks are asked for by their ids before they
            are dropped, because what lists them is an index that may lag behind.
    """

    key: SourceKey
    confirms_missing: bool

    async def describe(self) -> SourceDescription:
        """Ask the source what it is: proves address, credentials and existence.

        Raises:
            SourceError: unreachable, access denied, not found; says which and what to do.
        """

    def list_documents(self) -> AsyncIterator[Sequence[DocumentRef]]:
        """All documents with their version keys, in portions. Running to the end means the listing is complete.

        Raises:
            IncompleteListingError: the source could not list everything; nothing may be deleted on its account. An
                `UnprovenListingError` holds what was listed.
            SourceError: as `describe`.
        """

    def recall(self, labels: KnownLabels) -> None:
        """Take how to look up the labels that documents had last, which stay where labels can't be read this time."""

    def fetch(self, document_ids: Sequence[str]) -> AsyncIterator[Sequence[Fetched]]:
        """The documents named, in any order and in portions of bounded size, exactly one answer for each id.

        A document that is gone is answered `DocumentGone`, one that can't be read `DocumentFailure`; both don't stop
        the others. Used with few ids (an event) and with all that a listing named (a first sync): the source picks
        the cheapest way.

        Raises:
            SourceError: the source as a whole failed half-way; what was yielded before counts.
        """

    async def poll(self, cursor: str) -> Changes:
        """Look cheaply, in a few requests however large the source is, for what changed since an earlier look.

        Args:
            cursor: from the look before; empty for the first one.

        Raises:
            SourceError: as `describe`.
        """

    async def changed_since(self, moment: datetime) -> Sequence[str]:
        """Ids of documents that were changed, or whose attachments were, at or after a moment; without a listing.

        Deletions, moves and labels don't show in it, nor what an index that lags behind does not have yet.

        Raises:
            SourceError: as `describe`, or the source can't be asked that.
        """

    async def names(self, person_ids: Sequence[str]) -> Mapping[str, str]:
        """Display names of people by the ids under which documents mention them; empty for an id without a person.

        People about whom the source says nothing this time are left out.

        Raises:
            SourceError: as `describe`.
        """

    def list_attachments(
        self, document_ids: Sequence[str] | None = None
    ) -> AsyncIterator[Sequence[AttachmentRef | DocumentFailure]]:
        """Files beside the documents, in portions: of all documents by the cheapest way there is, whose answer may lag
        behind, or of the documents named exactly as it is now. Files of the source as a whole are always listed.

        A document whose files can't be listed is answered `DocumentFailure` with its id: that says nothing of which
        files it has.

        Raises:
            IncompleteListingError: not all documents' files can be listed in one go; name the documents.
            SourceError: as `describe`, or none of it can be read.
        """

    def download(
        self, refs: Sequence[AttachmentRef], most_bytes: int
    ) -> AsyncGenerator[Downloaded | DocumentGone | DocumentFailure, None]:
        """The bytes of attachments that were listed, in any order, exactly one answer for each.

        One that is larger than `most_bytes`, whatever was said of its size, is answered `DocumentFailure` and not
        read further.

        Raises:
            SourceError: the source as a whole failed half-way; what was yielded before counts.
        """

    @property
    def cursor(self) -> str:
        """By which a `poll` finds what changed since the last listing; empty where listings give none."""

    @property
    def withheld(self) -> Collection[str]:
        """Documents that the last listing left out since not everybody may read them: they are there, and what is kept
        of them has to go."""

    @property
    def skipped(self) -> Mapping[str, int]:
        """Numbers of documents left out of the last listing, by reason ("binary", "too large")."""

    @property
    def warnings(self) -> Warnings:
        """What could not be read beside the documents (labels, names of people), which keep what was known of it."""

    async def aclose(self) -> None:
        """Release connections, files and processes."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit whose message names documents elsewhere.

    Attributes:
        oid: its hash.
        subject: the first line of its message.
        url: where to read it; empty if nowhere.
        names: what the message names, as `OPS-12`, each once.
    """

    oid: str
    subject: str
    author: str
    moment: datetime | None
    url: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Commits:
    """The commits after a position that name documents elsewhere.

    Attributes:
        position: from which on the next are asked for.
        anew: these are all that there are, since the history was rewritten or nothing was read before.
    """

    position: str
    commits: Sequence[Commit]
    anew: bool


@runtime_checkable
class HasCommits(Protocol):
    """A source that has a history of its own, of messages that name documents elsewhere."""

    async def commits(self, after: str, most: int) -> Commits:
        """The commits after a position; without one, or where the history was rewritten since, the newest. Asks nobody.

        Args:
            after: position of the answer before; empty for the first one.
            most: the number of commits that are looked at.

        Raises:
            SourceError: what was brought over before can't be read.
        """


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit.

    Attributes:
        at: when it was committed; None if unknown.
        subject: its first line.
        paths: ids of the documents and names of the other files that it changed, a bounded number.
    """

    commit: str
    author: str
    at: datetime | None
    subject: str
    paths: tuple[str, ...]


@runtime_checkable
class WithHistory(Protocol):
    """A source whose documents have a history of their own that is at hand."""

    async def history(self, most: int) -> Sequence[Revision]:
        """The last commits that lead to what was listed last, newest first; asks nothing upstream. Empty if nothing was
        ever listed.

        Raises:
            SourceError: what is kept here can't be read.
        """


class SourceKind(Protocol):
    """A kind of source: how to configure and open it.

    Whoever looks at several sources asks `check_config` first, so that one that can't be used is a problem of its own:
    every method that takes a config may raise ConfigurationError for one that can't.

    Attributes:
        addresses: which addresses `from_address` knows, for people: "the https or ssh address of ...".
        connection_options: what `Connection.options` may hold, each with what it is for.
    """

    name: str
    settings_group: type[SettingsGroup]
    addresses: str
    connection_options: Mapping[str, str]

    def connections(self, tenant: str) -> Sequence[Connection]:
        """Connections that the settings name, the first of them the one that addresses are looked for first.

        Raises:
            ConfigurationError: a setting is wrong.
        """

    def check_connection(self, connection: Connection) -> Connection:
        """The connection as this kind can use it, its address in one form. No I/O, and its secret is not resolved.

        Raises:
            ConfigurationError: address or an option can't be used.
        """

    def check_config(self, config: str) -> None:
        """See whether a source's config can be used; it may be of an older program, or changed by hand. No I/O.

        Raises:
            ConfigurationError: it can't; says why.
        """

    def connection_of(self, key: SourceKey, config: str, connections: Sequence[Connection]) -> Connection | None:
        """By which of the connections a source is opened that does not say; None if by none of them.

        Raises:
            ConfigurationError: the config can't be read.
        """

    async def probe(self, connection: Connection, known: Mapping[SourceKey, str]) -> Mapping[str, str]:
        """Ask the server, and report what was seen: who we are to it, which API it has, how much there is.

        Args:
            known: the sources that are opened by the connection, with their configs.

        Raises:
            ConfigurationError, SourceError: it can't be asked; names the connection.
        """

    def configured(self, tenant: str) -> Mapping[SourceKey, str]:
        """Sources named by the settings, each with its config as JSON (no secrets), kept in the catalog.

        Raises:
            ConfigurationError: a setting is wrong.
        """

    def configuration_problems(self) -> Sequence[str]:
        """Entries of the settings that can't be used and are left out, each with its setting and what is wrong."""

    def from_address(
        self, tenant: str, address: str, connections: Sequence[Connection] | None = None
    ) -> tuple[SourceKey, str] | None:
        """The source that a person means by `address` (a space's or repository's URL, a path), with its config;
        None if the address is not of this kind.

        Args:
            connections: by which it may be opened; None: those of the settings.

        Raises:
            ConfigurationError: of this kind, but can't be used as it is.
        """

    def open(self, key: SourceKey, config: str, home: Path, connection: Connection | None = None) -> Source:
        """Open a source. No I/O. `home` is a folder of the source's own for clones and caches.

        Args:
            connection: by which it is opened; its credential is resolved here. None: there is none for it.

        Raises:
            ConfigurationError: a setting that the source needs is missing or wrong.
        """

    async def locate(
        self, document_ids: Sequence[str], known: Mapping[SourceKey, str], connection: Connection | None = None
    ) -> Mapping[str, Sequence[SourceKey]]:
        """Which of the known sources of this kind may hold documents of which only the id is known; those of no such
        source are missing, as are all where ids mean something within their source only.

        Args:
            known: sources that are opened by this connection, with their configs.

        Raises:
            ConfigurationError, SourceError: the site can't be asked.
        """

    def is_whole(self, config: str) -> bool:
        """Whether the source holds all documents of its space or repository, so that what it lacks exists nowhere."""

    def sync_interval(self) -> float | None:
        """Seconds after which a source that was not brought up to date as a whole is reloaded, beside the daily resync;
        None: only that one does."""

    def syncs_at_once(self) -> int | None:
        """The most sources of this kind that are synced at the same time; None: as many as runs may be under way."""

    def webhooks(self) -> Sequence[Webhook]:
        """Where word of changes may come in, with the settings of now.

        Raises:
            ConfigurationError: a setting is wrong.
        """

    def requests(self) -> Sequence[Request]:
        """What programs may ask for over HTTP."""

    def is_narrowed(self, config: str) -> bool:
        """Whether the source is meant to hold a part only of its space, repository or project."""

    def mentions(self, config: str) -> Mapping[str, str]:
        """How people write of a source's documents in running text: prefixes of names, each with the address that such
        a name follows, as `{"OPS": "https://jira.example.com/browse/"}` for `OPS-12`. Empty where they don't."""

    def datasource_id(self, key: SourceKey, config: str) -> str:
        """The id in the HTTP interface, as `src_confluence___yourcompany_atlassian_net__DEV`."""
