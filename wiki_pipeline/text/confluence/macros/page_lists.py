"""Macros that list pages: those below one, those with a label, those that changed, and tables of what they say of
themselves. Overview pages are made of them.

What a list holds is found among what is synced (`links.page_lists`), and the page that shows it depends on it. A list
that can't be told here leaves a mark, as does what only the server can make.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from wiki_pipeline.links.page_lists import MOST, Kind, Order, PageList
from wiki_pipeline.model import Dependency
from wiki_pipeline.text import markdown
from wiki_pipeline.text.confluence.elements import text_of
from wiki_pipeline.text.confluence.included import excerpt_of, tree_included
from wiki_pipeline.text.confluence.links import resource
from wiki_pipeline.text.confluence.macro_parameters import parameters, referring_parameter, rich_body
from wiki_pipeline.text.confluence.registry import AC, Element, macro
from wiki_pipeline.text.confluence.writer import MACROS, PageWriter, one_line
from wiki_pipeline.text.markdown import escape

_LABELLED = 15  # pages that Confluence lists by label where the macro does not say how many
_REPORTED = 30
_UPDATED = 15
_PEOPLE = 10
_ORDERS = {
    "title": Order.TITLE,
    "creation": Order.CREATED,
    "created": Order.CREATED,
    "modified": Order.MODIFIED,
    "lastmodified": Order.MODIFIED,
    "natural": Order.TITLE,
    "bitwise": Order.TITLE,
}
_NO_EXCERPT = {"", "none", "false"}
_SPACE_FUNCTION = re.compile(r"currentSpace\s*\(\s*\)", re.IGNORECASE)
_PAGE_FUNCTION = re.compile(r"currentContent\s*\(\s*\)", re.IGNORECASE)


# --- trees ------------------------------------------------------------------------------------------------------------


@macro("children", "children-display")
def children(node: Element, page: PageWriter) -> str:
    """The pages below this one, or below the one that it names, as a list of links, as deep as it says."""
    values = parameters(node)
    depth = 0 if values.get("all", values.get("allChildren", "")).lower() == "true" else _number(values, 1, "depth")
    asked = _list(Kind.BELOW, page, values, root=_named_page(node, page) or page.upstream.url)
    return _tree(replace(asked, depth=depth, most=_number(values, MOST, "first")), "Child pages", values, page)


@macro("pagetree", "page-tree")
def page_tree(node: Element, page: PageWriter) -> str:
    """The tree of the space's pages, or of those below the page that it names, as a list of links."""
    values = parameters(node)
    holder = referring_parameter(node)
    address, title = resource(holder, page) if holder is not None else ("", values.get("root", "").strip())
    match title:
        case "@self":
            address = page.upstream.url
        case "" | "@home" | "@none":
            address = ""
        case "@parent":  # which page that is, the page itself does not say
            return page.placeholder("Page tree")
        case _:
            address = address or page.upstream.page_by_title(title)
    asked = _list(Kind.BELOW, page, values, root=address)
    return _tree(replace(asked, space=_space(values, page)), "Page tree", values, page)


@macro("index")
def page_index(node: Element, page: PageWriter) -> str:
    """All pages of the space by title, as a list of links."""
    asked = _list(Kind.FOUND, page, {}, cql=f"space = {_quoted(page.upstream.space_key)}")
    return _tree(replace(asked, order=Order.TITLE), "Page index", {}, page)


def _tree(asked: PageList, mark: str, values: Mapping[str, str], page: PageWriter) -> str:
    found = _found(asked, mark, page)
    if found is None:
        return page.placeholder(mark)
    return _bullets(found, _wants_excerpts(values), page)


def _bullets(found: Mapping[str, Any], excerpts: bool, page: PageWriter) -> str:
    lines = []
    for each in found["pages"]:
        indent = "  " * (each["level"] - 1)
        lines.append(f"{indent}- {page.link(escape(each['title']), each['url'])}")
        if excerpts and (text := excerpt_of(each["url"], each["title"], page)):
            lines.append(markdown.prefixed(f"{indent}  ", f"\n{text}\n"))
    if (left := found["total"] - len(found["pages"])) > 0 and len(found["pages"]) >= MOST:
        lines += ["", f"*[{left} more]*"]
    return "\n".join(lines).strip()


# --- queries ----------------------------------------------------------------------------------------------------------


@macro("contentbylabel", "content-by-label")
def labelled(node: Element, page: PageWriter) -> str:
    """The pages with some labels, or those that its query finds, as a list of links."""
    values = parameters(node)
    asked = _by_label(values, page, _LABELLED)
    found = _found(asked, "Pages by label", page)
    if found is None:
        return page.placeholder("Pages by label")
    title = f"**{escape(values['title'])}**\n\n" if values.get("title") else ""
    return _partly(title + (_bullets(found, _wants_excerpts(values), page) or "*No page.*"), found)


