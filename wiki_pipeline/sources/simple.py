"""A kind of source from one function: a generator of documents under `source_kind`.

    @source_kind("feeds", setting="WIKI_PIPELINE_FEEDS", description="RSS feeds by name.")
    def KIND(address: str) -> Iterator[SimpleDocument]:
        for entry in read_feed(address):
            yield SimpleDocument(id=entry.guid, title=entry.title, content=entry.text, url=entry.link)

Everything else follows: listing with version keys, fetching what changed, deletions, polls, staleness, search, wiki.
The function is called with one address of the setting, in a thread of its own, once for a listing and once more when
something has to be fetched; so it needs no state. What it raises ends the sync of that source and deletes nothing.

The module stands in this room, or anywhere that Python finds it and `WIKI_PIPELINE_SOURCE_MODULES` names it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import Field, create_model

from wiki_pipeline.errors import ConfigurationError, SourceError, WikiPipelineError
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
    Stage,
    Warnings,
)
from wiki_pipeline.settings import SettingsGroup, load, of_settings
from wiki_pipeline.sources.protocol import Downloaded, Fetched, KnownLabels, Source, SourceKind
from wiki_pipeline.sources.request import Request
from wiki_pipeline.sources.webhook import Webhook

_PORTION = 100
_GONE = "The source no longer yields it."


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleDocument:
    """A document as a simple source yields it.

    Attributes:
        id: stable within its source; another id is another document.
        content: the whole text.
        url: where people read it.
        updated_at: of the last change, with its time zone; None if it is not known.
        version_key: equal keys mean nothing to do; empty: a hash of all that is given here.
        metadata: shown as labels, `name: value`; what has no value is a label by its name.
        media_type: of the content: `text/markdown`, `text/html`, `text/plain`, `text/x-python`, ...
    """

    id: str
    title: str
    content: str
    url: str = ""
    author: str = ""
    updated_at: datetime | None = None
    version_key: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "text/markdown"

    @property
    def version(self) -> str:
        """Its version key, or the hash that stands for it."""
        if self.version_key:
            return self.version_key
        parts = (self.title, self.content, self.url, self.author, str(self.updated_at), sorted(self.metadata.items()))
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


DocumentGenerator = Callable[[str], Iterable[SimpleDocument]]


def source_kind(name: str, *, setting: str, description: str) -> Callable[[DocumentGenerator], SourceKind]:
    """Make a kind of source of a generator of documents; the module calls the result `KIND`.

    Args:
        name: of the kind, in partition keys (`tenant:NAME:source`) and addresses (`NAME:ADDRESS`).
        setting: the variable that names sources: JSON, `{"name": "address"}`.
        description: of that setting, for people.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*", name):
        raise ValueError(f"{name!r} can't be the name of a kind of source: small letters and digits, a letter first.")

    def made(generator: DocumentGenerator) -> SourceKind:
        return SimpleKind(name, setting, description, generator)

    return made


class SimpleKind:
    """See `SourceKind`."""

    connection_options: Mapping[str, str] = {}

    def __init__(self, name: str, setting: str, description: str, generator: DocumentGenerator) -> None:
        about: Any = (dict[str, str], Field({}, validation_alias=setting, description=description))
        self.name = name
        self.addresses = f"{name}: and an address"
        self.settings_group: type[SettingsGroup] = create_model(
            f"{name.capitalize()}Settings", __base__=SettingsGroup, sources=about
        )
        self._setting = setting
        self._generator = generator

    def connections(self, tenant: str) -> Sequence[Connection]:
        """None: what it needs to know the function finds itself."""
        return ()

    def check_connection(self, connection: Connection) -> Connection:
        """See `SourceKind.check_connection`."""
        raise ConfigurationError(f"Sources of the kind {self.name} are read without a connection.")

    def check_config(self, config: str) -> None:
        """See `SourceKind.check_config`."""
        self._address(config)

    def connection_of(self, key: SourceKey, config: str, connections: Sequence[Connection]) -> Connection | None:
        """None: there are no connections."""

    async def probe(self, connection: Connection, known: Mapping[SourceKey, str]) -> Mapping[str, str]:
        """Nothing to ask."""
        return {}

    def configured(self, tenant: str) -> Mapping[SourceKey, str]:
        """The addresses that the setting names."""
        if not of_settings(tenant):
            return {}
        sources: dict[str, str] = load(self.settings_group).sources  # type: ignore[attr-defined]
        return {SourceKey(tenant, self.name, name): _config(address) for name, address in sources.items()}

    def configuration_problems(self) -> Sequence[str]:
        """None: the setting is right or wrong as a whole."""
        return ()

    def from_address(
        self, tenant: str, address: str, connections: Sequence[Connection] | None = None
    ) -> tuple[SourceKey, str] | None:
        """See `SourceKind.from_address`; the source is called by the last word of its address."""
        scheme, _, rest = address.partition(":")
        words = re.findall(r"[\w.-]+", rest)
        if scheme != self.name or not words:
            return None
        return SourceKey(tenant, self.name, words[-1]), _config(rest)

    def open(self, key: SourceKey, config: str, home: Path, connection: Connection | None = None) -> Source:
        """See `SourceKind.open`."""
        return SimpleSource(key, self._address(config), self._generator)

    async def locate(
        self, document_ids: Sequence[str], known: Mapping[SourceKey, str], connection: Connection | None = None
    ) -> Mapping[str, Sequence[SourceKey]]:
        """Ids mean something in their source only."""
        return {}

    def is_whole(self, config: str) -> bool:
        """See `SourceKind.is_whole`."""
        return True

    def sync_interval(self) -> float | None:
        """None: the daily resync is enough."""

    def syncs_at_once(self) -> int | None:
        """None: as many as there may be."""

    def webhooks(self) -> Sequence[Webhook]:
        """None: it is polled."""
        return ()

    def requests(self) -> Sequence[Request]:
        """Nothing may be asked for over HTTP."""
        return ()

    def is_narrowed(self, config: str) -> bool:
        """See `SourceKind.is_narrowed`: never."""
        return False

    def mentions(self, config: str) -> Mapping[str, str]:
        """See `SourceKind.mentions`."""
        return {}

    def datasource_id(self, key: SourceKey, config: str) -> str:
        """See `SourceKind.datasource_id`."""
        return f"src_{self.name}___{re.sub(r'[^A-Za-z0-9]', '_', key.name)}"

    def _address(self, config: str) -> str:
        try:
            given = json.loads(config)
        except ValueError:
            given = None
        if not isinstance(given, dict) or not isinstance(given.get("address"), str):
            raise ConfigurationError(
                f"The config of a source of the kind {self.name} names no address.",
                f"Name the source in {self._setting}, or remove it and add it again.",
            )
        return str(given["address"])


