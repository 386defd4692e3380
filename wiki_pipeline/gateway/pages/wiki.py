"""`/` and `/wiki/...`: the start page, a source's home, its folders and its documents."""

from __future__ import annotations

from html import escape
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from wiki_pipeline.catalog import FailureRecord
from wiki_pipeline.freshness import stalled
from wiki_pipeline.gateway import conditional
from wiki_pipeline.gateway.errors import PageNotFound
from wiki_pipeline.gateway.services import Serving
from wiki_pipeline.gateway.syndication import llms
from wiki_pipeline.gateway.wiki_reader import Found, SourceIndex, WikiReader, document_freshness
from wiki_pipeline.links.wiki_addresses import page_address, source_address
from wiki_pipeline.model import WikiPage
from wiki_pipeline.wiki import site, views
from wiki_pipeline.wiki.board import facts_of
from wiki_pipeline.wiki.highlight import highlight
from wiki_pipeline.wiki.outline import crumbs, outline
from wiki_pipeline.wiki.repository_tree import HOME
from wiki_pipeline.wiki.tree import Node, introduction
from wiki_pipeline.wiki.views import Entry, SourceCard

_FAILURES_SHOWN = 20

Responses = dict[int | str, dict[str, Any]]

router = APIRouter(tags=["wiki"], default_response_class=Response)
_KNOWN: Responses = {304: {"description": "The page is as the asker has it (`If-None-Match`)."}}
_HTML: Responses = _KNOWN | {200: {"content": {"text/html": {}}, "description": "The page."}}
_NOT_THERE: Responses = {404: {"content": {"text/html": {}}, "description": "There is no such page."}}
_PAGE: Responses = {
    200: {"content": {"text/html": {}, "text/markdown": {}}, "description": "The page, or its text."},
    302: {"description": "The page has another address now."},
}
Slug = Annotated[str, Path(max_length=200, description="The source's name in addresses.", examples=["confluence-ENG"])]


@router.get("/", summary="Show the start page", responses=_HTML)
@router.get("/wiki/", include_in_schema=False)
def start(request: Request, serving: Serving) -> Response:
    """All sources with their freshness, and the search box."""
    cards = [serving.reader.card(record) for record in serving.reader.sources()]
    waiting = stalled(serving.pipeline)
    view = views.StartView(sources=cards, stalled_since=waiting.since if waiting else None)
    return conditional.page(request, ("start", view), lambda: site.html(view))


@router.get("/wiki", include_in_schema=False)
def start_without_slash() -> Response:
    return RedirectResponse("/wiki/", 308)


@router.get("/wiki/{slug}", include_in_schema=False)
def home_without_slash(slug: Slug) -> Response:
    return RedirectResponse(f"/wiki/{slug}/", 308)


@router.get("/wiki/{slug}/", summary="Show a source's home", responses=_HTML | _NOT_THERE)
def home(request: Request, serving: Serving, slug: Slug) -> Response:
    """What the source holds, what changed last, what failed, and the page that introduces it."""
    reader = serving.reader
    index = _index_at(reader, slug)
    card, failures = reader.card(index.record), reader.failures(index.record.key)
    intro, overview = index.tree.home, index.tree.document(HOME)

    def make() -> str:
        found = index.page(intro) if intro else None
        facts = index.facts(overview) if overview else None
        return site.html(
            views.SourceView(
                source=card,
                outline=outline(index.tree, None, card.title),
                recent=index.recent,
                failed=[_failed(failure) for failure in failures[:_FAILURES_SHOWN]],
                introduction=highlight(found.page.html) if found else "",
                introduction_at=page_address(index.record.key, found.page.wiki_path) if found else "",
                about=facts.page.html if facts else "",
                board=index.board,
            )
        )

    return conditional.page(request, ("home", index.version, card, failures[:_FAILURES_SHOWN]), make)


@router.get("/wiki/{slug}/{path:path}", summary="Show a page", responses=_KNOWN | _PAGE | _NOT_THERE)
def page(
    request: Request,
    serving: Serving,
    slug: Slug,
    path: Annotated[str, Path(max_length=4_096, description="`{id}/{title}` of a page, path of a file or folder/.")],
    form: Annotated[
        Literal["html", "markdown"], Query(alias="format", description="The page, or its text as Markdown.")
    ] = "html",
) -> Response:
    """A document, or a folder of a repository. Old titles in the address, and the bare id, lead to the page; with
    `.md` at its end an address is that of the page's Markdown. `llms.txt` and `llms-full.txt` are the source's, unless
    it has documents of these names."""
    index = _index_at(serving.reader, slug)
    node = index.tree.at(path)
    if node is None and path in {llms.SHORT, llms.FULL}:
        return llms.of_source(request, serving, index, path)
    if node is None and (twin := _twin(index, path)):
        node, form = twin, "markdown"
    if node is None and (moved := serving.reader.moved(index.record, path)):
        return RedirectResponse(moved, 302)
    if node is None:
        return _elsewhere(request, index, path)
    if not node.document_id:
        return _folder(request, serving.reader.card(index.record), index, node)
    found = index.page(node)
    if found is None:
        raise PageNotFound
    if form == "markdown":
        return conditional.unless_known(request, ("raw", found.content_hash), lambda: _raw(found.page))
    return _document(request, serving.reader, index, node, found)


