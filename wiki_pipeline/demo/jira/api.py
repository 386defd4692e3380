"""What a Jira answers: the calls by which issues are read, refused where Jira refuses them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any
from urllib.parse import unquote

import orjson

from wiki_pipeline.demo.confluence.app import rate_limit_headers
from wiki_pipeline.demo.jira.documents import Json, Writer
from wiki_pipeline.demo.jira.site import Indexed, Issue, Project, Site
from wiki_pipeline.demo.serving import CLOUD_ID, HttpApp
from wiki_pipeline.demo.web import Answer, ApiError, ContractError, Request, json_answer
from wiki_pipeline.links import jql

_GATEWAY = f"/ex/jira/{CLOUD_ID}"
_MEDIA = "/media/"
_API = re.compile(r"/rest/api/(2|3|latest)(/.*)")
_GONE = "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API."
_UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
_MOST_BULK = 100
_MOST_RECONCILED = 50
_MOST_ORDERED = 7


@dataclass(frozen=True, slots=True)
class Account:
    """Credentials that are taken."""

    secret: str
    name: str = ""
    scoped: bool = False


@dataclass(slots=True)
class Limits:
    """Caps on what a request gives, whatever it asks for."""

    search: int = 1000
    cloud_ids: int = 5000
    cloud_fields: int = 100
    comments: int = 100


@dataclass(slots=True)
class World:
    """One site, and how it is served."""

    site: Site
    cloud: bool
    context: str = ""
    zone: tzinfo = UTC
    limits: Limits = field(default_factory=Limits)
    accounts: list[Account] = field(default_factory=list)
    list_projects: bool = True
    search_fails: Callable[[], bool] = lambda: False


class JiraApp(HttpApp):
    """One Jira over HTTP."""

    def __init__(self, world: World, latency: float = 0.0) -> None:
        super().__init__(world.site.lock, latency)
        self.world = world
        self._routes: list[tuple[str, re.Pattern[str], Callable[..., Answer]]] = [
            (method, re.compile(pattern), handler)
            for method, pattern, handler in (
                ("GET", "/serverInfo", self._server_info),
                ("GET", "/myself", self._myself),
                ("GET", "/field", self._fields),
                ("GET", "/project/search", self._project_search),
                ("GET", "/project", self._projects),
                ("GET", "/project/(?P<key>[^/]+)", self._project),
                ("GET", "/search/jql", self._search_jql),
                ("POST", "/search/jql", self._search_jql),
                ("POST", "/search/approximate-count", self._count),
                ("POST", "/issue/bulkfetch", self._bulk),
                ("GET", "/search", self._search),
                ("POST", "/search", self._search),
                ("GET", "/issue/(?P<name>[^/]+)", self._issue),
                ("GET", "/issue/(?P<name>[^/]+)/comment", self._comments),
                ("GET", "/issue/(?P<name>[^/]+)/worklog", self._worklogs),
                ("GET", "/issue/(?P<name>[^/]+)/changelog", self._changelog),
                ("GET", "/attachment/content/(?P<id>[^/]+)", self._content),
            )
        ]

    def headers(self) -> dict[str, str]:
        """What Data Center sends with every answer."""
        return {} if self.world.cloud else rate_limit_headers()

    def dispatch(self, request: Request) -> Answer:
        """Find what serves an address."""
        world, path = self.world, request.path
        if world.cloud and path.startswith(_MEDIA):
            return self._media(request, path.removeprefix(_MEDIA))
        if world.cloud and path == "/_edge/tenant_info":
            return json_answer({"cloudId": CLOUD_ID, "cloudName": "example"})
        if world.cloud and path.startswith(_GATEWAY + "/"):
            request.via_gateway, path = True, path.removeprefix(_GATEWAY)
        if not path.startswith(world.context + "/"):
            return self._lost(request, "the context path is missing")
        path = path.removeprefix(world.context)
        try:
            self._identify(request)
            return self._serve(request, path)
        except ApiError as problem:
            if isinstance(problem, ContractError):
                self.violations.append(f"{request.method} {request.path}: {problem.message}")
            return json_answer({"errorMessages": [problem.message], "errors": {}}, problem.status)

    def _serve(self, request: Request, path: str) -> Answer:
        if path.startswith("/secure/attachment/") and not self.world.cloud:
            _, _, _, id_, name = path.split("/", 4)
            return self._file(id_, unquote(name))
        if path.startswith("/browse/"):
            return Answer(200, b"<html><body>An issue for people</body></html>", "text/html")
        found = _API.fullmatch(path)
        if not found:
            return self._lost(request, "nothing lives at this address")
        version, rest = found[1], found[2]
        if version == "3" and not self.world.cloud:
            return self._lost(request, "Data Center has no v3")
        request.path = path
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(rest)
            if match and method == request.method:
                return handler(request, self._writer(request, version), **match.groupdict())
        raise ContractError(f"no such call: {request.method} {rest}", 404)

    def _lost(self, request: Request, reason: str) -> Answer:
        self.violations.append(f"{request.method} {request.path}: {reason}")
        return Answer(404, b"<html><body>Oops, you&#39;ve found a dead link.</body></html>", "text/html")

    def _writer(self, request: Request, version: str) -> Writer:
        # Whatever way a request came, the site names itself.
        root = request.origin + self.world.context
        return Writer(
            self.world.site, root, version.replace("latest", "2"), version == "3", self.world.cloud, self.world.zone
        )

    # --- who asks ----

    def _identify(self, request: Request) -> None:
        accounts = self.world.accounts
        if not accounts or request.path.endswith("/serverInfo"):
            return
        given = request.headers.get("authorization", "")
        name, secret = "", given.removeprefix("Bearer ")
        if given.startswith("Basic "):
            name, _, secret = base64.b64decode(given[6:]).decode().partition(":")
        for account in accounts:
            if (account.name, account.secret) == (name, secret) and account.scoped == request.via_gateway:
                return
        raise ApiError(401, "Client must be authenticated to access this resource.")

    # --- the site ----

    def _server_info(self, _request: Request, writer: Writer) -> Answer:
        kind = "Cloud" if self.world.cloud else "Server"
        numbers = [1001, 0, 0] if self.world.cloud else [10, 3, 1]
        return json_answer(
            {
                "baseUrl": writer.root,
                "version": ".".join(map(str, numbers)),
                "versionNumbers": numbers,
                "deploymentType": kind,
                "serverTitle": "Jira",
            }
        )

    def _myself(self, _request: Request, writer: Writer) -> Answer:
        return json_answer(
            {**(writer.person(self.world.site.person("Wiki Reader")) or {}), "timeZone": str(self.world.zone)}
        )

    def _fields(self, _request: Request, writer: Writer) -> Answer:
        return json_answer(writer.all_fields())

    def _visible(self) -> list[Project]:
        return [project for project in self.world.site.projects.values() if not project.hidden]

    def _projects(self, _request: Request, writer: Writer) -> Answer:
        return json_answer([writer.project(project) for project in self._visible() if not project.archived])

    def _project_search(self, request: Request, writer: Writer) -> Answer:
        if not self.world.cloud:
            raise ContractError("Data Center has no project/search", 404)
        if not self.world.list_projects:
            raise ApiError(403, "You are not authorized to perform this action.")
        keys = set(request.many("keys"))
        states = set(request.many("status")) or {"live"}
        found = [
            project
            for project in self._visible()
            if (not keys or project.key in keys) and ("archived" if project.archived else "live") in states
        ]
        values = []
        for project in found:
            made = writer.project(project) | ({"archived": True} if project.archived else {})
            if "insight" in request.many("expand"):
                mine = [issue for issue in self.world.site.issues.values() if issue.project is project]
                newest = max((issue.updated for issue in mine), default=None)
                made["insight"] = {
                    "totalIssueCount": len(mine),
                    **({"lastIssueUpdateTime": writer.moment(newest)} if newest else {}),
                }
            values.append(made)
        return json_answer({"startAt": 0, "maxResults": 50, "total": len(values), "isLast": True, "values": values})

    def _project(self, _request: Request, writer: Writer, key: str) -> Answer:
        for project in self._visible():
            if key.upper() in {project.key, project.id}:
                return json_answer(writer.project(project))
        raise ApiError(404, f"No project could be found with key '{key}'.")

    # --- search ----

    def _asked(self, request: Request) -> Json:
        """The parameters of a search, from its body or its address."""
        if request.method == "POST":
            return dict(orjson.loads(request.body))
        return {name: request.get(name) for name, _ in request.query} | {
            name: request.many(name) for name in ("fields", "expand", "reconcileIssues") if request.get(name)
        }

    def _found(self, text: str, reconciled: Sequence[str] = ()) -> list[Issue]:
        site = self.world.site
        try:
            query = jql.parse(text)
        except jql.QueryError as problem:
            raise ApiError(400, f"Error in the JQL Query: {problem}") from None
        if self.world.cloud and query.where is None:
            raise ApiError(400, _UNBOUNDED)
        if len(query.order) > _MOST_ORDERED:
            raise ApiError(400, "Too many fields to order by.")
        self._check_projects(query.where)
        known = {each.id: each for each in site.indexed()}
        for id_ in reconciled:
            issue = site.issues.get(str(id_))
            known.pop(str(id_), None)
            if issue is not None:
                known[issue.id] = Indexed.of(issue)
        match query.where:
            case jql.Clause(field="id", operator="in", values=values):  # of ten thousand, a hundred are looked at
                known = {value.text: known[value.text] for value in values if value.text in known}
            case _:
                pass
        asker = jql.Asker(site.now(), self.world.zone, ("Wiki Reader",))
        found = []
        for each in known.values():
            issue = site.issues.get(each.id)
            if issue is None or issue.hidden or issue.project.hidden or issue.project.archived:
                continue
            try:
                if jql.holds(query, each.facts.get, asker):
                    found.append((each, issue))
            except jql.QueryError as problem:
                raise ApiError(400, str(problem)) from None
        for name, descending in reversed(query.order or (("created", True),)):
            found.sort(key=lambda pair, name=name: _order(pair[0], name), reverse=descending)  # type: ignore[misc]
        return [issue for _, issue in found]

    def _check_projects(self, node: jql.Node | None) -> None:
        match node:
            case jql.Not():
                self._check_projects(node.part)
            case jql.Both():
                for part in node.parts:
                    self._check_projects(part)
            case jql.Clause(field="project"):
                seen = {name.casefold() for each in self._visible() for name in (each.key, each.name, each.id)}
                for value in node.values:
                    if value.text.casefold() not in seen:
                        raise ApiError(400, f"The value '{value.text}' does not exist for the field 'project'.")
            case jql.Clause(field="id" | "key" | "issue" | "issuekey", operator="=" | "in") if not self.world.cloud:
                for value in node.values:
                    issue = self.world.site.find(value.text)
                    if issue is None or issue.hidden:
                        message = f"An issue with key '{value.text}' does not exist for field '{node.field}'."
                        raise ApiError(400, message)
            case _:
                pass

    def _search_jql(self, request: Request, writer: Writer) -> Answer:
        if not self.world.cloud:
            raise ContractError("Data Center has no search/jql", 404)
        asked = self._asked(request)
        if "startAt" in asked:
            raise ContractError("startAt is ignored by search/jql")
        reconciled = [str(id_) for id_ in asked.get("reconcileIssues") or ()]
        if len(reconciled) > _MOST_RECONCILED:
            raise ContractError("more than 50 issues to reconcile")
        wanted, expand = _names(asked.get("fields")) or {"id"}, _names(asked.get("expand"))
        found = self._found(str(asked.get("jql") or ""), reconciled)
        light = wanted <= {"id", "key", "updated", "security"}
        most = min(
            int(asked.get("maxResults") or 50), self.world.limits.cloud_ids if light else self.world.limits.cloud_fields
        )
        start = 0
        if token := asked.get("nextPageToken"):
            try:
                start, last = json.loads(base64.urlsafe_b64decode(token))
            except ValueError:
                raise ContractError("a nextPageToken that this server never gave") from None
            ids = [issue.id for issue in found]
            start = ids.index(last) + 1 if last in ids else start
        page = found[start : start + most]
        issues = [{"id": issue.id} if wanted == {"id"} else writer.issue(issue, wanted, expand) for issue in page]
        answer: Json = {"issues": issues, "isLast": start + most >= len(found)}
        if not answer["isLast"]:
            answer["nextPageToken"] = base64.urlsafe_b64encode(
                json.dumps([start + most, page[-1].id]).encode()
            ).decode()
        return json_answer(answer)

    def _count(self, request: Request, _writer: Writer) -> Answer:
        return json_answer({"count": len(self._found(str(self._asked(request).get("jql") or "")))})

    def _search(self, request: Request, writer: Writer) -> Answer:
        if self.world.cloud:
            return json_answer({"errorMessages": [_GONE], "errors": {}}, 410)
        asked = self._asked(request)
        if "nextPageToken" in asked:
            raise ContractError("Data Center knows no nextPageToken")
        if asked.get("validateQuery") in {"false", False, "warn", "none"}:
            found = self._leniently(str(asked.get("jql") or ""))
        else:
            found = self._found(str(asked.get("jql") or ""))
        start = int(asked.get("startAt") or 0)
        most = min(int(asked.get("maxResults") or 50), self.world.limits.search)
        wanted = _names(asked.get("fields")) or {"*navigable"}
        issues = [writer.issue(issue, wanted, _names(asked.get("expand"))) for issue in found[start : start + most]]
        return json_answer(
            {"expand": "names,schema", "startAt": start, "maxResults": most, "total": len(found), "issues": issues}
        )

    def _leniently(self, text: str) -> list[Issue]:
        try:
            return self._found(text)
        except ApiError:
            return []

    # --- issues ----

    def _seen(self, name: str) -> Issue:
        issue = self.world.site.find(name)
        if issue is None or issue.hidden or issue.project.hidden:
            raise ApiError(404, "Issue does not exist or you do not have permission to see it.")
        return issue

    def _issue(self, request: Request, writer: Writer, name: str) -> Answer:
        wanted = set(request.many("fields")) or {"*all"}
        return json_answer(writer.issue(self._seen(name), wanted, set(request.many("expand"))))

    def _bulk(self, request: Request, writer: Writer) -> Answer:
        if not self.world.cloud:
            raise ContractError("Data Center has no bulkfetch", 404)
        asked = self._asked(request)
        names = [str(name) for name in asked.get("issueIdsOrKeys") or ()]
        if len(names) > _MOST_BULK:
            raise ContractError("more than 100 issues in a bulk fetch")
        found, errors = {}, []
        for name in names:
            try:
                issue = self._seen(name)
            except ApiError as problem:
                errors.append({"id": name, "error": problem.message})
                continue
            found[issue.id] = issue
        wanted, expand = _names(asked.get("fields")) or {"*navigable"}, _names(asked.get("expand"))
        issues = [writer.issue(found[id_], wanted, expand) for id_ in sorted(found, key=int)]
        return json_answer({"issues": issues, "issueErrors": errors})

    def _comments(self, request: Request, writer: Writer, name: str) -> Answer:
        issue = self._seen(name)
        start = request.number("startAt", 0)
        most = min(request.number("maxResults", 50), self.world.limits.comments)
        rendered = "renderedBody" in request.many("expand")
        comments = [writer.comment(issue, each, rendered=rendered) for each in issue.comments[start : start + most]]
        return json_answer({"startAt": start, "maxResults": most, "total": len(issue.comments), "comments": comments})

    def _worklogs(self, request: Request, writer: Writer, name: str) -> Answer:
        return json_answer(
            writer.worklogs(self._seen(name), request.number("startAt", 0), request.number("maxResults", 100))
        )

    def _changelog(self, _request: Request, writer: Writer, name: str) -> Answer:
        made = writer.changelog(self._seen(name), most=10_000)
        return json_answer({"values": made["histories"][::-1], "total": made["total"], "isLast": True})

    # --- files ----

    def _content(self, request: Request, _writer: Writer, id: str) -> Answer:  # noqa: A002 - the name in the route
        self._attached(id)
        location = f"{request.origin.replace('127.0.0.1', 'localhost')}{_MEDIA}{id}"
        return Answer(303, b"", "text/plain", {"location": location})

    def _media(self, request: Request, id_: str) -> Answer:
        if "authorization" in request.headers:
            self.violations.append("credentials were sent to the media store")
        return self._file(id_, None)

    def _file(self, id_: str, name: str | None) -> Answer:
        issue_file = self._attached(id_, name)
        return Answer(200, issue_file[0], issue_file[1])

    def _attached(self, id_: str, name: str | None = None) -> tuple[bytes, str]:
        for issue in self.world.site.issues.values():
            for file in issue.attachments:
                if file.id == id_ and name in {None, file.name} and not issue.hidden:
                    return file.data, file.media_type
        raise ApiError(404, f"The attachment with id '{id_}' does not exist")


def _names(value: Any) -> set[str]:
    if isinstance(value, str):
        value = value.split(",")
    return {str(name) for name in value or () if name}


def _order(each: Indexed, name: str) -> tuple[Any, ...]:
    if name in {"created", "updated"}:
        return (each.facts[name], 0)
    if name in {"key", "issuekey", "id"}:
        project, _, number = each.facts["key"][0].partition("-")
        return (project, int(number)) if name != "id" else (int(each.id),)
    value = each.facts.get(name) or [""]
    return (str(value[0]),)
