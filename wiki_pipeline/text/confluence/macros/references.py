"""Macros that point elsewhere: issues, included pages, anchors, people, status."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from wiki_pipeline.links.confluence import Upstream
from wiki_pipeline.links.jira import issue_address, root_of
from wiki_pipeline.model import Dependency
from wiki_pipeline.text.confluence.allowance import MAX_STEPS
from wiki_pipeline.text.confluence.links import mention, resource
from wiki_pipeline.text.confluence.macro_parameters import parameters, referring_parameter, rich_body
from wiki_pipeline.text.confluence.registry import AC, RI, Element, macro
from wiki_pipeline.text.confluence.trees import tree_of
from wiki_pipeline.text.confluence.writer import PageWriter
from wiki_pipeline.text.known import Included
from wiki_pipeline.text.markdown import code_span, escape


@macro("status", "status-handy", block=False)
def status(node: Element, page: PageWriter) -> str:
    """Its text; a status without text shows its colour, as Confluence does."""
    values = parameters(node)
    return escape(values.get("title") or values.get("Status") or values.get("colour") or values.get("color") or "")


@macro("jira", "jiraissues", block=False)
def jira(node: Element, page: PageWriter) -> str:
    """An issue's key as a link; a list of issues as its query."""
    values = parameters(node)
    key = values.get("key", "")
    if key:
        text = f"{key}: {values['summary']}" if values.get("summary") else key
        return page.link(escape(text), _issue_address(key, values, page))
    query = values.get("jqlQuery") or values.get("jql") or values.get("url") or values.get("") or ""
    return page.placeholder("Jira issues" + (f": {code_span(query)}" if query else ""), ready=True)


def _issue_address(key: str, values: dict[str, str], page: PageWriter) -> str:
    for name in ("baseurl", "baseUrl", "url"):
        if values.get(name, "").startswith(("https://", "http://")):
            return issue_address(root_of(values[name]), quote(key))
    site = urlsplit(page.upstream.base)
    return issue_address(f"{site.scheme}://{site.netloc}", quote(key)) if page.upstream.cloud else ""


@macro(
    "include",
    "excerpt-include",
    "excerpt-include-macro",
    "multiexcerpt-include",
    "multiexcerpt-include-macro",
    block=True,
)
def include(node: Element, page: PageWriter) -> str:
    """The text of another page below its name, or a part of it as a quote; a mark where it can't be included."""
    holder = referring_parameter(node)
    target, title = resource(holder, page) if holder is not None else ("", "")
    values = parameters(node)
    if not target:
        title = values.get("") or values.get("pageTitle") or values.get("page") or values.get("PageWithExcerpt") or ""
        space, colon, rest = title.partition(":")
        target = page.upstream.page_by_title(rest if colon else title, space if colon else "") if title else ""
    if not target:
        return page.placeholder("Included page")
    return included(
        Reference(
            target,
            title,
            is_excerpt="excerpt" in (node.get(AC + "name") or "").lower(),
            name=values.get("name") or values.get("MultiExcerptName") or "",
            bare=values.get("nopanel") == "true" or values.get("addpanel") == "false",
        ),
        page,
    )


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


# --- included pages ---------------------------------------------------------------------------------------------------


# An included page is written as its own page would be, with its own addresses, into the headings, links and notes of
# the page that includes it. What it includes itself comes along. Whatever stands in the way leaves a mark in the text
# and a note: the page is missing, the pages include each other, or it would be too much.
_EXCERPTS = {"excerpt": "name", "multiexcerpt": "MultiExcerptName", "multiexcerpt-macro": "MultiExcerptName"}


@dataclass(frozen=True, slots=True)
class Reference:
    """What a macro includes.

    Attributes:
        target: upstream address of the page.
        title: what the macro calls the page.
        is_excerpt: whether only an excerpt of it is meant.
        name: of the excerpt; empty means the first one.
        bare: whether an excerpt stands without the page's name around it.
    """

    target: str
    title: str
    is_excerpt: bool = False
    name: str = ""
    bare: bool = False


def included(reference: Reference, page: PageWriter) -> str:
    """The text that a reference stands for, or a mark that says why it is not there."""
    found = page.known.page(reference.target)
    page.dependencies.append(_dependency(reference, found, page))
    around = (*page.including.around, page.upstream.url)
    if found is None:
        return _mark(reference, page, "is not among the pages that are synced")
    if found.page.url in around:
        return _mark(reference, page, "is left out here, because it includes this page")
    if len(around) > MAX_STEPS or not page.including.allowance.spend(found):
        return _mark(reference, page, "is left out, because this page includes too much")
    root, repair = tree_of(found.page)
    if repair:
        page.note(f"{found.page.title}: {repair}")
    node = _excerpt(root, reference.name) if reference.is_excerpt else root
    if node is None:
        named = f"excerpt “{reference.name}”" if reference.name else "excerpt"
        return _mark(reference, page, f"has no {named}")
    writer = replace(
        page,
        root=root,
        upstream=Upstream(found.page),
        title=found.page.title,
        including=replace(page.including, around=around),
    )
    return _shown(reference, writer.blocks(node), page)


def _dependency(reference: Reference, found: Included | None, page: PageWriter) -> Dependency:
    missing = Dependency(reference.target, reference.title, page.upstream.page_id)
    if found is None:
        return missing
    return replace(missing, source=found.source, document_id=found.page.document_id, text_hash=found.text_hash)


def _mark(reference: Reference, page: PageWriter, reason: str) -> str:
    page.note(f"The included page “{reference.title}” {reason}.")
    return page.placeholder(f"{_link(reference, page)} {escape(reason)}", ready=True)


def _link(reference: Reference, page: PageWriter) -> str:
    kind = "Excerpt of" if reference.is_excerpt else "Included page:"
    return f"{kind} {page.link(escape(reference.title), reference.target)}"


def _shown(reference: Reference, text: str, page: PageWriter) -> str:
    if reference.bare:
        return text
    name = page.placeholder(_link(reference, page), ready=True)
    whole = f"{name}\n\n{text}".rstrip()
    return page.quoted(whole) if reference.is_excerpt else whole


def _excerpt(root: Element, name: str) -> Element | None:
    """The content of the page's excerpt of that name, or of its first one."""
    for node in root.iter(AC + "structured-macro", AC + "macro"):
        parameter = _EXCERPTS.get((node.get(AC + "name") or "").lower())
        if parameter and (not name or parameters(node).get(parameter, "") == name):
            body = rich_body(node)
            if body is not None:
                return body
    return None