# --- answers -----------------------------------------------------------------------------------------------------


def _document(request: Request, reader: WikiReader, index: SourceIndex, node: Node, found: Found) -> Response:
    page, stands = found.page, reader.staleness(index.record)
    facts = index.facts(node)
    own = facts is not None and facts.page.document_id == page.document_id and not page.path
    card, freshness = reader.card(index.record, stands), document_freshness(stands, page.document_id)
    before, after = index.tree.neighbours(node)
    mentions = reader.mentioned_by(index.record, page)
    return conditional.page(
        request,
        ("page", index.version, found.content_hash, facts.content_hash if facts else "", card, freshness, mentions),
        lambda: site.html(
            views.PageView(
                source=card,
                outline=outline(index.tree, node, card.title),
                crumbs=crumbs(index.tree, node, card.title),
                before=before,
                after=after,
                title=node.title if page.title == page.path else page.title,
                body=highlight(page.html),
                titled=_is_titled(page),
                code=bool(page.code_language),
                headings=facts.page.headings if facts else page.headings,
                about=highlight(facts.page.html) if facts and not own else "",
                diagram=facts.diagram if facts else "",
                generated=own,
                labels=page.labels,
                facts=facts_of(page.facets),
                mentioned_by=mentions,
                version=page.version,
                author=page.author,
                modified_at=page.modified_at,
                original=page.url if page.url.startswith(("http://", "https://")) else "",
                markdown_at=f"{page_address(index.record.key, node.path)}.md",
                freshness=freshness,
            )
        ),
    )


def _folder(request: Request, card: SourceCard, index: SourceIndex, node: Node) -> Response:
    intro = introduction(node.children)

    def make() -> str:
        found = index.page(intro) if intro else None
        facts = index.facts(node)
        return site.html(
            views.FolderView(
                source=card,
                outline=outline(index.tree, node, card.title),
                crumbs=crumbs(index.tree, node, card.title),
                folder=node,
                introduction=highlight(found.page.html) if found else "",
                about=facts.page.html if facts else "",
            )
        )

    return conditional.page(request, ("folder", index.version, card), make)


def _twin(index: SourceIndex, path: str) -> Node | None:
    """The document whose Markdown is at a path: its own with `.md` at its end."""
    node = index.tree.at(path.removesuffix(".md")) if path.endswith(".md") else None
    return node if node and node.document_id else None


def _raw(page: WikiPage) -> Response:
    return PlainTextResponse(page.markdown, media_type="text/plain" if page.code_language else "text/markdown")


def _elsewhere(request: Request, index: SourceIndex, path: str) -> Response:
    """Where a path leads that is not in the tree: a folder without its slash, an old title, a bare id; or nowhere."""
    node = index.tree.at(f"{path}/") or index.tree.document(unquote(path.partition("/")[0]))
    node = node or (index.tree.document(unquote(path.removesuffix(".md"))) if path.endswith(".md") else None)
    if node is None:
        words = path.rpartition("/")[2].replace("-", " ").replace("_", " ")
        raise PageNotFound(words, index.suggestions(path))
    query = f"?{request.url.query}" if request.url.query else ""
    # Not for ever: a page may be renamed again.
    end = ".md" if path.endswith(".md") and node.document_id else ""
    return RedirectResponse(page_address(index.record.key, node.path) + end + query, 302)


def _index_at(reader: WikiReader, slug: str) -> SourceIndex:
    record = reader.source_at(slug)
    if record is not None:
        return reader.index(record)
    others = reader.sources()
    raise PageNotFound(
        suggestions=[Entry(title=other.title or other.key.name, href=source_address(other.key)) for other in others]
    )


def _failed(failure: FailureRecord) -> views.FailedDocument:
    return views.FailedDocument(
        title=failure.title or failure.document_id,
        stage=failure.stage.replace("_", " "),
        message=failure.message,
        since=failure.first_failed_at,
    )


def _is_titled(page: WikiPage) -> bool:
    """Whether the page's text begins with its title, as files do, so that it need not be shown twice."""
    first = page.headings[0] if page.headings else None
    return first is not None and first.level == 1 and page.html.startswith(f'<h1 id="{escape(first.anchor)}"')