@macro("content-report-table", "contentreport")
def content_report(node: Element, page: PageWriter) -> str:
    """The pages with some labels as a table: who changed them last, and when."""
    values = parameters(node)
    asked = replace(_by_label(values, page, _REPORTED), dated=True)
    found = _found(asked, "Content report", page)
    if found is None:
        return page.placeholder("Content report")
    return _partly(_dated_table(found, page), found)


@macro("recently-updated", "recently-updated-dashboard")
def recently_updated(node: Element, page: PageWriter) -> str:
    """The pages that were changed last, as a table: by whom, and when."""
    values = parameters(node)
    asked = replace(
        _by_label({**values, "cql": ""}, page, _UPDATED, everywhere=False),
        order=Order.MODIFIED,
        reverse=True,
        dated=True,
    )
    found = _found(asked, "Recently updated pages", page)
    if found is None:
        return page.placeholder("Recently updated pages")
    return _partly(_dated_table(found, page), found)


@macro("contributors", "contributors-summary")
def contributors(node: Element, page: PageWriter) -> str:
    """Who changed the page last, or those below it: earlier versions are not known here."""
    values = parameters(node)
    root = _named_page(node, page) or page.upstream.url
    below = values.get("scope", "").lower() in {"children", "descendants"}
    depth = 1 if values.get("scope", "").lower() == "children" else 0
    if not below:  # a page says itself who changed it last
        return page.placeholder("Contributors") if root != page.upstream.url else ""
    found = _found(
        replace(_list(Kind.BELOW, page, {}, root=root), depth=depth, dated=True),
        "Contributors",
        page,
    )
    if found is None:
        return page.placeholder("Contributors")
    most = _number(values, _PEOPLE, "limit")
    names = list(dict.fromkeys(each["author"] for each in found["pages"] if each["author"]))
    return f"Last changed by {escape(', '.join(names[:most]))}." if names else ""


@macro("listlabels", "labels-list")
def space_labels(node: Element, page: PageWriter) -> str:
    """The labels of the space's pages, in a line."""
    values = parameters(node)
    found = _found(PageList(Kind.LABELS, page.upstream.base, _space(values, page)), "Labels", page)
    if found is None:
        return page.placeholder("Labels")
    left_out = set(_words(values.get("excludedLabels", "")))
    return escape(", ".join(label for label in found["labels"] if label not in left_out))


def _dated_table(found: Mapping[str, Any], page: PageWriter) -> str:
    rows = [["Page", "Changed by", "On"]]
    for each in found["pages"]:
        shown = (page.link(escape(each["title"]), each["url"]), escape(each["author"]), each["modified"])
        rows.append([markdown.cell(text) for text in shown])
    return markdown.table(rows) if len(rows) > 1 else "*No page.*"


# --- page properties --------------------------------------------------------------------------------------------------


@macro("detailssummary", "decisionreport")
def properties_report(node: Element, page: PageWriter) -> str:
    """The page properties of the pages that it finds, as a table of a row a page."""
    values = parameters(node)
    asked = _by_label(values, page, MOST)
    shows_change = values.get("showLastModified", "").lower() == "true"
    backwards = values.get("reverseSort", "").lower() == "true"
    asked = replace(
        asked,
        order=Order.TITLE,
        reverse=backwards,
        dated=shows_change or values.get("showCreator", "").lower() == "true",
    )
    found = _found(asked, "Page properties report", page)
    if found is None:
        return page.placeholder("Page properties report")
    reported = []
    for each in found["pages"]:
        there = tree_included(each["url"], each["title"], page)
        properties = _properties(*there, values.get("id", "")) if there else {}
        if properties or there is None:  # as Confluence leaves out pages without any
            reported.append((each, properties))
    if not reported:
        return "*No page.*"
    return _partly(_properties_table(reported, values, page), found)


def _properties_table(
    reported: Sequence[tuple[Mapping[str, Any], Mapping[str, str]]], values: Mapping[str, str], page: PageWriter
) -> str:
    chosen = [one_line(escape(part)) for part in _comma_separated(values.get("headings", ""))]
    columns = chosen or list(dict.fromkeys(name for _, properties in reported for name in properties))
    by = {name.casefold(): name for name in columns}.get(one_line(escape(values.get("sortBy", ""))).casefold())
    rows = list(reported)
    if by:
        rows.sort(key=lambda row: _folded(row[1]).get(by.casefold(), ""))
        if values.get("reverseSort", "").lower() == "true":
            rows.reverse()
    header = [escape(values.get("firstcolumn") or "Title"), *columns]
    dated = "modified" in rows[0][0]
    table = [[*header, "Changed by", "On"] if dated else header]
    for each, properties in rows:
        told = _folded(properties)
        line = [page.link(escape(each["title"]), each["url"]), *(told.get(name.casefold(), "") for name in columns)]
        table.append([*line, escape(each["author"]), each["modified"]] if dated else line)
    return markdown.table([[markdown.cell(text) for text in row] for row in table])


