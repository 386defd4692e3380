"""The text of other pages as part of a page: whole pages, and the chunks that they mark as excerpts.

An included page is written as its own page would be, with its own addresses, into the headings, links and notes of the
page that includes it. What it includes itself comes along. Whatever stands in the way leaves a mark in the text and a
note: the page is missing, the pages include each other, or it would be too much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from wiki_pipeline.links.confluence import Upstream
from wiki_pipeline.model import Dependency
from wiki_pipeline.text.confluence.allowance import MAX_STEPS
from wiki_pipeline.text.confluence.macro_parameters import parameters, rich_body
from wiki_pipeline.text.confluence.registry import AC, Element
from wiki_pipeline.text.confluence.trees import tree_of
from wiki_pipeline.text.confluence.writer import PageWriter
from wiki_pipeline.text.known import Included
from wiki_pipeline.text.markdown import escape

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
    for macro in root.iter(AC + "structured-macro", AC + "macro"):
        parameter = _EXCERPTS.get((macro.get(AC + "name") or "").lower())
        if parameter and (not name or parameters(macro).get(parameter, "") == name):
            body = rich_body(macro)
            if body is not None:
                return body
    return None
