"""An issue as a row: what of Jira's answer is kept, under names that mean the same on every site.

A row's body is JSON, which `text.jira` reads: `{"key", "site", "facts": [[name, value, ...]], "description",
"links", "children", "comments", "worklogs", "history", "files"}`; texts are `{"adf": ...}` or `{"html": ...}`. Facets
(`status=Done`) are what searches filter by and what other pages show.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from wiki_pipeline.links.jira import ALIAS, ISSUE_KEY, attachment_address, issue_address
from wiki_pipeline.model import Ancestor, AttachmentRef, DocumentFailure, RawPage, Stage, digest
from wiki_pipeline.sources.http.answers import Json
from wiki_pipeline.sources.jira.listing import read_time, updated_of
from wiki_pipeline.sources.jira.settings import JiraSettings

MEDIA_TYPE = "application/vnd.atlassian.jira.issue+json"
_BASE_NAMES = """
    summary description issuetype status priority resolution resolutiondate project labels components fixVersions
    versions assignee reporter created updated duedate security subtasks issuelinks attachment parent
"""
_BASE = _BASE_NAMES.split()
_SPRINT, _EPIC_LINK = "com.pyxis.greenhopper.jira:gh-sprint", "com.pyxis.greenhopper.jira:gh-epic-link"
# Sprints as Data Center and all webhooks write them; a goal may hold commas and brackets.
_OLD_SPRINT = re.compile(r"[\[,]name=(.*?),(?=[a-zA-Z]+=)")


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields a site's issues are asked for.

    Attributes:
        sprint, epic: ids of those fields; empty where the site has none.
        custom: names of chosen custom fields by id.
    """

    sprint: str = ""
    epic: str = ""
    custom: Mapping[str, str] | None = None

    @classmethod
    def of(cls, known: Iterable[Json], settings: JiraSettings) -> Fields:
        """By what a site says of its fields: by their types, since ids and names differ from site to site."""
        types = {str((each.get("schema") or {}).get("custom") or ""): str(each.get("id")) for each in known}
        wanted = {name.casefold(): name for name in settings.fields}
        chosen = {
            str(each.get("id")): str(each.get("name")) for each in known if str(each.get("name")).casefold() in wanted
        }
        return cls(types.get(_SPRINT, ""), types.get(_EPIC_LINK, ""), chosen)

    def names(self, settings: JiraSettings) -> list[str]:
        """To ask for."""
        more = [name for name, on in (("comment", settings.comments), ("worklog", settings.worklogs)) if on]
        return [*_BASE, *more, *filter(None, (self.sprint, self.epic)), *(self.custom or {})]


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes rows of one source's issues.

    Attributes:
        site: root of the site as people open it.
        epics: ids of epics by key, where only keys are told.
    """

    settings: JiraSettings
    fields: Fields
    site: str
    max_document_bytes: int
    epics: Mapping[str, str]

    def row(
        self, issue: Json, comments: Sequence[Json] | None, worklogs: Sequence[Json] | None
    ) -> RawPage | DocumentFailure:
        """An issue's row.

        Args:
            comments, worklogs: all of them, where not all came along.
        """
        key, id_, fields = str(issue.get("key")), str(issue.get("id")), issue.get("fields") or {}
        rendered = issue.get("renderedFields") or {}
        summary = _text(fields.get("summary"))
        body = orjson.dumps(
            {
                "key": key,
                "site": self.site,
                "facts": self._facts(fields),
                "description": _body(fields.get("description"), rendered.get("description")),
                "links": list(_links(fields)),
                "children": [_short(each) for each in fields.get("subtasks") or ()],
                "comments": self._comments(fields, rendered, comments),
                "worklogs": self._worklogs(fields, worklogs),
                "history": list(_history(issue)) if self.settings.history else [],
                "files": [list(each) for each in self._files(id_, fields)],
            },
            option=orjson.OPT_SORT_KEYS,
        ).decode()
        if len(body) > self.max_document_bytes:
            message = (
                f"{key} has {len(body):,} bytes; WIKI_PIPELINE_MAX_DOCUMENT_BYTES allows {self.max_document_bytes:,}."
            )
            return DocumentFailure(id_, f"{key} {summary}", Stage.RAW_PAGES, message)
        project, parent = fields.get("project") or {}, self._parent(fields)
        return RawPage(
            document_id=id_,
            title=f"{key} {summary}".strip(),
            url=issue_address(self.site, key),
            parent_id=parent[0] or None,
            position=int(key.rpartition("-")[2]) if ISSUE_KEY.fullmatch(key) else 0,
            ancestors=(Ancestor(parent[0], parent[2]),) if parent[0] else (),
            labels=tuple(sorted(_text(label) for label in fields.get("labels") or ())),
            version="",
            space_key=str(project.get("key") or key.rpartition("-")[0]),
            space_name=str(project.get("name") or ""),
            author=_last_author(issue, fields),
            created_at=read_time(fields.get("created")),
            modified_at=read_time(fields.get("updated")) or read_time(fields.get("created")),
            media_type=MEDIA_TYPE,
            facets=tuple(self._facets(issue, fields, parent[1])),
            version_key=version_key(self.settings, issue),
            body=body,
        )

    # --- facts ----

    def _facts(self, fields: Json) -> list[list[str]]:
        """Name and values of what the table at the top shows; empty ones are left out."""
        status = fields.get("status") or {}
        parent = self._parent(fields)
        facts = [
            ("Type", [_name(fields.get("issuetype"))]),
            ("Status", [_name(status)]),
            ("Resolution", [_name(fields.get("resolution"))]),
            ("Priority", [_name(fields.get("priority"))]),
            ("Parent", [parent[1]]),
            ("Assignee", [_person(fields.get("assignee"))]),
            ("Reporter", [_person(fields.get("reporter"))]),
            ("Labels", sorted(_text(label) for label in fields.get("labels") or ())),
            ("Components", _names(fields.get("components"))),
            ("Affects versions", _names(fields.get("versions"))),
            ("Fix versions", _names(fields.get("fixVersions"))),
            ("Sprint", self._sprints(fields)),
            ("Due", [_text(fields.get("duedate"))]),
            ("Created", [_day(fields.get("created"))]),
            ("Resolved", [_day(fields.get("resolutiondate"))]),
            *((name, _values(fields.get(id_))) for id_, name in sorted((self.fields.custom or {}).items())),
        ]
        return [[name, *kept] for name, values in facts if (kept := [value for value in values if value])]

    def _facets(self, issue: Json, fields: Json, parent: str) -> Iterator[str]:
        status = fields.get("status") or {}
        key = str(issue.get("key"))
        pairs = [
            ("key", key),
            ("project", key.rpartition("-")[0]),
            ("type", _name(fields.get("issuetype"))),
            ("status", _name(status)),
            ("category", str((status.get("statusCategory") or {}).get("key") or "")),
            ("priority", _name(fields.get("priority"))),
            ("resolution", _name(fields.get("resolution"))),
            ("assignee", _person(fields.get("assignee"))),
            ("reporter", _person(fields.get("reporter"))),
            ("parent", parent),
            *(("component", name) for name in _names(fields.get("components"))),
            *(("version", name) for name in _names(fields.get("fixVersions"))),
            *(("sprint", name) for name in self._sprints(fields)),
            ("due", _text(fields.get("duedate"))),
        ]
        yield from (f"{name}={value}" for name, value in pairs if value)
        yield from (f"{ALIAS}{before}" for before in sorted(_former_keys(issue) - {key}))

    def _sprints(self, fields: Json) -> list[str]:
        found = fields.get(self.fields.sprint) if self.fields.sprint else None
        names = []
        for sprint in found if isinstance(found, list) else ():
            if isinstance(sprint, dict):
                names.append(_text(sprint.get("name")))
            elif isinstance(sprint, str) and (named := _OLD_SPRINT.search(sprint)):
                names.append(named[1])
        return [name for name in names if name]

    def _parent(self, fields: Json) -> tuple[str, str, str]:
        """Id, key and title of the issue above; empty where there is none, or where the id is not known."""
        parent = fields.get("parent")
        if isinstance(parent, dict):
            key = str(parent.get("key") or "")
            return str(parent.get("id") or ""), key, f"{key} {_text((parent.get('fields') or {}).get('summary'))}"
        key = str(fields.get(self.fields.epic) or "") if self.fields.epic else ""
        return self.epics.get(key, ""), key, key

    # --- parts ----

    def _comments(self, fields: Json, rendered: Json, all_of_them: Sequence[Json] | None) -> list[Json]:
        if not self.settings.comments:
            return []
        inline = ((rendered.get("comment") or {}).get("comments")) or ()
        html = {str(each.get("id")): each.get("body") for each in inline if isinstance(each, dict)}
        found = all_of_them if all_of_them is not None else (fields.get("comment") or {}).get("comments") or ()
        kept = []
        for comment in found:
            if not self.settings.restricted and (comment.get("visibility") or comment.get("jsdPublic") is False):
                continue
            shown = comment.get("renderedBody") or html.get(str(comment.get("id")))
            kept.append(
                {
                    "author": _person(comment.get("author")),
                    "created": _day(comment.get("created")),
                    "body": _body(comment.get("body"), shown),
                }
            )
        return kept

    def _worklogs(self, fields: Json, all_of_them: Sequence[Json] | None) -> list[Json]:
        if not self.settings.worklogs:
            return []
        found = all_of_them if all_of_them is not None else (fields.get("worklog") or {}).get("worklogs") or ()
        return [
            {
                "author": _person(log.get("author")),
                "started": _day(log.get("started")),
                "spent": _text(log.get("timeSpent")),
                "body": _body(log.get("comment"), None),
            }
            for log in found
            if self.settings.restricted or not log.get("visibility")
        ]

    def _files(self, issue_id: str, fields: Json) -> Iterator[tuple[str, str]]:
        for file in self.attachments(issue_id, fields):
            yield file.name, file.url

    def attachments(self, issue_id: str, fields: Json) -> Iterator[AttachmentRef]:
        """The files of an issue."""
        for item in fields.get("attachment") or ():
            id_, name = str(item.get("id") or ""), _text(item.get("filename"))
            if not id_.isdecimal() or not name:
                continue
            size = item.get("size")
            yield AttachmentRef(
                attachment_id=f"jira{id_}",
                document_id=issue_id,
                name=name,
                url=attachment_address(self.site, issue_id, id_, name),
                version_key=digest(id_, size),  # a file is never changed: a new one has another id
                version="1",
                media_type=str(item.get("mimeType") or "").partition(";")[0].strip().lower(),
                size=size if isinstance(size, int) and size >= 0 else None,
                author=_person(item.get("author")),
                modified_at=read_time(item.get("created")),
            )


def version_key(settings: JiraSettings, issue: Json) -> str:
    """All by which a row differs from another: when it was changed, and what of it is kept. An issue that doesn't say
    when it was changed is fetched each time."""
    updated = updated_of(issue)
    kept = _shape(settings.comments, settings.restricted, settings.worklogs, settings.history, tuple(settings.fields))
    return f"{updated if updated is not None else 'unknown'}-{kept}"


@lru_cache(maxsize=16)
def _shape(comments: bool, restricted: bool, worklogs: bool, history: bool, fields: tuple[str, ...]) -> str:
    return digest(comments, restricted, worklogs, history, sorted(fields))[:8]


def _last_author(issue: Json, fields: Json) -> str:
    """Who changed an issue last, or said something, as far as that is told; else who made it."""
    histories = (issue.get("changelog") or {}).get("histories") or ()
    comments = (fields.get("comment") or {}).get("comments") or ()
    acts = [(read_time(each.get("created")), _person(each.get("author"))) for each in histories]
    acts += [
        (read_time(each.get("updated") or each.get("created")), _person(each.get("updateAuthor") or each.get("author")))
        for each in comments
    ]
    told = sorted((moment, name) for moment, name in acts if moment and name)
    return told[-1][1] if told else _person(fields.get("reporter") or fields.get("creator"))


def _former_keys(issue: Json) -> set[str]:
    """Keys that an issue had before it was moved, as its changelog tells."""
    found = set()
    for history in (issue.get("changelog") or {}).get("histories") or ():
        for item in history.get("items") or ():
            if item.get("field") == "Key" and ISSUE_KEY.fullmatch(str(item.get("fromString"))):
                found.add(str(item["fromString"]))
    return found


def _history(issue: Json) -> Iterator[Json]:
    for history in (issue.get("changelog") or {}).get("histories") or ():
        for item in history.get("items") or ():
            yield {
                "author": _person(history.get("author")),
                "created": _day(history.get("created")),
                "field": _text(item.get("field")),
                "before": _text(item.get("fromString"))[:200],
                "after": _text(item.get("toString"))[:200],
            }


def _links(fields: Json) -> Iterator[Json]:
    for link in fields.get("issuelinks") or ():
        kind = link.get("type") or {}
        for side in ("outward", "inward"):
            other = link.get(f"{side}Issue")
            if isinstance(other, dict):
                yield {"how": _text(kind.get(side)), **_short(other)}


def _short(issue: Json) -> Json:
    fields = issue.get("fields") or {}
    return {
        "key": str(issue.get("key")),
        "summary": _text(fields.get("summary")),
        "status": _name(fields.get("status")),
    }


def _body(value: Any, rendered: Any) -> Json | None:
    """A text in the best form there is: ADF, what Jira rendered, or as it is written."""
    if isinstance(value, dict):
        return {"adf": value}
    if isinstance(rendered, str) and rendered.strip():
        return {"html": rendered}
    return {"text": value} if isinstance(value, str) and value.strip() else None


def _text(value: Any) -> str:
    return " ".join(str(value).split()) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _name(value: Any) -> str:
    return _text(value.get("name") or value.get("value")) if isinstance(value, dict) else ""


def _names(value: Any) -> list[str]:
    return [name for each in value if (name := _name(each))] if isinstance(value, list) else []


def _person(value: Any) -> str:
    return _text(value.get("displayName") or value.get("name")) if isinstance(value, dict) else ""


def _day(value: Any) -> str:
    moment = read_time(value)
    return f"{moment:%Y-%m-%d}" if moment else ""


def _values(value: Any) -> list[str]:
    """Values of a custom field of any type, for people."""
    if isinstance(value, list):
        return [shown for each in value for shown in _values(each)]
    if isinstance(value, dict):
        shown = value.get("displayName") or value.get("value") or value.get("name") or value.get("key")
        child = value.get("child")
        return [f"{_text(shown)} / {_name(child)}" if isinstance(child, dict) else _text(shown)] if shown else []
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return [_text(value)] if _text(value) else []
