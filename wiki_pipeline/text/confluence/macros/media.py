"""Macros that show files and other sites: attachments, pictures, drawings, videos."""

from __future__ import annotations

from wiki_pipeline.text.confluence.links import resource
from wiki_pipeline.text.confluence.macro_parameters import parameters, referring_parameter
from wiki_pipeline.text.confluence.registry import Element, macro
from wiki_pipeline.text.confluence.sites import site_name
from wiki_pipeline.text.confluence.writer import PageWriter
from wiki_pipeline.text.markdown import escape


@macro(
    "view-file",
    "viewpdf",
    "viewdoc",
    "viewxls",
    "viewppt",
    "multimedia",
    "pdf",
    "office-word",
    "office-excel",
    block=True,
)
def file(node: Element, page: PageWriter) -> str:
    """A link to the file."""
    target, name = _referred(node, page)
    name = name or parameters(node).get("name", "")
    if name and not target:
        target = page.upstream.attachment(name)
    return page.link(escape(name), target) if target else page.placeholder("File")


@macro(
    "drawio",
    "drawio-sketch",
    "inc-drawio",
    "gliffy",
    "lucidchart",
    "balsamiq",
    "plantuml-diagram",
    "cloudscape",
    block=True,
)
def drawing(node: Element, page: PageWriter) -> str:
    """The drawing as a named picture: the preview that its tool attaches to the page. Its words are found by search."""
    values = parameters(node)
    name = (
        values.get("diagramDisplayName")
        or values.get("diagramName")
        or values.get("name")
        or values.get("filename")
        or ""
    )
    if not name:
        return page.placeholder("Drawing")
    file_name = values.get("diagramName") or values.get("name") or name
    preview = file_name if file_name.endswith((".png", ".svg")) else f"{file_name}.png"
    if preview != file_name:
        page.belongs(name, page.upstream.attachment(file_name, values.get("pageId", "")))
    return page.image(name, page.upstream.attachment(preview, values.get("pageId", "")))


@macro(
    "widget",
    "iframe",
    "embed",
    "smart-link",
    "html5video",
    "youtube",
    "vimeo",
    "loom",
    "figma",
    "miro",
    "trello-board",
    "google-drive",
)
def embedded(node: Element, page: PageWriter) -> str:
    """A link to what is embedded, by its title, or what it is on a well-known site (`YouTube video`)."""
    target, _ = _referred(node, page)
    values = parameters(node)
    target = target or page.upstream.absolute(values.get("url") or values.get("src") or values.get("") or "")
    if not target:
        return page.placeholder("Embedded content")
    return page.link(escape(values.get("title") or site_name(target) or target), target)


@macro("gallery")
def gallery(node: Element, page: PageWriter) -> str:
    """The pictures that it names; a link to all that are attached to the page, which the wiki shows there."""
    values = parameters(node)
    title = values.get("title", "")
    names = [name.strip() for name in values.get("include", "").split(",") if name.strip()]
    if not names:
        shown = f"Gallery: {title}" if title else "Gallery"
        return page.placeholder(page.link(escape(shown), page.upstream.attachments(pictures=True)), ready=True)
    pictures = " ".join(page.image(name, page.upstream.attachment(name)) for name in names)
    return f"**{escape(title)}**\n\n{pictures}" if title else pictures


@macro("attachments", "attachments-macro")
def attachments(node: Element, page: PageWriter) -> str:
    """A link to the list of the page's files, which the wiki shows there."""
    return page.placeholder(page.link("Attachments", page.upstream.attachments()), ready=True)


def _referred(node: Element, page: PageWriter) -> tuple[str, str]:
    holder = referring_parameter(node)
    return resource(holder, page) if holder is not None else ("", "")
