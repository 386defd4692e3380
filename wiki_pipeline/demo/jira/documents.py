"""Issues as Jira writes them in JSON: Cloud's v3 with ADF, Cloud's v2 and Data Center with wiki markup."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import quote

from wiki_pipeline.demo.jira.bodies import Body
from wiki_pipeline.demo.jira.site import CATEGORIES, Attachment, Comment, Issue, Person, Project, Site, Worklog

Json = dict[str, Any]

EPIC_LINK, SPRINT, POINTS = "customfield_10014", "customfield_10020", "customfield_10016"
_SCHEMAS: dict[str, tuple[str, Json]] = {
    "summary": ("Summary", {"type": "string", "system": "summary"}),
    "description": ("Description", {"type": "string", "system": "description"}),
    "status": ("Status", {"type": "status", "system": "status"}),
    "issuetype": ("Issue Type", {"type": "issuetype", "system": "issuetype"}),
    "updated": ("Updated", {"type": "datetime", "system": "updated"}),
    "labels": ("Labels", {"type": "array", "items": "string", "system": "labels"}),
    SPRINT: (
        "Sprint",
        {"type": "array", "items": "json", "custom": "com.pyxis.greenhopper.jira:gh-sprint", "customId": 10020},
    ),
    EPIC_LINK: ("Epic Link", {"type": "any", "custom": "com.pyxis.greenhopper.jira:gh-epic-link", "customId": 10014}),
    POINTS: (
        "Story Points",
        {"type": "number", "custom": "com.atlassian.jira.plugin.system.customfieldtypes:float", "customId": 10016},
    ),
}
_INLINE_COMMENTS = 100  # of more, the oldest are left out
_INLINE_WORKLOGS = 20
_COLOURS = {
    "new": ("blue-gray", 2, "To Do"),
    "indeterminate": ("yellow", 4, "In Progress"),
    "done": ("green", 3, "Done"),
}
_HIDDEN_COMMENTS = 40  # changelog entries that bulkfetch gives


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes JSON for one API of one site.

    Attributes:
        root: address of the site as it says itself, whatever way a request came.
        adf: bodies as ADF.
        zone: of the account, in which moments are written.
    """

    site: Site
    root: str
    version: str
    adf: bool
    cloud: bool
    zone: tzinfo

    def issue(self, issue: Issue, wanted: set[str], expand: set[str]) -> Json:
        """An issue with the fields wanted (`*all`, `*navigable`, `-comment`, names)."""
        made: Json = {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog",
            "id": issue.id,
            "self": f"{self._api}/issue/{issue.id}",
            "key": issue.key,
        }
        fields = self.fields(issue, wanted)
        if fields:
            made["fields"] = fields
        if "renderedFields" in expand:
            made["renderedFields"] = self._rendered(issue, fields)
        if "names" in expand:
            made["names"] = {name: self._name(name) for name in fields}
        if "changelog" in expand:
            made["changelog"] = self.changelog(issue)
        return made

    def fields(self, issue: Issue, wanted: set[str]) -> Json:
        """Its fields."""
        every = wanted & {"*all", "*navigable"}
        left_out = {name[1:] for name in wanted if name.startswith("-")}
        if "*all" not in wanted:
            left_out |= {"comment", "worklog", "attachment"} - wanted
        makers = self._makers(issue)
        return {
            name: make()
            for name, make in makers.items()
            if name not in left_out
            and (every or name in wanted or (left_out and not wanted - {f"-{n}" for n in left_out}))
        }

    def _makers(self, issue: Issue) -> Any:
        custom = {name: (lambda name=name: self.site.custom.get(name, {}).get(issue.id)) for name in self.site.fields}
        return {
            "summary": lambda: issue.summary,
            "description": lambda: self.body(issue.description),
            "issuetype": lambda: self._type(issue),
            "status": lambda: self.status(issue.status),
            "priority": lambda: self._named("priority", issue.priority),
            "resolution": lambda: self._named("resolution", issue.resolution) if issue.resolution else None,
            "resolutiondate": lambda: self.moment(issue.resolved) if issue.resolved else None,
            "project": lambda: self.project(issue.project),
            "labels": lambda: list(issue.labels),
            "components": lambda: [self._named("component", name) for name in issue.components],
            "fixVersions": lambda: [self._named("version", name) for name in issue.fix_versions],
            "versions": list,
            "assignee": lambda: self.person(issue.assignee),
            "reporter": lambda: self.person(issue.reporter),
            "creator": lambda: self.person(issue.reporter),
            "created": lambda: self.moment(issue.created),
            "updated": lambda: self.moment(issue.updated),
            "duedate": lambda: issue.due or None,
            "security": lambda: self._named("securitylevel", issue.security) if issue.security else None,
            "subtasks": lambda: [self.short(each) for each in self._children(issue) if each.type == "Sub-task"],
            "issuelinks": lambda: [self._link(*each) for each in issue.links if each[3].id in self.site.issues],
            "attachment": lambda: [self.attachment(file) for file in issue.attachments],
            "comment": lambda: self._comments(issue),
            "worklog": lambda: self.worklogs(issue, 0, _INLINE_WORKLOGS),
            SPRINT: lambda: self._sprint(issue),
            POINTS: lambda: issue.points,
            **({"parent": lambda: self.short(issue.parent)} if self._has_parent(issue) else {}),
            **({} if self.cloud else {EPIC_LINK: lambda: self._epic(issue)}),
            **custom,
        }

    def _has_parent(self, issue: Issue) -> bool:
        """Data Center has a parent for sub-tasks only; an epic is a custom field there."""
        return issue.parent is not None and (self.cloud or issue.type == "Sub-task")

    def _epic(self, issue: Issue) -> str | None:
        return issue.parent.key if issue.parent is not None and issue.type != "Sub-task" else None

    def _children(self, issue: Issue) -> list[Issue]:
        return self.site.children(issue)

    def _sprint(self, issue: Issue) -> list[Any] | None:
        if not issue.sprint:
            return None
        if self.cloud:
            return [
                {"id": 1, "name": issue.sprint, "state": "active", "boardId": 1, "goal": "Fewer alarms, more sleep"}
            ]
        text = (
            "com.atlassian.greenhopper.service.sprint.Sprint@1f39706d"
            f"[id=1,rapidViewId=1,state=ACTIVE,name={issue.sprint},"
            "startDate=2026-05-04T09:00:00.000Z,endDate=2026-05-18T09:00:00.000Z,completeDate=<null>,sequence=1,"
            "goal=Fewer alarms, more sleep]"
        )
        return [text]

    def short(self, issue: Issue | None) -> Json | None:
        """An issue beside another one."""
        if issue is None:
            return None
        fields = {
            "summary": issue.summary,
            "status": self.status(issue.status),
            "priority": self._named("priority", issue.priority),
            "issuetype": self._type(issue),
        }
        return {"id": issue.id, "key": issue.key, "self": f"{self._api}/issue/{issue.id}", "fields": fields}

    def _link(self, id_: str, name: str, way: str, other: Issue) -> Json:
        names = {"blocks": ("blocks", "is blocked by"), "is blocked by": ("blocks", "is blocked by")}
        outward, inward = names.get(name, (name, name))
        kind = {"id": "10000", "name": outward.capitalize(), "inward": inward, "outward": outward}
        side = "outwardIssue" if way == "out" else "inwardIssue"
        return {"id": id_, "self": f"{self._api}/issueLink/{id_}", "type": kind, side: self.short(other)}

    def status(self, name: str) -> Json:
        """A status with its category."""
        key = CATEGORIES.get(name, "indeterminate")
        colour, id_, shown = _COLOURS[key]
        category = {
            "self": f"{self._api}/statuscategory/{id_}",
            "id": id_,
            "key": key,
            "colorName": colour,
            "name": shown,
        }
        return {"self": f"{self._api}/status/{name}", "name": name, "id": name, "statusCategory": category}

    def _type(self, issue: Issue) -> Json:
        level = {"Epic": 1, "Sub-task": -1}.get(issue.type, 0)
        return {"name": issue.type, "id": issue.type, "subtask": issue.type == "Sub-task", "hierarchyLevel": level}

    def _named(self, kind: str, name: str) -> Json:
        return {"self": f"{self._api}/{kind}/{quote(name)}", "id": name, "name": name}

    def project(self, project: Project) -> Json:
        """A project."""
        more = {"archived": project.archived} if not self.cloud else {"style": "classic", "isPrivate": False}
        return {
            "self": f"{self._api}/project/{project.id}",
            "id": project.id,
            "key": project.key,
            "name": project.name,
            "projectTypeKey": "software",
            **more,
        }

    def person(self, person: Person | None) -> Json | None:
        """An account."""
        if person is None:
            return None
        named = {"accountId": person.account} if self.cloud else {"name": person.account, "key": person.account}
        return {
            "self": f"{self._api}/user?{next(iter(named))}={person.account}",
            **named,
            "displayName": person.name,
            "active": True,
        }

    def moment(self, moment: datetime) -> str:
        """`2019-08-27T12:43:24.193-0700`, in the account's zone."""
        local = moment.astimezone(self.zone)
        return local.strftime("%Y-%m-%dT%H:%M:%S.") + f"{local.microsecond // 1000:03d}" + local.strftime("%z")

    def body(self, body: Body | None) -> Any:
        """A text."""
        if body is None:
            return None
        return body.adf if self.adf else body.wiki

    def _rendered(self, issue: Issue, fields: Json) -> Json:
        made: Json = dict.fromkeys(fields)
        if "description" in fields:
            made["description"] = issue.description.html if issue.description else ""
        if "comment" in fields:
            shown = {"created": "Today 10:26 PM", "updated": "Today 10:26 PM"}
            made["comment"] = fields["comment"] | {
                "comments": [
                    self.comment(issue, comment) | shown | {"body": comment.body.html}
                    for comment in issue.comments[-_INLINE_COMMENTS:]
                ]
            }
        return made

    def _comments(self, issue: Issue) -> Json:
        comments = issue.comments[-_INLINE_COMMENTS:]
        return {
            "comments": [self.comment(issue, comment) for comment in comments],
            "self": f"{self._api}/issue/{issue.id}/comment",
            "maxResults": len(comments),
            "total": len(issue.comments),
            "startAt": 0,
        }

    def comment(self, issue: Issue, comment: Comment, *, rendered: bool = False) -> Json:
        """A comment."""
        made: Json = {
            "self": f"{self._api}/issue/{issue.id}/comment/{comment.id}",
            "id": comment.id,
            "author": self.person(comment.author),
            "body": self.body(comment.body),
            "updateAuthor": self.person(comment.author),
            "created": self.moment(comment.created),
            "updated": self.moment(comment.updated),
        }
        if self.cloud:
            made["jsdPublic"] = comment.public
        if comment.visibility:
            made["visibility"] = {"type": comment.visibility[0], "value": comment.visibility[1]}
        if rendered:
            made["renderedBody"] = comment.body.html
        return made

    def worklogs(self, issue: Issue, start: int, most: int) -> Json:
        """A page of an issue's worklogs."""
        logs = issue.worklogs[start : start + most]
        return {
            "startAt": start,
            "maxResults": most,
            "total": len(issue.worklogs),
            "worklogs": [self._worklog(issue, log) for log in logs],
        }

    def _worklog(self, issue: Issue, log: Worklog) -> Json:
        return {
            "self": f"{self._api}/issue/{issue.id}/worklog/{log.id}",
            "id": log.id,
            "issueId": issue.id,
            "author": self.person(log.author),
            "comment": self.body(log.body) or ("" if not self.adf else None),
            "started": self.moment(log.started),
            "timeSpent": f"{log.seconds // 60}m",
            "timeSpentSeconds": log.seconds,
        }

    def attachment(self, file: Attachment) -> Json:
        """A file; its content is to be had on the site's own host."""
        content = (
            f"/rest/api/{self.version}/attachment/content/{file.id}"
            if self.cloud
            else f"/secure/attachment/{file.id}/{quote(file.name)}"
        )
        return {
            "self": f"{self._api}/attachment/{file.id}",
            "id": file.id,
            "filename": file.name,
            "author": self.person(file.author),
            "created": self.moment(file.created),
            "size": len(file.data),
            "mimeType": file.media_type,
            "content": f"{self.root}{content}",
        }

    def changelog(self, issue: Issue, *, most: int = _HIDDEN_COMMENTS) -> Json:
        """Histories, the newest first."""
        histories = [
            {
                "id": id_,
                "author": self.person(by),
                "created": self.moment(at),
                "items": [
                    {
                        "field": item.name,
                        "fieldtype": "jira",
                        "from": item.before or None,
                        "fromString": item.before,
                        "to": item.after or None,
                        "toString": item.after,
                    }
                    for item in items
                ],
            }
            for id_, at, by, items in reversed(issue.history)
        ][:most]
        return {"startAt": 0, "maxResults": len(histories), "total": len(issue.history), "histories": histories}

    def all_fields(self) -> list[Json]:
        """What `/field` says."""
        found = [
            {"id": id_, "key": id_, "name": name, "custom": "custom" in schema, "schema": schema}
            for id_, (name, schema) in _SCHEMAS.items()
            if self.cloud is False or id_ != EPIC_LINK
        ]
        for id_, (name, about) in self.site.fields.items():
            kind, custom = about.split(" ", 1)
            schema = {"type": kind, "custom": custom, "customId": int(id_.rpartition("_")[2])}
            found.append({"id": id_, "key": id_, "name": name, "custom": True, "schema": schema})
        return found

    def _name(self, field: str) -> str:
        if field in self.site.fields:
            return self.site.fields[field][0]
        return _SCHEMAS.get(field, (field.capitalize(), {}))[0]

    @property
    def _api(self) -> str:
        return f"{self.root}/rest/api/{self.version}"
