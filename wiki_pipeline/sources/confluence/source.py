"""One Confluence space, or some pages of it, as a source of documents."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Protocol

from wiki_pipeline.errors import AccessDeniedError, SourceNotFoundError
from wiki_pipeline.links.confluence import PAGE_ID
from wiki_pipeline.model import (
    AttachmentRef,
    Changes,
    DocumentFailure,
    DocumentGone,
    DocumentRef,
    RawPage,
    SourceDescription,
    SourceKey,
    Warnings,
)
from wiki_pipeline.sources.confluence.answers import NotTheApiError, RefusedError, SpaceNotFoundError
from wiki_pipeline.sources.confluence.api_v1 import ApiV1
from wiki_pipeline.sources.confluence.api_v2 import ApiV2
from wiki_pipeline.sources.confluence.attachments import Attachments
from wiki_pipeline.sources.confluence.client import ConfluenceClient, Sleep
from wiki_pipeline.sources.confluence.config import SourceConfig
from wiki_pipeline.sources.confluence.fetching import Degraded
from wiki_pipeline.sources.confluence.lookups_v2 import chunks
from wiki_pipeline.sources.confluence.page import DELETED, Space
from wiki_pipeline.sources.confluence.paging import Lists
from wiki_pipeline.sources.confluence.recent import changed_since, recently_changed
from wiki_pipeline.sources.confluence.restrictions import RESTRICTED, SKIPPED, Restrictions
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings
from wiki_pipeline.sources.protocol import Downloaded, Fetched, KnownLabels, UnprovenListingError

_REFS_A_PORTION = 1000
_log = logging.getLogger(__name__)


class Api(Protocol):
    """What the source needs of a REST API."""

    name: str

    @property
    def skipped(self) -> Mapping[str, int]:
        """See `Source.skipped`."""

    @property
    def above(self) -> Mapping[str, Sequence[str]]:
        """Ids of what is above each page of the last listing."""

    async def space(self) -> Space:
        """The space; raises `SourceError` if there is none to be seen."""

    async def list_documents(self) -> list[DocumentRef]:
        """All documents, or an error; see `Source.list_documents`."""

    def fetch(self, ids: Sequence[str]) -> AsyncGenerator[list[Fetched], None]:
        """Answers for different ids that are page ids; see `Source.fetch`."""

    async def names(self, person_ids: Sequence[str]) -> dict[str, str]:
        """See `Source.names`."""


class ConfluenceSource:
    """A source, through whichever REST API the site has; see `wiki_pipeline.sources.protocol.Source`.

    Args:
        max_document_bytes: larger bodies are failures.
        sleep: waits between tries; tests hand in their own.
    """

    confirms_missing = False

    def __init__(
        self,
        key: SourceKey,
        config: SourceConfig,
        settings: ConfluenceSettings,
        max_document_bytes: int,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.key = key
        self._client = ConfluenceClient(settings, str(key), sleep)
        self._settings = settings
        self._degraded = Degraded()
        self._v1 = ApiV1(self._client, settings, config, max_document_bytes, self._degraded)
        self._v2 = ApiV2(self._client, settings, config, max_document_bytes, self._degraded)
        self._files = Attachments(self._client, settings, config, self._api_name)
        self._chosen: Api | None = None
        self._restrictions = Restrictions(Lists(self._client, settings))
        self._withheld: frozenset[str] = frozenset()

    async def describe(self) -> SourceDescription:
        """See `Source.describe`."""
        api = await self._api()
        space = await api.space()
        return SourceDescription(space.name, space.url, (("Space", space.key), ("API", api.name)))

    async def list_documents(self) -> AsyncIterator[Sequence[DocumentRef]]:
        """See `Source.list_documents`. Nothing is yielded before the listing is known to be complete."""
        api = await self._api()
        try:
            listed = await self._unrestricted(api, await api.list_documents())
        except UnprovenListingError as error:
            error.found = await self._unrestricted(api, error.found)
            raise
        for portion in chunks(listed, _REFS_A_PORTION):
            yield portion

    async def _unrestricted(self, api: Api, refs: Sequence[DocumentRef]) -> list[DocumentRef]:
        """A listing without the pages that not everybody may read."""
        self._withheld = frozenset()
        if self._settings.restricted or not refs:
            return list(refs)
        listed, above = {ref.document_id for ref in refs}, api.above
        of_listed = {id_: above.get(id_, ()) for id_ in listed}
        self._withheld = frozenset(await self._restrictions.listed((await api.space()).key, of_listed))
        return [ref for ref in refs if ref.document_id not in self._withheld]

    async def fetch(self, document_ids: Sequence[str]) -> AsyncGenerator[Sequence[Fetched], None]:
        """See `Source.fetch`. Close it (`contextlib.aclosing`) to end what is under way before its end."""
        ids = list(dict.fromkeys(document_ids))
        strange = [DocumentGone(id_, DELETED) for id_ in ids if not PAGE_ID.fullmatch(id_)]
        if strange:
            yield strange
        if len(strange) == len(ids):
            return
        api = await self._api()
        async with aclosing(api.fetch([id_ for id_ in ids if PAGE_ID.fullmatch(id_)])) as portions:
            async for answers in portions:
                yield await self._without_restricted(answers)

    async def _without_restricted(self, answers: Sequence[Fetched]) -> Sequence[Fetched]:
        """The answers, with pages that not everybody may read as gone."""
        pages = [answer for answer in answers if isinstance(answer, RawPage)]
        if self._settings.restricted or not pages:
            return answers
        above = {page.document_id: [each.document_id for each in page.ancestors] for page in pages}
        restricted = await self._restrictions.fetched(above)
        return [DocumentGone(a.document_id, RESTRICTED) if a.document_id in restricted else a for a in answers]

    async def poll(self, cursor: str) -> Changes:
        """See `Source.poll`."""
        space = await (await self._api()).space()
        return await recently_changed(Lists(self._client, self._settings), space.key, cursor, self._files.found)

    async def changed_since(self, moment: datetime) -> Sequence[str]:
        """See `Source.changed_since`: by the search, of the pages that the source holds."""
        space = await (await self._api()).space()
        return await changed_since(Lists(self._client, self._settings), space.key, moment)

    async def names(self, person_ids: Sequence[str]) -> Mapping[str, str]:
        """See `Source.names`. v2 names 250 in a request, v1 one, so that only a part may be named at a time."""
        api = await self._api()
        return await api.names(list(dict.fromkeys(person_ids)))

    async def list_attachments(
        self, document_ids: Sequence[str] | None = None
    ) -> AsyncIterator[Sequence[AttachmentRef | DocumentFailure]]:
        """See `Source.list_attachments`."""
        if document_ids is not None:
            async for listed in self._files.of_pages(document_ids):
                yield listed
            return
        async for refs in self._files.of_space():
            # A page may show a file of one that not everybody may read: Confluence shows it to those who may.
            yield [ref for ref in refs if ref.document_id not in self._withheld]

    async def download(
        self, refs: Sequence[AttachmentRef], most_bytes: int
    ) -> AsyncGenerator[Downloaded | DocumentGone | DocumentFailure, None]:
        """See `Source.download`. Close it (`contextlib.aclosing`) to end what is under way before its end."""
        async with aclosing(self._files.download(refs, most_bytes)) as answers:
            async for answer in answers:
                yield answer

    @property
    def cursor(self) -> str:
        """See `Source.cursor`: only a search has one."""
        return ""

    @property
    def skipped(self) -> Mapping[str, int]:
        """See `Source.skipped`."""
        skipped = dict(self._chosen.skipped) if self._chosen else {}
        return {**skipped, SKIPPED: len(self._withheld)} if self._withheld else skipped

    @property
    def withheld(self) -> Collection[str]:
        """See `Source.withheld`."""
        return self._withheld

    def recall(self, labels: KnownLabels) -> None:
        """See `Source.recall`."""
        self._degraded.recall(labels)

    @property
    def warnings(self) -> Warnings:
        """See `Source.warnings`."""
        return self._degraded.warnings

    async def aclose(self) -> None:
        """See `Source.aclose`."""
        await self._client.aclose()

    async def _api_name(self) -> str:
        return (await self._api()).name

    async def _api(self) -> Api:
        """The API to use: asking each for the space is probe and look-up in one."""
        if self._chosen is None:
            forced: dict[str, Api] = {"v1": self._v1, "v2": self._v2}
            self._chosen = forced.get(self._settings.api) or await self._probe()
            _log.info("%s: using REST API %s", self.key, self._chosen.name)
        return self._chosen

    async def _probe(self) -> Api:
        try:
            await self._v2.space()
        except SpaceNotFoundError:
            raise
        except (NotTheApiError, RefusedError, AccessDeniedError, SourceNotFoundError) as no_v2:
            try:
                await self._v1.space()
            except (NotTheApiError, RefusedError) as no_v1:
                # v1 is gone for OAuth tokens: then what v2 said is what people must know.
                raise (no_v2 if isinstance(no_v2, AccessDeniedError) else no_v1) from None
            return self._v1
        return self._v2
