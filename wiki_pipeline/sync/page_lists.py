"""Lists of pages that Confluence pages show, answered from what is synced, as pages of their own that others include.

What a list holds is a page whose body is JSON: `{"total", "pages": [{"title", "url", "level", "space"?, "author"?,
"modified"?}]}`, or `{"labels": [...]}`. It holds no more than is shown, so that a page that shows it is made again only
when something in it is another.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

import orjson

from wiki_pipeline.links import jql
from wiki_pipeline.links.confluence import Upstream
from wiki_pipeline.links.page_lists import MOST, Kind, Order, PageList, page_list
from wiki_pipeline.model import Document, RawPage, SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.text.known import Included, text_hash

MEDIA_TYPE = "application/vnd.atlassian.confluence.pages+json"
_COLUMNS = (
    "document_id",
    "title",
    "url",
    "parent_id",
    "position",
    "ancestors",
    "labels",
    "space_key",
    "author",
    "created_at",
    "modified_at",
)
_DEEPEST = 30
_NEVER = datetime.min.replace(tzinfo=UTC)
# The fields of CQL that can be told of a page here.
_FIELDS: Mapping[str, Callable[[Row], jql.Found]] = {
    "id": lambda row: [row["document_id"]],
    "content": lambda row: [row["document_id"]],
    "title": lambda row: [row["title"]],
    "label": lambda row: list(row["labels"]),
    "space": lambda row: [row["space_key"]],
    "space.key": lambda row: [row["space_key"]],
    "issuetype": lambda row: ["page"],  # `type`, which Jira's grammar reads as its own
    "parent": lambda row: [row["parent_id"] or ""],
    "ancestor": lambda row: [each["document_id"] for each in row["ancestors"]],
    "created": lambda row: _moment(row["created_at"]),
    "lastmodified": lambda row: _moment(row["modified_at"]),
}

Row = Mapping[str, Any]
Find = Callable[[str], tuple[SourceKey, str] | None]
"""Finds the document that an upstream address means."""


class PageLists:
    """The lists that pages of a source show. Reads nothing before it must.

    Args:
        source: whose pages show them; only sources of its kind are looked at.
        find: for the pages that lists begin at.
    """

    def __init__(self, pipeline: Pipeline, source: SourceKey, find: Find) -> None:
        self._pipeline = pipeline
        self._source = source
        self._find = find
        self._lists: dict[str, Included | None] = {}
        self._rows: dict[SourceKey, list[Row]] = {}
        self._trees: dict[SourceKey, Mapping[str, list[Row]]] = {}

    def find(self, target: str) -> Included | None:
        """What a list holds, by its address; None if it can't be told here."""
        if target not in self._lists:
            asked = page_list(target)
            body = self._body(asked) if asked else None
            self._lists[target] = None if body is None else _page(target, body)
        return self._lists[target]

    def _body(self, asked: PageList) -> dict[str, Any] | None:
        match asked.kind:
            case Kind.BELOW:
                return self._below(asked)
            case Kind.FOUND:
                return self._found(asked)
            case Kind.LABELS:
                return self._labels(asked)

    # --- trees -------------------------------------------------------------------------------------------------------

    def _below(self, asked: PageList) -> dict[str, Any] | None:
        root = ""
        if asked.root:
            place = self._find(asked.root)
            if place is None:
                return None
            source, root = place
        else:
            found = self._sources(asked.site).get(asked.space.casefold())
            if found is None:
                return None
            source = found
        children = self._children(source)
        top = children.get(root, [])
        if not asked.root and len(top) == 1:  # the space's home, which all others are below
            top = children.get(top[0]["document_id"], [])
        shown: list[dict[str, Any]] = []
        waiting = [(row, 1) for row in reversed(_sorted(top, asked)[: asked.most])]
        total = 0
        while waiting:
            row, level = waiting.pop()
            total += 1
            if len(shown) < MOST:
                shown.append({**_shown(row, asked), "level": level})
            if level < (asked.depth or _DEEPEST):
                waiting += [
                    (child, level + 1) for child in reversed(_sorted(children.get(row["document_id"], []), asked))
                ]
        return {"total": total, "pages": shown}

    def _children(self, source: SourceKey) -> Mapping[str, list[Row]]:
        """A source's pages by the page that they hang below; made once, as many pages show a part of the tree."""
        if source not in self._trees:
            rows = self._of(source)
            known = {row["document_id"] for row in rows}
            children: dict[str, list[Row]] = defaultdict(list)
            for row in rows:
                children[row["parent_id"] if row["parent_id"] in known else ""].append(row)
            self._trees[source] = children
        return self._trees[source]

    # --- queries -----------------------------------------------------------------------------------------------------

    def _found(self, asked: PageList) -> dict[str, Any] | None:
        try:
            query = jql.parse(asked.cql)
            spaces = self._sources(asked.site)
            named = list(_spaces(query.where))
            if any(space not in spaces for space in named):
                return None  # the answer would look complete, and not be it
            chosen = {spaces[space] for space in named} or set(spaces.values())
            rows = [row for source in sorted(chosen) for row in self._of(source)]
            asker = jql.Asker(datetime.now(UTC))
            found = [row for row in rows if jql.holds(query, partial(_fact, row), asker)]
        except jql.QueryError:
            return None
        pages = [{**_shown(row, asked), "level": 1} for row in _sorted(found, asked)[: asked.most]]
        return {"total": len(found), "pages": pages, "whole": bool(named)}

    def _labels(self, asked: PageList) -> dict[str, Any] | None:
        source = self._sources(asked.site).get(asked.space.casefold())
        if source is None:
            return None
        counts = Counter(label for row in self._of(source) for label in row["labels"])
        return {"labels": sorted(counts)[:MOST]}

    # --- reading -----------------------------------------------------------------------------------------------------

    def _of(self, source: SourceKey) -> list[Row]:
        if source not in self._rows:
            table = self._pipeline.store.table(Stage.RAW_PAGES, source)
            self._rows[source] = table.read_known(_COLUMNS).to_pylist()
        return self._rows[source]

    def _sources(self, site: str) -> Mapping[str, SourceKey]:
        """The sources of a site's spaces, by the space's key, of which the case does not count."""
        return self._by_site.get(site, {})

    @cached_property
    def _by_site(self) -> Mapping[str, Mapping[str, SourceKey]]:
        records = self._pipeline.shown_by(self._source)
        sources = {self._source, *(record.key for record in records if record.key.kind == self._source.kind)}
        found: dict[str, dict[str, SourceKey]] = defaultdict(dict)
        for source in sorted(sources):
            rows = next(self._pipeline.store.table(Stage.RAW_PAGES, source).batches(["url", "space_key"]), None)
            if rows is not None and len(rows):
                first = rows.slice(0, 1).to_pylist()[0]  # a source is one space of one site
                base = Upstream(Document(document_id="", title="", url=first["url"])).base
                found[base][first["space_key"].casefold()] = source
        return found


