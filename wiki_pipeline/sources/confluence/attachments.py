"""Files that hang on pages: listed by a search over the space, or page by page; downloaded from the site alone.

What v2 has is a list a page, which for a space would be a request a page. So spaces are listed by v1's search, which
Cloud keeps for good; its index lags behind edits, as `Source.list_attachments` allows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from functools import partial
from urllib.parse import quote, urlsplit

from wiki_pipeline.errors import (
    AccessDeniedError,
    IncompleteListingError,
    SourceError,
    SourceNotFoundError,
    SourceUnreachableError,
)
from wiki_pipeline.links.confluence import PAGE_ID
from wiki_pipeline.model import AttachmentRef, DocumentFailure, DocumentGone, Stage, digest
from wiki_pipeline.sources.confluence.answers import Json, RefusedError, TooLargeError
from wiki_pipeline.sources.confluence.client import ConfluenceClient
from wiki_pipeline.sources.confluence.concurrency import in_order
from wiki_pipeline.sources.confluence.config import SourceConfig
from wiki_pipeline.sources.confluence.fetching import ATTACHMENTS, why
from wiki_pipeline.sources.confluence.lookups_v2 import MAX_LIMIT
from wiki_pipeline.sources.confluence.page import read_time
from wiki_pipeline.sources.confluence.paging import Lists
from wiki_pipeline.sources.confluence.settings import ConfluenceSettings
from wiki_pipeline.sources.protocol import Downloaded

_ATTACHMENT_ID = re.compile(r"(?:att)?\d{1,30}")
_HOPELESS = 5  # pages in a row whose files can't be listed
_REFUSED = (RefusedError, AccessDeniedError, SourceNotFoundError)
_GONE = "The attachment was deleted, or the credentials may no longer see it: Confluence answers 404 for both."

Answer = Downloaded | DocumentGone | DocumentFailure
Listed = list[AttachmentRef | DocumentFailure]


class Attachments:
    """The files of one source.

    Args:
        api: the name of the API that the site has, asked for when it is needed.
    """

    def __init__(
        self,
        client: ConfluenceClient,
        settings: ConfluenceSettings,
        config: SourceConfig,
        api: Callable[[], Awaitable[str]],
    ) -> None:
        self._client = client
        self._lists = Lists(client, settings)
        self._settings = settings
        self._space = config.space
        self._api = api
        # Where files are: Cloud took the old address away from API tokens, Data Center has no other. Which one it is
        # shows with the first file.
        self._ways = [_by_api, _by_servlet] if "/wiki" in urlsplit(settings.url).path else [_by_servlet, _by_api]
        self._way_found = False

    async def of_space(self) -> AsyncIterator[list[AttachmentRef]]:
        """The files of all pages of the space, as the search knows them.

        Raises:
            IncompleteListingError: the site does not answer such a search, or not to its end.
        """
        cql = f'type=attachment and space="{self._space}" order by created'
        try:
            async with aclosing(self._lists.search(cql, "version,container", self._settings.list_limit)) as portions:
                async for portion in portions:
                    yield [ref for item in portion.items if (ref := self._read_v1(item, "", portion.base))]
        except SourceError as error:
            raise IncompleteListingError(f"Confluence does not list a space's attachments: {error.message}") from None

    async def of_pages(self, page_ids: Sequence[str]) -> AsyncIterator[Listed]:
        """The files of the pages named, as they are now; pages that are gone have none.

        Raises:
            SourceError: none can be listed: the credentials may not, or several pages in a row get no answer.
        """
        calls = (partial(self._of_page, page_id) for page_id in page_ids if PAGE_ID.fullmatch(page_id))
        in_a_row = 0
        try:
            async with aclosing(in_order(calls, self._settings.max_concurrency)) as found:
                async for listed in found:
                    failed = next((item for item in listed if isinstance(item, DocumentFailure)), None)
                    in_a_row = in_a_row + 1 if failed else 0
                    if failed and in_a_row >= _HOPELESS:
                        raise SourceUnreachableError(failed.message, "Sync again later.")
                    yield listed
        except AccessDeniedError as error:
            raise AccessDeniedError(f"The attachments can't be listed: {why(ATTACHMENTS, error)}") from None

    async def download(self, refs: Sequence[AttachmentRef], most_bytes: int) -> AsyncGenerator[Answer, None]:
        """See `Source.download`."""
        calls = (partial(self._download, ref, most_bytes) for ref in refs)
        async with aclosing(in_order(calls, self._settings.max_concurrency)) as answers:
            async for answer in answers:
                yield answer

    def found(self, item: Json, base: str) -> AttachmentRef | None:
        """An attachment that a search found; None for what is none."""
        return self._read_v1(item, "", base)

    # --- listing -------------------------------------------------------------------------------------------------

    async def _of_page(self, page_id: str) -> Listed:
        """The files of a page.

        Raises:
            AccessDeniedError: the credentials may not list files at all.
        """
        is_v2 = await self._api() == "v2"
        try:
            if is_v2:
                path, ends = f"/api/v2/pages/{page_id}/attachments", ("created-date", "-created-date")
                portion = await self._lists.items(path, {"limit": MAX_LIMIT}, ends=ends)
            else:
                path = f"/rest/api/content/{page_id}/child/attachment"
                portion = await self._lists.items(path, {"expand": "version", "limit": self._settings.list_limit})
        except SourceNotFoundError as error:
            return [] if await self._is_gone(page_id, is_v2=is_v2) else self._unlisted(page_id, error)
        except AccessDeniedError:
            raise
        except SourceError as error:
            return self._unlisted(page_id, error)
        read = self._read_v2 if is_v2 else self._read_v1
        return [ref for item in portion.items if (ref := read(item, page_id, portion.base))]

    async def _is_gone(self, page_id: str, *, is_v2: bool) -> bool:
        """Whether a page is not there either, of whose files Confluence says that they are not."""
        try:
            await self._client.get(f"/api/v2/pages/{page_id}" if is_v2 else f"/rest/api/content/{page_id}")
        except SourceNotFoundError:
            return True
        except SourceError:
            return False
        return False

    @staticmethod
    def _unlisted(page_id: str, error: SourceError) -> Listed:
        message = f"The attachments of page {page_id} can't be listed: {error.message}"
        return [DocumentFailure(page_id, page_id, Stage.ATTACHMENTS, message, page_id)]

    def _read_v1(self, item: Json, page_id: str, base: str) -> AttachmentRef | None:
        links, extensions, version = item.get("_links") or {}, item.get("extensions") or {}, item.get("version") or {}
        page_id = page_id or str((item.get("container") or {}).get("id") or "")
        author = str((version.get("by") or {}).get("displayName") or "")
        media_type = extensions.get("mediaType") or (item.get("metadata") or {}).get("mediaType")
        return self._ref(
            item,
            page_id,
            links.get("base") or base,
            media_type,
            extensions.get("fileSize"),
            version.get("when"),
            author,
        )

    def _read_v2(self, item: Json, page_id: str, base: str) -> AttachmentRef | None:
        when = (item.get("version") or {}).get("createdAt")
        return self._ref(item, page_id, base, item.get("mediaType"), item.get("fileSize"), when, "")

    def _ref(
        self, item: Json, page_id: str, base: object, media_type: object, size: object, when: object, author: str
    ) -> AttachmentRef | None:
        """The attachment; None for what has no usable id or name."""
        attachment_id, name = str(item.get("id") or ""), str(item.get("title") or "")
        current = item.get("status", "current") == "current" and item.get("type", "attachment") == "attachment"
        if not (current and name and PAGE_ID.fullmatch(page_id) and _ATTACHMENT_ID.fullmatch(attachment_id)):
            return None
        number = int((item.get("version") or {}).get("number") or 0)
        size = size if isinstance(size, int) and size >= 0 else None
        root = (str(base or "") or self._settings.public_url).rstrip("/")
        address = quote(unicodedata.normalize("NFC", name), safe="")
        return AttachmentRef(
            attachment_id=attachment_id,
            document_id=page_id,
            name=name,
            url=f"{root}/download/attachments/{page_id}/{address}",
            # Both APIs give these alike; the moment of the version they write differently.
            version_key=digest(number, size, page_id),
            version=str(number),
            media_type=str(media_type or "").partition(";")[0].strip().lower(),
            size=size,
            author=author,
            modified_at=read_time(when),
        )

    # --- downloading ---------------------------------------------------------------------------------------------

    async def _download(self, ref: AttachmentRef, most_bytes: int) -> Answer:
        try:
            return Downloaded(ref.attachment_id, await self._bytes(ref, most_bytes))
        except SourceNotFoundError:
            return DocumentGone(ref.attachment_id, _GONE)
        except TooLargeError:
            return _failure(ref, f"The file is larger than {most_bytes:,} bytes, which are allowed.")
        except SourceError as error:
            if isinstance(error, SourceUnreachableError):
                with suppress(*_REFUSED):  # raises if it isn't only this file
                    await self._client.get(f"/rest/api/space/{quote(self._space, safe='~')}")
            return _failure(ref, str(error))

    async def _bytes(self, ref: AttachmentRef, most_bytes: int) -> bytes:
        """The file by the way that this site has; which one is known after the first that came."""
        ways = self._ways[:1] if self._way_found else list(self._ways)
        problem: SourceError | None = None
        for way in ways:
            path, params = way(ref)
            try:
                data = await self._client.download(path, params, most_bytes)
            except (SourceNotFoundError, AccessDeniedError, RefusedError) as error:
                problem = problem or error
                continue
            if not self._way_found:
                self._ways, self._way_found = [way], True
            return data
        raise problem or AssertionError("no way")


def _by_api(ref: AttachmentRef) -> tuple[str, dict[str, str | int]]:
    return f"/rest/api/content/{ref.document_id}/child/attachment/{ref.attachment_id}/download", {}


def _by_servlet(ref: AttachmentRef) -> tuple[str, dict[str, str | int]]:
    return f"/download/attachments/{ref.document_id}/{quote(ref.name, safe='')}", {"version": ref.version}


def _failure(ref: AttachmentRef, message: str) -> DocumentFailure:
    message = f"{ref.name} of page {ref.document_id}: {message}"
    return DocumentFailure(ref.attachment_id, ref.name, Stage.ATTACHMENTS, message)