class SimpleSource:
    """See `Source`."""

    confirms_missing = False

    def __init__(self, key: SourceKey, address: str, generator: DocumentGenerator) -> None:
        self.key = key
        self.cursor = ""
        self.skipped: Mapping[str, int] = {}
        self.withheld: Collection[str] = ()
        self.warnings = Warnings()
        self._address = address
        self._generator = generator

    async def describe(self) -> SourceDescription:
        """Its name and address; whether it can be read shows when it is listed."""
        return SourceDescription(self.key.name, self._address)

    async def list_documents(self) -> AsyncIterator[Sequence[DocumentRef]]:
        """See `Source.list_documents`."""
        seen: set[str] = set()
        async for documents in self._portions():
            refs = []
            for document in documents:
                if document.id in seen:
                    raise SourceError(
                        f"{self.key} yields the id {document.id!r} twice.", "Each document needs an id of its own."
                    )
                seen.add(document.id)
                refs.append(DocumentRef(document.id, document.version))
            yield refs

    def recall(self, labels: KnownLabels) -> None:
        """Labels come with the documents."""

    async def fetch(self, document_ids: Sequence[str]) -> AsyncIterator[Sequence[Fetched]]:
        """See `Source.fetch`: one more pass, of which those that are named are taken."""
        missing = set(document_ids)
        async for documents in self._portions():
            found: list[Fetched] = []
            for document in documents:
                if document.id in missing:
                    missing.discard(document.id)
                    found.append(self._page(document))
            if found:
                yield found
            if not missing:
                return
        if missing:
            yield [DocumentGone(document_id, _GONE) for document_id in sorted(missing)]

    def _page(self, document: SimpleDocument) -> Fetched:
        moment = document.updated_at
        if moment is not None and moment.tzinfo is None:
            message = "Its `updated_at` has no time zone."
            return DocumentFailure(document.id, document.title, Stage.RAW_PAGES, message)
        return RawPage(
            document_id=document.id,
            title=document.title or document.id,
            url=document.url or f"{self.key.kind}:{self._address}",
            space_key=self.key.name,
            space_name=self.key.name,
            labels=tuple(f"{name}: {value}" if value else name for name, value in document.metadata.items()),
            version=document.version[:12],
            version_key=document.version,
            author=document.author,
            modified_at=moment,
            media_type=document.media_type,
            body=document.content,
        )

    async def _portions(self) -> AsyncIterator[list[SimpleDocument]]:
        """What the function yields, a portion in memory at a time; its work is done in threads.

        Raises:
            SourceError: the function failed; says how.
        """
        documents: Iterator[SimpleDocument] | None = None
        try:
            documents = iter(await asyncio.to_thread(self._generator, self._address))
            while portion := await asyncio.to_thread(lambda: list(islice(documents, _PORTION))):
                yield portion
        except WikiPipelineError:
            raise
        except Exception as error:
            raise SourceError(
                f"{self.key} can't be read: {type(error).__name__}: {error}",
                f"Nothing is deleted. See the function that yields documents of the kind {self.key.kind}.",
            ) from error
        finally:
            if isinstance(documents, Generator):
                documents.close()

    async def poll(self, cursor: str) -> Changes:
        """See `Source.poll`: there is no cheaper look than a listing."""
        return Changes(cursor="", whole=True)

    async def changed_since(self, moment: datetime) -> Sequence[str]:
        """See `Source.changed_since`; documents that don't say when they were changed count."""
        return [
            document.id
            async for documents in self._portions()
            for document in documents
            if document.updated_at is None or document.updated_at >= moment
        ]

    async def names(self, person_ids: Sequence[str]) -> Mapping[str, str]:
        """Nobody is mentioned by an id."""
        return {}

    async def list_attachments(
        self, document_ids: Sequence[str] | None = None
    ) -> AsyncIterator[Sequence[AttachmentRef | DocumentFailure]]:
        """There are none."""
        none: tuple[Sequence[AttachmentRef], ...] = ()
        for nothing in none:
            yield nothing

    async def download(
        self, refs: Sequence[AttachmentRef], most_bytes: int
    ) -> AsyncGenerator[Downloaded | DocumentGone | DocumentFailure, None]:
        """There are none."""
        none: tuple[Downloaded, ...] = ()
        for nothing in none:
            yield nothing

    async def aclose(self) -> None:
        """Nothing is held."""


def _config(address: str) -> str:
    return json.dumps({"address": address.strip()})