def _folded(properties: Mapping[str, str]) -> dict[str, str]:
    return {name.casefold(): value for name, value in properties.items()}


def _properties(root: Element, writer: PageWriter, wanted: str) -> dict[str, str]:
    """What a page's properties say: names and values as the cells of a table."""
    found: dict[str, str] = {}
    for node in root.iter(*MACROS):
        if (node.get(AC + "name") or "").lower() != "details" or parameters(node).get("id", "") != wanted:
            continue
        body = rich_body(node)
        for table in body.iter("table") if body is not None else ():
            for name, value in _pairs(table):
                key = one_line(escape(" ".join(text_of(name).split())))
                if key and key not in found:
                    found[key] = one_line(writer.blocks(value)) if value is not None else ""
    return found


def _pairs(table: Element) -> Iterator[tuple[Element, Element | None]]:
    """Names and values: side by side, or the first row above the second."""
    rows = [[cell for cell in row if cell.tag in {"th", "td"}] for row in table.iter("tr")]
    rows = [row for row in rows if row]
    if len(rows) == 2 and len(rows[0]) > 1 and all(cell.tag == "th" for cell in rows[0]):
        yield from zip(rows[0], [*rows[1], *[None] * len(rows[0])], strict=False)
        return
    for row in rows:
        yield row[0], row[1] if len(row) > 1 else None


# --- what is asked for ------------------------------------------------------------------------------------------------


def _list(kind: Kind, page: PageWriter, values: Mapping[str, str], *, root: str = "", cql: str = "") -> PageList:
    order = _ORDERS.get(values.get("sort", "").lower(), Order.POSITION)
    reverse = values.get("reverse", "").lower() == "true"
    space = page.upstream.space_key
    return PageList(kind, page.upstream.base, space, root=root, cql=cql, order=order, reverse=reverse)


def _by_label(values: Mapping[str, str], page: PageWriter, most: int, *, everywhere: bool = True) -> PageList:
    """The pages that a macro asks for by labels and spaces, or by a query."""
    cql = values.get("cql", "").strip()
    if not cql:
        labels = _words(values.get("labels") or values.get("label") or "")
        parts = []
        if labels:
            both = values.get("operator", "").upper() == "AND"
            parts = [f"label = {_quoted(label)}" for label in labels] if both else [f"label in ({_joined(labels)})"]
        named = values.get("spaces") or values.get("space") or values.get("key") or ("" if everywhere else "@self")
        spaces = [page.upstream.space_key if space in {"@self", "currentSpace()"} else space for space in _words(named)]
        if spaces and not {"@all", "*", "@global"} & set(spaces):
            parts.append(f"space in ({_joined(spaces)})")
        cql = " and ".join(parts) or 'type = "page"'
    cql = _SPACE_FUNCTION.sub(lambda _: _quoted(page.upstream.space_key), cql)
    cql = _PAGE_FUNCTION.sub(lambda _: _quoted(page.upstream.page_id), cql)
    asked = _list(Kind.FOUND, page, values, cql=cql)
    if asked.order is Order.POSITION:  # what was changed last comes first where nothing is said
        asked = replace(asked, order=Order.MODIFIED, reverse=not asked.reverse)
    elif asked.order is not Order.TITLE:
        asked = replace(asked, reverse=not asked.reverse)  # dates: the newest first
    return replace(asked, most=_number(values, most, "max", "maxResults"))


def _found(asked: PageList, title: str, page: PageWriter) -> dict[str, Any] | None:
    """What a list holds, on which the page depends from now on; None if it can't be told."""
    found = page.known.page(asked.address)
    page.dependencies.append(
        Dependency(asked.address, title, page.upstream.page_id, text_hash=found.text_hash if found else "")
    )
    return orjson.loads(found.page.body) if found else None


def _named_page(node: Element, page: PageWriter) -> str:
    holder = referring_parameter(node)
    if holder is not None:
        return resource(holder, page)[0]
    title = parameters(node).get("page", "").strip()
    return page.upstream.page_by_title(title) if title else ""


def _space(values: Mapping[str, str], page: PageWriter) -> str:
    named = (values.get("spaceKey") or values.get("space") or "").strip()
    return page.upstream.space_key if named in {"", "@self", "currentSpace()"} else named


def _partly(text: str, found: Mapping[str, Any]) -> str:
    """What is found in spaces that the query does not name is found in those only that are synced."""
    return text if found["whole"] else f"{text}\n\n*Of the spaces that are synced.*"


def _wants_excerpts(values: Mapping[str, str]) -> bool:
    return values.get("excerptType", values.get("excerpt", "")).lower().split(" ")[0] not in _NO_EXCERPT


def _number(values: Mapping[str, str], default: int, *names: str) -> int:
    given = next((value for name in names if (value := values.get(name, "")).isascii() and value.isdecimal()), "")
    return min(int(given[:6]) or default, MOST) if given else default


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _comma_separated(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _joined(words: Sequence[str]) -> str:
    return ", ".join(map(_quoted, words))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
