"""Macros that point elsewhere: issues, included pages, anchors, people, status."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from wiki_pipeline.links.jira import issue_address, root_of
from wiki_pipeline.text.confluence.included import Part, Reference, included
from wiki_pipeline.text.confluence.issues import issues_found
from wiki_pipeline.text.confluence.links import mention, resource
from wiki_pipeline.text.confluence.macro_parameters import parameters, referring_parameter
from wiki_pipeline.text.confluence.registry import AC, RI, Element, macro
from wiki_pipeline.text.confluence.writer import PageWriter
from wiki_pipeline.text.markdown import code_span, escape, lozenge

# What is surely meant as the key of a space in `DEV:Title`, where none of that name is known.
_SPACE_BEFORE_TITLE = re.compile(r"~\S+|[A-Z][A-Z0-9]*")


@macro("status", "status-handy", block=False)
def status(node: Element, page: PageWriter) -> str:
    """Its text in brackets, as a lozenge of its colour; a status without text shows its colour, as Confluence does."""
    values = parameters(node)
    colour = values.get("colour") or values.get("color") or ""
    text = values.get("title") or values.get("Status") or colour
    return lozenge(escape(text), colour, subtle=values.get("subtle", "").lower() == "true") if text else ""


@macro("jira", "jiraissues", block=False)
def jira(node: Element, page: PageWriter) -> str:
    """An issue's key as a link, with its title and status where it is synced; a list of issues as a table, or how many
    they are, where its projects are synced; else as its query."""
    values = parameters(node)
    key = values.get("key", "")
    if key:
        # Of an issue that is synced the wiki knows the title as it is now.
        is_known = key.rpartition("-")[0] in page.known.names
        text = f"{key}: {values['summary']}" if values.get("summary") and not is_known else key
        return page.link(escape(text), _issue_address(key, values, page))
    query = values.get("jqlQuery") or values.get("jql") or values.get("url") or values.get("") or ""
    return issues_found(query, values, page) or page.placeholder(
        "Jira issues" + (f": {code_span(query)}" if query else ""), ready=True
    )


def _issue_address(key: str, values: dict[str, str], page: PageWriter) -> str:
    for name in ("baseurl", "baseUrl", "url"):
        if values.get(name, "").startswith(("https://", "http://")):
            return issue_address(root_of(values[name]), quote(key))
    if root := page.known.names.get(key.rpartition("-")[0]):
        return f"{root}{quote(key)}"
    site = urlsplit(page.upstream.base)
    return issue_address(f"{site.scheme}://{site.netloc}", quote(key)) if page.upstream.cloud else ""


# Macros that include: what each shows of the other page.
_INCLUDES = {
    Part.PAGE: "include include-page",
    Part.EXCERPT: "excerpt-include excerpt-include-macro",
    Part.MULTIEXCERPT: """
        multiexcerpt-include multiexcerpt-include-macro multiexcerpt-include-block-macro
        multiexcerpt-include-inline-macro multiexcerpt-include-fast-block-macro multiexcerpt-include-fast-inline-macro
    """,
    Part.SHARED_BLOCK: "include-shared-block",
}
_PART_OF = {name: part for part, names in _INCLUDES.items() for name in names.split()}
_PAGE_NAMES = ("", "pageTitle", "page", "PageWithExcerpt", "pageName")


@macro(*_PART_OF, block=True)
def include(node: Element, page: PageWriter) -> str:
    """The text of another page, or a part of it as a quote below its name; a mark where it can't be included."""
    holder = referring_parameter(node)
    target, title = resource(holder, page) if holder is not None else ("", "")
    values = parameters(node)
    if not target:
        title = next((values[name] for name in _PAGE_NAMES if values.get(name)), "")
        target, title = _by_title(title, page) if title else ("", "")
    if not target:
        return page.placeholder("Included page")
    part = _PART_OF[(node.get(AC + "name") or "").lower()]
    return included(
        Reference(
            target,
            title,
            part,
            name=next((values[name] for name in part.names if values.get(name)), ""),
            bare=values.get("nopanel") == "true" or values.get("addpanel") == "false",
        ),
        page,
    )


def _by_title(written: str, page: PageWriter) -> tuple[str, str]:
    """The address and the title of a page that is written as `Title` or `SPACE:Title`; titles may hold colons."""
    whole = page.upstream.page_by_title(written)
    space, colon, rest = written.partition(":")
    if not (colon and space and rest.strip()) or page.known.page(whole):
        return whole, written
    elsewhere = page.upstream.page_by_title(rest.strip(), space)
    if page.known.page(elsewhere) or (_SPACE_BEFORE_TITLE.fullmatch(space) and not rest[0].isspace()):
        return elsewhere, rest.strip()
    return whole, written


@macro("anchor", block=False)
def anchor(node: Element, page: PageWriter) -> str:
    """A named place; one inside a heading is the heading's own."""
    name = parameters(node).get("") or parameters(node).get("name") or ""
    return page.named_place(name) if name else ""


@macro("profile", "profile-picture", "userprofile", "mention", block=False)
def profile(node: Element, page: PageWriter) -> str:
    """The person as `@Display Name`."""
    holder = referring_parameter(node)
    user = holder.find(RI + "user") if holder is not None else None
    if user is not None:
        return mention(user, page)
    name = parameters(node).get("user", "")
    return escape(f"@{page.name_of(name) or name}") if name else ""
