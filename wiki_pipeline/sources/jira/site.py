"""One Jira site: which Jira it is, and every call that is used. Nothing else knows the two flavours' addresses.

Cloud takes scoped tokens at a gateway only. Where it refuses the credentials at the site's own address, the gateway is
asked with the same ones, then with the token alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from wiki_pipeline.errors import AccessDeniedError, SourceError, SourceNotFoundError, SourceUnreachableError
from wiki_pipeline.links.jira import Site
from wiki_pipeline.sources.http.answers import ForbiddenError, Json, Product, RefusedError
from wiki_pipeline.sources.http.client import SiteClient, Sleep
from wiki_pipeline.sources.http.walks import Portion
from wiki_pipeline.sources.jira.settings import JiraSettings

JIRA = Product(
    name="Jira",
    variable="JIRA",
    visible="project",
    contexts="/jira",
    gone="Set WIKI_PIPELINE_JIRA_FLAVOUR to auto or cloud.",
)
MOST_AT_ONCE = 100  # issues that a bulk fetch takes
MOST_RECONCILED = 50
_COMMENTS_A_PAGE = 100
_NO_PROJECT = "for the field 'project'"
_log = logging.getLogger(__name__)


class JiraSite:
    """Requests to one site.

    Args:
        settings: with an address.
        source: names the source in errors.
        sleep: waits between tries; tests hand in their own.
    """

    def __init__(self, settings: JiraSettings, source: str, sleep: Sleep = asyncio.sleep) -> None:
        self.settings = settings
        self._source = source
        self._sleep = sleep
        self.client = SiteClient(settings, JIRA, source, sleep)
        self._flavour: Literal["cloud", "datacenter"] | None = None
        self._opening = asyncio.Lock()

    async def aclose(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def is_cloud(self) -> bool:
        """Whether it is Cloud; asked once. From then on requests go where the credentials are taken.

        Raises:
            SourceError: the site can't be asked, or refuses the credentials.
        """
        async with self._opening:
            if self._flavour is None:
                self._flavour = await self._open()
                _log.info("%s: Jira %s", self._source, self._flavour)
            return self._flavour == "cloud"

    async def _open(self) -> Literal["cloud", "datacenter"]:
        flavour = self.settings.flavour
        if flavour == "auto":
            if Site.parse(self.settings.url).is_cloud:
                flavour = "cloud"
            else:
                info = await self.client.get("/rest/api/2/serverInfo")
                flavour = "cloud" if info.get("deploymentType") == "Cloud" else "datacenter"
        if flavour == "cloud" and "/ex/jira/" not in self.settings.url and self.settings.token.get_secret_value():
            await self._find_gateway()
        return flavour

    async def _find_gateway(self) -> None:
        try:
            await self.client.get("/rest/api/3/myself")
        except ForbiddenError:
            return
        except AccessDeniedError as refused:
            try:
                cloud_id = str((await self.client.get("/_edge/tenant_info")).get("cloudId") or "")
            except SourceError:
                raise refused from None
            url = f"{self.settings.gateway}/ex/jira/{cloud_id}"
            for username in dict.fromkeys((self.settings.username, "")):
                settings = self.settings.model_copy(update={"url": url, "username": username})
                client = SiteClient(settings, JIRA, self._source, self._sleep)
                try:
                    await client.get("/rest/api/3/myself")
                except ForbiddenError:
                    pass
                except AccessDeniedError:
                    await client.aclose()
                    continue
                await self.client.aclose()
                self.client = client
                return
            raise refused from None

    # --- the site ----

    async def who(self) -> str:
        """Display name of the account."""
        try:
            user = await self.client.get(f"{await self._api()}/myself")
        except SourceError:
            return "not shown to this kind of token"
        return str(user.get("displayName") or user.get("name") or "anonymous")

    async def project(self, key: str) -> Json:
        """A project.

        Raises:
            SourceNotFoundError: there is none, or the credentials may not see it.
        """
        api = await self._api()
        try:
            return await self.client.get(f"{api}/project/{key}")
        except (SourceNotFoundError, ForbiddenError, RefusedError):
            # A token that may not list or read projects may search in one all the same.
            await self.search(f'project = "{key}"', ["updated"], 1)
            return {"key": key, "name": key}

    async def projects(self) -> int:
        """How many projects the credentials may see."""
        if await self.is_cloud():
            return int((await self.client.get("/rest/api/3/project/search", {"maxResults": 1})).get("total") or 0)
        found = await self.client.get_any("/rest/api/2/project")
        return len(found)

    async def fields(self) -> list[Json]:
        """All fields that the site has, with their names and schemas."""
        found = await self.client.get_any(f"{await self._api()}/field")
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    # --- search ----

    async def search(
        self,
        jql: str,
        fields: Sequence[str],
        limit: int,
        *,
        place: str | int = "",
        expand: Sequence[str] = (),
        reconcile: Sequence[str] = (),
    ) -> Portion:
        """One page of what a query finds.

        Args:
            place: token (Cloud) or offset (Data Center) of the page; empty for the first one.
            reconcile: ids of issues, at most 50, that Cloud looks at as they are now, not as its index knows them.

        Raises:
            SourceNotFoundError: the query names a project that is not there, or that the credentials may not see.
            SourceError: as `SiteClient.get`.
        """
        body: dict[str, Any] = {"jql": jql, "fields": list(fields), "maxResults": limit}
        try:
            if await self.is_cloud():
                body |= {"expand": ",".join(expand)} if expand else {}
                body |= {"nextPageToken": place} if place else {}
                body |= {"reconcileIssues": [int(id_) for id_ in reconcile]} if reconcile else {}
                answer = await self.client.post("/rest/api/3/search/jql", body)
            else:
                body |= {"expand": list(expand)} if expand else {}
                body |= {"startAt": int(place or 0)}
                answer = await self.client.post("/rest/api/2/search", body)
        except RefusedError as error:
            if _NO_PROJECT in error.message:
                raise SourceNotFoundError(
                    error.message, "The project is not there, or the credentials may not see it."
                ) from None
            raise
        return _portion(answer, place)

    async def count(self, jql: str) -> int | None:
        """How many issues a query finds, as Cloud estimates it; None if it doesn't say."""
        try:
            answer = await self.client.post("/rest/api/3/search/approximate-count", {"jql": jql})
        except SourceError:
            return None
        found = answer.get("count")
        return found if isinstance(found, int) else None

    # --- issues ----

    async def bulk(self, ids: Sequence[str], fields: Sequence[str], expand: Sequence[str] = ()) -> list[Json]:
        """Up to 100 issues by their ids, wherever they are now; those that can't be had are missing (Cloud)."""
        body = {"issueIdsOrKeys": list(ids), "fields": list(fields), "expand": list(expand)}
        answer = await self.client.post("/rest/api/3/issue/bulkfetch", body)
        issues = answer.get("issues")
        if not isinstance(issues, list):
            raise SourceUnreachableError("The answer to a bulk fetch has no list of issues in it.")
        return [issue for issue in issues if isinstance(issue, dict)]

    async def issue(self, name: str, fields: Sequence[str], expand: Sequence[str] = ()) -> Json:
        """An issue by id or key, also by a key of before."""
        params = {"fields": ",".join(fields)} | ({"expand": ",".join(expand)} if expand else {})
        return await self.client.get(f"{await self._api()}/issue/{name}", params)

    async def comments(self, issue_id: str) -> list[Json]:
        """All comments of an issue, oldest first."""
        more = {} if await self.is_cloud() else {"expand": "renderedBody"}
        return await self._parts(issue_id, "comment", "comments", {"orderBy": "created", **more})

    async def worklogs(self, issue_id: str) -> list[Json]:
        """All worklogs of an issue."""
        return await self._parts(issue_id, "worklog", "worklogs", {})

    async def _parts(self, issue_id: str, path: str, name: str, more: Mapping[str, str]) -> list[Json]:
        found: dict[str, Json] = {}
        while True:
            params: dict[str, str | int] = {"startAt": len(found), "maxResults": _COMMENTS_A_PAGE, **more}
            answer = await self.client.get(f"{await self._api()}/issue/{issue_id}/{path}", params)
            items = [item for item in answer.get(name) or () if isinstance(item, dict)]
            new = {str(item.get("id")): item for item in items if str(item.get("id")) not in found}
            found |= new
            if not new or len(found) >= int(answer.get("total") or 0):
                return list(found.values())

    async def download(self, attachment_id: str, name: str, most_bytes: int) -> bytes:
        """The bytes of a file."""
        if await self.is_cloud():
            return await self.client.download(f"/rest/api/3/attachment/content/{attachment_id}", {}, most_bytes)
        return await self.client.download(f"/secure/attachment/{attachment_id}/{quote(name, safe='')}", {}, most_bytes)

    async def _api(self) -> str:
        return "/rest/api/3" if await self.is_cloud() else "/rest/api/2"


def _portion(answer: Json, place: str | int) -> Portion:
    items, total = answer.get("issues"), answer.get("total")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise SourceUnreachableError(
            "The answer to a search has no list of issues in it.", "Check that JIRA_URL is a Jira site."
        )
    start = int(answer.get("startAt") or 0)
    link = ""
    # The token alone says whether there is more: `isLast` is not to be relied on.
    if token := answer.get("nextPageToken"):
        link = f"?cursor={token}" if token != place else f"?cursor={token}&again"
    elif isinstance(total, int) and items and start + len(items) < total:
        link = f"?start={start + len(items)}"
    return Portion(items, link, start=start, total=total if isinstance(total, int) else None)
