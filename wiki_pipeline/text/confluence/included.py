"""The text of other pages as part of a page: whole pages, and the chunks that they mark as excerpts.

An included page is written as its own page would be, with its own addresses, into the headings, links and notes of the
page that includes it. What it includes itself comes along. Whatever stands in the way leaves a mark in the text and a
note: the page is missing, the pages include each other, or it would be too much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from wiki_pipeline.links.confluence import Upstream
from wiki_pipeline.model import Dependency
from wiki_pipeline.text.confluence.allowance import MAX_STEPS
from wiki_pipeline.text.confluence.macro_parameters import parameters, rich_body
from wiki_pipeline.text.confluence.registry import AC, Element
from wiki_pipeline.text.confluence.trees import tree_of
from wiki_pipeline.text.confluence.writer import PageWriter
from wiki_pipeline.text.known import Included
from wiki_pipeline.text.markdown import escape


class Part(Enum):
    """What of another page a macro includes. Parts of one kind are never shown for another's.

    Attributes:
        macros: the macros that mark such a part in the other page.
        names: parameters that name it, there and where it is included.
    """

    PAGE = ((), ())
    EXCERPT = (("excerpt",), ("name",))
    MULTIEXCERPT = (
        (
            "multiexcerpt",
            "multiexcerpt-macro",
            "multiexcerpt-block-macro",
            "multiexcerpt-inline-macro",
            "multiexcerpt-fast-block-macro",
            "multiexcerpt-fast-inline-macro",
        ),
        ("MultiExcerptName", "multiexcerptname", "name"),
    )
    SHARED_BLOCK = (("shared-block",), ("shared-block-key",))

    def __init__(self, macros: tuple[str, ...], names: tuple[str, ...]) -> None:
        self.macros = macros
        self.names = names


@dataclass(frozen=True, slots=True)
class Reference:
    """What a macro includes.

    Attributes:
        target: upstream address of the page.
        title: what the macro calls the page.
        part: what of it is meant.
        name: of that part; empty means the first one.
        bare: whether a part stands without the page's name around it.
    """

    target: str
    title: str
    part: Part = Part.PAGE
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
    node = root if reference.part is Part.PAGE else _part(root, reference)
    if node is None:
        named = f"excerpt “{reference.name}”" if reference.name else "excerpt"
        return _mark(reference, page, f"has no {named}")
    return _shown(reference, _writer(root, found, page).blocks(node), page)


def tree_included(target: str, title: str, page: PageWriter) -> tuple[Element, PageWriter] | None:
    """The tree of another page, of which parts are shown, with what writes them as that page would; None if it is not
    there, or too much."""
    found = page.known.page(target)
    page.dependencies.append(_dependency(Reference(target, title), found, page))
    around = (*page.including.around, page.upstream.url)
    if found is None or found.page.url in around or not page.including.allowance.spend(found):
        return None
    root, _ = tree_of(found.page)
    return root, _writer(root, found, page)


def excerpt_of(target: str, title: str, page: PageWriter) -> str:
    """The first excerpt of another page, as its own Markdown; empty if it has none."""
    found = tree_included(target, title, page)
    if found is None:
        return ""
    node = _part(found[0], Reference(target, title, Part.EXCERPT))
    return found[1].blocks(node) if node is not None else ""


def _writer(root: Element, found: Included, page: PageWriter) -> PageWriter:
    return replace(
        page,
        root=root,
        upstream=Upstream(found.page),
        title=found.page.title,
        including=replace(page.including, around=(*page.including.around, page.upstream.url)),
    )


def _dependency(reference: Reference, found: Included | None, page: PageWriter) -> Dependency:
    missing = Dependency(reference.target, reference.title, page.upstream.page_id)
    if found is None:
        return missing
    return replace(missing, source=found.source, document_id=found.page.document_id, text_hash=found.text_hash)


def _mark(reference: Reference, page: PageWriter, reason: str) -> str:
    page.note(f"The included page “{reference.title}” {reason}.")
    return page.placeholder(f"{_link(reference, page)} {escape(reason)}", ready=True)


def _link(reference: Reference, page: PageWriter) -> str:
    kind = "Included page:" if reference.part is Part.PAGE else "Excerpt of"
    return f"{kind} {page.link(escape(reference.title), reference.target)}"


def _shown(reference: Reference, text: str, page: PageWriter) -> str:
    if reference.part is Part.PAGE or reference.bare:
        return text  # as Confluence shows it: as if it stood here
    name = page.link(escape(reference.title), reference.target)
    return page.quoted(f"**{name}**\n\n{text}".rstrip())


def _part(root: Element, reference: Reference) -> Element | None:
    """The content of the part of the page that is meant: the one of that name, or the first one."""
    part = reference.part
    for macro in root.iter(AC + "structured-macro", AC + "macro"):
        if (macro.get(AC + "name") or "").lower() not in part.macros:
            continue
        values = parameters(macro)
        if not reference.name or reference.name in (values.get(name, "") for name in part.names):
            body = rich_body(macro)
            if body is not None:
                return body
    return None
