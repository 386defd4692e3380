"""One Jira project, or what a query finds in it, as a source of documents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from functools import partial

from wiki_pipeline.errors import (
    AccessDeniedError,
    IncompleteListingError,
    SourceError,
    SourceNotFoundError,
    SourceUnreachableError,
)
from wiki_pipeline.links.jira import ISSUE_ID, project_address
from wiki_pipeline.model import (
    AttachmentRef,
    Changes,
    DocumentFailure,
    DocumentGone,
    DocumentRef,
    SourceDescription,
    SourceKey,
    Stage,
    Warnings,
)
from wiki_pipeline.sources.http.answers import ForbiddenError, Json, RefusedError, TooLargeError
from wiki_pipeline.sources.http.client import Sleep
from wiki_pipeline.sources.http.concurrency import in_order
from wiki_pipeline.sources.jira.config import SourceConfig
from wiki_pipeline.sources.jira.fetching import Issues
from wiki_pipeline.sources.jira.issue import version_key
from wiki_pipeline.sources.jira.listing import Listing, UnprovenItemsError, recently_changed, write_cursor
from wiki_pipeline.sources.jira.settings import JiraSettings
from wiki_pipeline.sources.jira.site import JiraSite
from wiki_pipeline.sources.protocol import Downloaded, Fetched, KnownLabels, UnprovenListingError

_REFS_A_PORTION = 1000
_FILES_GONE = "The attachment was deleted, or the credentials may no longer see it: Jira answers the same for both."


class JiraSource:
    """See `wiki_pipeline.sources.protocol.Source`.

    Args:
        max_document_bytes: larger issues are failures.
        sleep: waits between tries; tests hand in their own.
    """

    confirms_missing = True

    def __init__(
        self,
        key: SourceKey,
        config: SourceConfig,
        settings: JiraSettings,
        max_document_bytes: int,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.key = key
        named = f"{key} (connection {settings.connection})" if settings.connection else str(key)
        self._site = JiraSite(settings, named, sleep)
        self._config = config
        self._listing = Listing(self._site, config)
        self._issues = Issues(self._site, config, max_document_bytes)
        self._cursor = ""
        self._secured = 0
        self._withheld: frozenset[str] = frozenset()

    async def describe(self) -> SourceDescription:
        """See `Source.describe`.

        Raises:
            SourceNotFoundError: also for an archived project, which no search finds any more.
        """
        project = await self._site.project(self._config.project)
        if project.get("archived"):
            raise SourceNotFoundError(
                f"The project {self._config.project} is archived; what is served of it stays as it was.",
                f"Remove the source with `wiki-pipeline sources remove {self.key}`, or have the project restored.",
            )
        flavour = "Cloud" if await self._site.is_cloud() else "Data Center"
        url = project_address(self._config.site, self._config.project)
        name = str(project.get("name") or self._config.project)
        return SourceDescription(name, url, (("Project", self._config.project), ("Jira", flavour)))

    async def list_documents(self) -> AsyncIterator[Sequence[DocumentRef]]:
        """See `Source.list_documents`."""
        began, settings = datetime.now(UTC), self._site.settings
        doubt: IncompleteListingError | None = None
        try:
            found = await self._listing.everything(["updated", "security"])
        except UnprovenItemsError as error:
            found, doubt = list(error.found), error
        kept = [item for item in found if settings.restricted or not _is_secured(item)]
        self._secured = len(found) - len(kept)
        self._withheld = frozenset(str(item.get("id")) for item in found) - {str(item.get("id")) for item in kept}
        refs = [DocumentRef(str(item.get("id")), version_key(settings, item)) for item in kept]
        if doubt is not None:
            raise UnprovenListingError(doubt, refs)
        for start in range(0, len(refs), _REFS_A_PORTION):
            yield refs[start : start + _REFS_A_PORTION]
        self._cursor = write_cursor(began)

    async def fetch(self, document_ids: Sequence[str]) -> AsyncGenerator[Sequence[Fetched], None]:
        """See `Source.fetch`."""
        async with aclosing(self._issues.fetch(document_ids)) as portions:
            async for answers in portions:
                yield answers

    async def poll(self, cursor: str) -> Changes:
        """See `Source.poll`."""
        return await recently_changed(self._listing, cursor)

    async def changed_since(self, moment: datetime) -> Sequence[str]:
        """See `Source.changed_since`."""
        return [str(item.get("id")) for item in await self._listing.window(moment)]

    async def names(self, person_ids: Sequence[str]) -> Mapping[str, str]:
        """See `Source.names`: issues bring the names of their people along."""
        return {}

    # --- files ----

    async def list_attachments(
        self, document_ids: Sequence[str] | None = None
    ) -> AsyncIterator[Sequence[AttachmentRef | DocumentFailure]]:
        """See `Source.list_attachments`."""
        reader = await self._issues.reader()
        if document_ids is None:
            for item in await self._listing.everything(["attachment"], "attachments IS NOT EMPTY"):
                yield list(reader.attachments(str(item.get("id")), item.get("fields") or {}))
            return
        calls = (partial(self._files_of, id_) for id_ in document_ids if ISSUE_ID.fullmatch(id_))
        async with aclosing(in_order(calls, self._site.settings.max_concurrency)) as found:
            async for listed in found:
                yield listed

    async def _files_of(self, id_: str) -> list[AttachmentRef | DocumentFailure]:
        reader = await self._issues.reader()
        try:
            issue = await self._site.issue(id_, ["attachment"])
        except SourceNotFoundError:
            return []
        except (RefusedError, ForbiddenError, TooLargeError) as error:
            message = f"The attachments of issue {id_} can't be listed: {error.message}"
            return [DocumentFailure(id_, id_, Stage.ATTACHMENTS, message, id_)]
        return list(reader.attachments(id_, issue.get("fields") or {}))

    async def download(
        self, refs: Sequence[AttachmentRef], most_bytes: int
    ) -> AsyncGenerator[Downloaded | DocumentGone | DocumentFailure, None]:
        """See `Source.download`."""
        calls = (partial(self._download, ref, most_bytes) for ref in refs)
        async with aclosing(in_order(calls, self._site.settings.max_concurrency)) as answers:
            async for answer in answers:
                yield answer

    async def _download(self, ref: AttachmentRef, most_bytes: int) -> Downloaded | DocumentGone | DocumentFailure:
        def failed(message: str) -> DocumentFailure:
            return DocumentFailure(ref.attachment_id, ref.name, Stage.ATTACHMENTS, f"{ref.name}: {message}")

        try:
            data = await self._site.download(ref.attachment_id.removeprefix("jira"), ref.name, most_bytes)
        except SourceNotFoundError:
            return DocumentGone(ref.attachment_id, _FILES_GONE)
        except TooLargeError:
            return failed(f"The file is larger than {most_bytes:,} bytes, which are allowed.")
        except SourceUnreachableError as error:
            await self._site.project(self._config.project)  # raises if it isn't only this file
            return failed(str(error))
        except (AccessDeniedError, SourceError) as error:
            return failed(str(error))
        return Downloaded(ref.attachment_id, data)

    # --- what else is asked ----

    @property
    def cursor(self) -> str:
        """See `Source.cursor`: the moment at which the last complete listing began."""
        return self._cursor

    @property
    def skipped(self) -> Mapping[str, int]:
        """See `Source.skipped`."""
        return {"with a security level": self._secured} if self._secured else {}

    @property
    def withheld(self) -> Collection[str]:
        """See `Source.withheld`."""
        return self._withheld

    def recall(self, labels: KnownLabels) -> None:
        """See `Source.recall`: issues bring their labels along."""

    @property
    def warnings(self) -> Warnings:
        """See `Source.warnings`."""
        return Warnings({}, retry=False)

    async def aclose(self) -> None:
        """See `Source.aclose`."""
        await self._site.aclose()


def _is_secured(item: Json) -> bool:
    return bool((item.get("fields") or {}).get("security"))
