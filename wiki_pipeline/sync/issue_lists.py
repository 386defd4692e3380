"""Lists of issues that pages show by a query, answered from what is synced, as pages of their own that others include.

A query is answered only if it names projects that are synced as a whole: any other answer would look complete and not
be it. What it finds is a page whose body is JSON, `[{"key", "url", "summary", "type", "priority", "assignee"}]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import orjson

from wiki_pipeline.links import jql
from wiki_pipeline.links.jira import query_of, root_of
from wiki_pipeline.model import RawPage, SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.text.known import Included, text_hash

MEDIA_TYPE = "application/vnd.atlassian.jira.issues+json"
_COLUMNS = ("document_id", "title", "url", "labels", "facets", "created_at", "modified_at")
_FACETS = {
    "key": "key",
    "project": "project",
    "issuetype": "type",
    "status": "status",
    "statuscategory": "category",
    "priority": "priority",
    "resolution": "resolution",
    "assignee": "assignee",
    "reporter": "reporter",
    "parent": "parent",
    "component": "component",
    "fixversion": "version",
    "sprint": "sprint",
}
_DATES = {"created": "created_at", "updated": "modified_at"}
_SHOWN = ("type", "priority", "assignee")

Row = Mapping[str, Any]


class IssueLists:
    """The lists of issues that a source's pages show. Reads nothing before it must."""

    def __init__(self, pipeline: Pipeline, source: SourceKey) -> None:
        self._pipeline = pipeline
        self._source = source
        self._known: dict[str, Included | None] = {}

    def find(self, target: str) -> Included | None:
        """What a query finds, by the address of its list; None if it can't be answered here."""
        if target not in self._known:
            asked = query_of(target)
            self._known[target] = self._answered(*asked, target) if asked else None
        return self._known[target]

    def _answered(self, root: str, text: str, target: str) -> Included | None:
        try:
            query = jql.parse(text)
            projects = set(jql.projects(query))
            sources = {self._whole.get((root, project)) for project in projects}
            if not projects or None in sources:
                return None
            rows = [row for source in sorted(filter(None, sources)) for row in self._rows(source)]
            asker = jql.Asker(datetime.now(UTC))
            found = [row for row in rows if jql.holds(query, _facts(row), asker)]
        except jql.QueryError:
            return None
        for name, descending in reversed(query.order or (("key", False),)):
            found.sort(key=lambda row, name=name: _place(row, name), reverse=descending)  # type: ignore[misc]
        body = orjson.dumps([_shown(row) for row in found]).decode()
        page = RawPage(document_id="", title="", url=target, version_key="", body=body, media_type=MEDIA_TYPE)
        return Included(page, "", text_hash(page))

    @cached_property
    def _whole(self) -> dict[tuple[str, str], SourceKey]:
        """The sources that hold whole projects, by their site's root and the project's key."""
        found = {}
        for record in self._pipeline.shown_by(self._source):
            if self._pipeline.problem_of(record):
                continue
            kind = self._pipeline.kind_of(record.key)
            if kind.is_narrowed(record.config):
                continue
            for prefix, address in kind.mentions(record.config).items():
                found[root_of(address), prefix] = record.key
        return found

    def _rows(self, source: SourceKey) -> list[Row]:
        rows: list[Row] = self._pipeline.store.table(Stage.RAW_PAGES, source).read_known(_COLUMNS).to_pylist()
        return rows


def _facts(row: Row) -> jql.Facts:
    def facts(name: str) -> jql.Found:
        if name in _DATES:
            moment: datetime | None = row[_DATES[name]]
            return moment
        if name == "labels":
            return list(row["labels"])
        if name == "summary":
            return [row["title"].partition(" ")[2]]
        if name == "id":
            return [row["document_id"]]
        facet = _FACETS.get(name)
        return None if facet is None else _values(row, facet)

    return facts


def _values(row: Row, facet: str) -> list[str]:
    return [each.partition("=")[2] for each in row["facets"] if each.startswith(f"{facet}=")]


def _place(row: Row, name: str) -> tuple[Any, ...]:
    if name in _DATES:
        return (row[_DATES[name]] or datetime.min.replace(tzinfo=UTC),)
    if name in {"key", "issuekey", "id", "rank"}:
        project, _, number = next(iter(_values(row, "key")), "").rpartition("-")
        return (project, int(number or 0))
    return (" ".join(_values(row, _FACETS.get(name, name))),)


def _shown(row: Row) -> dict[str, str]:
    key, _, summary = row["title"].partition(" ")
    return {"key": key, "url": row["url"], "summary": summary, **{n: ", ".join(_values(row, n)) for n in _SHOWN}}