def _page(target: str, body: dict[str, Any]) -> Included:
    text = orjson.dumps(body).decode()
    page = RawPage(document_id="", title="", url=target, version_key="", body=text, media_type=MEDIA_TYPE)
    return Included(page, "", text_hash(page))


def _fact(row: Row, name: str) -> jql.Found:
    read = _FIELDS.get(name)
    return read(row) if read else None


def _spaces(node: jql.Node | None) -> Iterator[str]:
    """The spaces within which alone a query finds anything; nothing if it does not say."""
    match node:
        case jql.Clause(field="space" | "space.key", operator="=" | "in"):
            yield from (value.text.casefold() for value in node.values)
        case jql.Both(any=False):
            for part in node.parts:
                yield from _spaces(part)
        case _:
            return


def _sorted(rows: Iterable[Row], asked: PageList) -> list[Row]:
    by: dict[Order, Callable[[Row], Any]] = {
        Order.POSITION: lambda row: (row["position"], row["title"].casefold()),
        Order.TITLE: lambda row: row["title"].casefold(),
        Order.CREATED: lambda row: _moment(row["created_at"]),
        Order.MODIFIED: lambda row: _moment(row["modified_at"]),
    }
    found = sorted(rows, key=lambda row: (by[asked.order](row), row["document_id"]))
    return found[::-1] if asked.reverse else found


def _moment(value: datetime | None) -> datetime:
    return value or _NEVER


def _shown(row: Row, asked: PageList) -> dict[str, Any]:
    shown = {"title": row["title"], "url": row["url"]}
    if asked.kind is Kind.FOUND:
        shown["space"] = row["space_key"]
    if asked.dated:
        modified = row["modified_at"]
        shown |= {"author": row["author"], "modified": modified.date().isoformat() if modified else ""}
    return shown
