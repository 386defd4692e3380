"""Issues by their ids, in spite of trouble: batches that fail are halved until the issue that spoils them is alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial

from wiki_pipeline.errors import SourceError, SourceNotFoundError, SourceUnreachableError
from wiki_pipeline.links.jira import ISSUE_ID
from wiki_pipeline.model import DocumentFailure, DocumentGone, RawPage, Stage
from wiki_pipeline.sources.http.answers import ForbiddenError, Json, RefusedError, TooLargeError
from wiki_pipeline.sources.http.concurrency import in_order
from wiki_pipeline.sources.jira.config import SourceConfig
from wiki_pipeline.sources.jira.issue import Fields, Reader
from wiki_pipeline.sources.jira.listing import Listing
from wiki_pipeline.sources.jira.site import MOST_RECONCILED, JiraSite
from wiki_pipeline.sources.protocol import Fetched

GONE = "The issue was deleted, or the credentials may no longer see it: Jira answers the same for both."
SECURED = "The issue has a security level, so not everybody may see it."
OUT_OF_SCOPE = "The issue is no longer among those that the source's query finds."


class Issues:
    """The issues of one source, by id."""

    def __init__(self, site: JiraSite, config: SourceConfig, max_document_bytes: int) -> None:
        self._site = site
        self._config = config
        self._listing = Listing(site, config)
        self._max_document_bytes = max_document_bytes
        self._fields: Fields | None = None
        self._epics: dict[str, str] = {}

    async def fields(self) -> Fields:
        """Which fields to ask for; asked once."""
        if self._fields is None:
            try:
                known = await self._site.fields()
            except (ForbiddenError, SourceNotFoundError, RefusedError):
                known = []
            self._fields = Fields.of(known, self._site.settings)
        return self._fields

    async def reader(self) -> Reader:
        """Makes rows."""
        return Reader(
            self._site.settings, await self.fields(), self._config.site, self._max_document_bytes, self._epics
        )

    async def fetch(self, ids: Sequence[str]) -> AsyncGenerator[list[Fetched], None]:
        """See `Source.fetch`."""
        known = [id_ for id_ in dict.fromkeys(ids) if ISSUE_ID.fullmatch(id_)]
        if strange := [DocumentGone(id_, GONE) for id_ in dict.fromkeys(ids) if not ISSUE_ID.fullmatch(id_)]:
            yield list(strange)
        if not known:
            return
        cloud, settings = await self._site.is_cloud(), self._site.settings
        await self.fields()
        size = min(settings.body_limit, MOST_RECONCILED) if self._config.jql else settings.body_limit
        calls = (partial(self._batch, known[start : start + size], cloud=cloud) for start in range(0, len(known), size))
        # Half of the requests that may be under way: each batch may ask for more of some of its issues.
        async with aclosing(in_order(calls, max(1, settings.max_concurrency))) as batches:
            async for answers in batches:
                yield answers

    async def _batch(self, ids: Sequence[str], *, cloud: bool) -> list[Fetched]:
        found = {str(issue.get("id")): issue for issue in await self._read(ids, cloud=cloud)}
        missing = [id_ for id_ in ids if id_ not in found]
        if missing and len(missing) == len(ids):
            await self._site.project(self._config.project)  # raises if it is the project that can't be seen
        answers: list[Fetched] = []
        for id_ in missing:
            one = await self._alone(id_)
            if isinstance(one, dict):
                found[id_] = one
            else:
                answers.append(one)
        inside = await self._within(list(found), cloud=cloud)
        await self._learn_epics(list(found.values()))
        reader = await self.reader()
        return answers + [await self._answer(reader, issue, within=id_ in inside) for id_, issue in found.items()]

    async def _read(self, ids: Sequence[str], *, cloud: bool) -> list[Json]:
        """Issues of a batch; those that can't be had are missing.

        Raises:
            SourceError: the site as a whole fails.
        """
        names, expand = (await self.fields()).names(self._site.settings), ["changelog"]
        try:
            if cloud:
                return await self._site.bulk(ids, names, expand)
            jql = f"id in ({', '.join(ids)})"
            portion = await self._site.search(jql, names, len(ids), expand=[*expand, "renderedFields"])
        except (RefusedError, TooLargeError, SourceNotFoundError):
            pass  # one of them spoils it, or all are too much at once
        else:
            return portion.items
        if len(ids) == 1:
            return []
        middle = len(ids) // 2
        return await self._read(ids[:middle], cloud=cloud) + await self._read(ids[middle:], cloud=cloud)

    async def _alone(self, id_: str) -> Json | DocumentGone | DocumentFailure:
        expand = ["changelog"] if await self._site.is_cloud() else ["changelog", "renderedFields"]
        try:
            issue = await self._site.issue(id_, (await self.fields()).names(self._site.settings), expand)
        except SourceNotFoundError:
            return DocumentGone(id_, GONE)
        except ForbiddenError:
            return DocumentGone(id_, GONE)
        except (RefusedError, TooLargeError) as error:
            return DocumentFailure(id_, id_, Stage.RAW_PAGES, str(error))
        except SourceUnreachableError as error:
            await self._site.project(self._config.project)  # raises if it isn't only this issue
            return DocumentFailure(id_, id_, Stage.RAW_PAGES, str(error))
        return issue

    async def _within(self, ids: Sequence[str], *, cloud: bool) -> set[str]:
        """Those of some issues that the source's query finds, as they are now."""
        if not self._config.jql or not ids:
            return set(ids)
        jql = self._listing.jql(f"id in ({', '.join(ids)})")
        found = await self._site.search(jql, ["updated"], len(ids), reconcile=ids if cloud else ())
        return set(found.ids)

    async def _answer(self, reader: Reader, issue: Json, *, within: bool) -> Fetched:
        id_, key, fields = str(issue.get("id")), str(issue.get("key")), issue.get("fields") or {}
        project = str((fields.get("project") or {}).get("key") or key.rpartition("-")[0])
        if project.upper() != self._config.project:
            return DocumentGone(id_, f"The issue is {key} now, in the project {project}.")
        if not within:
            return DocumentGone(id_, OUT_OF_SCOPE)
        settings = self._site.settings
        if fields.get("security") and not settings.restricted:
            return DocumentGone(id_, SECURED)
        try:
            comments = await self._all(id_, fields, "comment", "comments") if settings.comments else None
            worklogs = await self._all(id_, fields, "worklog", "worklogs") if settings.worklogs else None
        except (RefusedError, ForbiddenError, SourceNotFoundError, TooLargeError) as error:
            return DocumentFailure(id_, key, Stage.RAW_PAGES, f"{key}: {error}")
        row: RawPage | DocumentFailure = reader.row(issue, comments, worklogs)
        return row

    async def _all(self, id_: str, fields: Json, name: str, items: str) -> list[Json] | None:
        """All comments or worklogs, where fewer came along than there are: the oldest are left out then."""
        part = fields.get(name) or {}
        came = part.get(items) or ()
        if int(part.get("total") or 0) <= len(came):
            return None
        return await (self._site.comments(id_) if name == "comment" else self._site.worklogs(id_))

    async def _learn_epics(self, issues: Sequence[Json]) -> None:
        """Ids of epics of which issues tell the key alone, as Data Center's do."""
        field = (await self.fields()).epic
        keys = {str((issue.get("fields") or {}).get(field) or "") for issue in issues} if field else set()
        unknown = sorted(keys - self._epics.keys() - {""})
        if not unknown:
            return
        self._epics |= dict.fromkeys(unknown, "")
        try:
            found = await self._site.search(f"key in ({', '.join(unknown)})", ["updated"], len(unknown))
        except SourceError:  # one of them is gone or hidden: what is below it stands by itself
            return
        self._epics |= {str(item.get("key")): str(item.get("id")) for item in found.items}
