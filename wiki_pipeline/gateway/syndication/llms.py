"""`llms.txt` (what there is) and `llms-full.txt` (all of it) of the tenant and of each source, for language models; see
llmstxt.org. Both are bounded and say what they left out; the text is sent as it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated

import pyarrow as pa
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from wiki_pipeline.catalog import SourceRecord
from wiki_pipeline.gateway import conditional
from wiki_pipeline.gateway.addresses import root_of
from wiki_pipeline.gateway.errors import ErrorAnswer
from wiki_pipeline.gateway.services import Services, Serving
from wiki_pipeline.gateway.wiki_reader import SourceIndex
from wiki_pipeline.links.wiki_addresses import page_address
from wiki_pipeline.wiki.views import Currency, Freshness

SHORT, FULL = "llms.txt", "llms-full.txt"
_COLUMNS = ["title", "url", "version", "author", "modified_at", "wiki_path", "code_language", "markdown"]
_TEXT = "text/plain"
_LINKED = re.compile(r"([\\\[\]])")
_SPACE = re.compile(r"\s+")
_ANSWERS: dict[int | str, dict[str, object]] = {
    200: {"content": {_TEXT: {}}, "description": "Markdown."},
    304: {"description": "It is as the asker has it (`If-None-Match`)."},
    404: {"model": ErrorAnswer, "description": "A source that there is none of."},
}

router = APIRouter(tags=["feeds"], default_response_class=Response)
Source = Annotated[str, Query(max_length=400, description="Only this source, as in search; empty for all.")]


@router.get(f"/{SHORT}", summary="Get llms.txt", responses=_ANSWERS)
def short(request: Request, serving: Serving, source: Source = "") -> Response:
    """What there is, for language models: sources, or a source's pages with the addresses of their Markdown."""
    if source:
        return short_of(request, serving, serving.reader.index(serving.source_named(source)))
    root, records = root_of(request, serving.settings), serving.reader.sources()
    cards = [serving.reader.card(record) for record in records]
    return conditional.unless_known(request, (SHORT, root, cards), lambda: _streamed(_tenant(serving, root, records)))


@router.get(f"/{FULL}", summary="Get llms-full.txt", responses=_ANSWERS)
def full(request: Request, serving: Serving, source: Source = "") -> Response:
    """The text of all pages, or of a source's, as one Markdown file of bounded size."""
    records = [serving.source_named(source)] if source else serving.reader.sources()
    return full_of(request, serving, [serving.reader.index(record) for record in records])


def of_source(request: Request, serving: Services, index: SourceIndex, name: str) -> Response:
    """A source's file with one of the two names."""
    return full_of(request, serving, [index]) if name == FULL else short_of(request, serving, index)


def short_of(request: Request, serving: Services, index: SourceIndex) -> Response:
    """A source's `llms.txt`."""
    root = root_of(request, serving.settings)
    freshness = serving.reader.card(index.record).freshness
    state = (SHORT, root, index.record, index.version, freshness, serving.settings.llms_pages)
    return conditional.unless_known(request, state, lambda: _streamed(_source(serving, root, index, freshness)))


def full_of(request: Request, serving: Services, indexes: Sequence[SourceIndex]) -> Response:
    """`llms-full.txt` of some sources."""
    root = root_of(request, serving.settings)
    versions = [(index.record, index.version) for index in indexes]
    state = (FULL, root, versions, serving.settings.llms_full_bytes)
    return conditional.unless_known(request, state, lambda: _streamed(_texts(serving, root, indexes)))


def _streamed(parts: Iterator[str]) -> Response:
    # As text: browsers show it, where they would save Markdown.
    return StreamingResponse((part.encode() for part in parts), media_type=f"{_TEXT}; charset=utf-8")


# --- llms.txt ----------------------------------------------------------------------------------------------------


def _tenant(serving: Services, root: str, records: Sequence[SourceRecord]) -> Iterator[str]:
    yield "# Wiki\n\n"
    yield (
        "> Confluence spaces, Git repositories and Jira projects in one place, kept in step with what people edit "
        "there.\n\n"
    )
    yield "Each page is at its address with `.md` at its end as Markdown, and says where it came from and how fresh it "
    yield f"is. Search: {root}/v1/search?q=WORDS. What changed: {root}/v1/changes. Agents: {root}/mcp (MCP).\n\n"
    yield "## Sources\n\n"
    for record in records:
        card = serving.reader.card(record)
        address = (
            f"{root}{card.home}{SHORT}" if _is_free(serving, record) else f"{root}/{SHORT}?source={record.key.slug}"
        )
        yield _line(card.title, address, f"{card.kind}, {card.documents:,} pages. {_fresh(card.freshness)}")
    yield "\n## Optional\n\n"
    yield _line("All text", f"{root}/{FULL}", "every page in one file, as far as it may go")
    yield _line("Changes", f"{root}/feeds/changes.atom", "an Atom feed of what changed")
    yield _line("Interface", f"{root}/openapi.json", "the HTTP interface as OpenAPI")


def _is_free(serving: Services, record: SourceRecord) -> bool:
    """Whether the source has no document of its own at the address of its `llms.txt`."""
    return serving.reader.index(record).tree.at(SHORT) is None


def _source(serving: Services, root: str, index: SourceIndex, freshness: Freshness) -> Iterator[str]:
    record, nodes, most = index.record, index.tree.documents, serving.settings.llms_pages
    upstream = f" from {record.url}" if record.url.startswith(("http://", "https://")) else ""
    yield f"# {_plain(record.title or record.key.name)}\n\n"
    yield f"> {len(nodes):,} pages{upstream}. {_fresh(freshness)}\n\n"
    yield f"All text in one file: {root}/{FULL}?source={record.key.slug}. "
    yield f"Search: {root}/v1/search?source={record.key.slug}&q=WORDS.\n\n## Pages\n\n"
    for node in nodes[:most]:
        above = f"in {_plain(node.parent.title)}" if node.parent and node.parent.document_id else ""
        yield _line(node.title or "Untitled", f"{root}{page_address(record.key, node.path)}.md", above)
    if left := nodes[most:]:
        yield f"\n{len(left):,} more pages are not listed here: search for them, or read {root}/v1/changes.\n"


def _line(title: str, address: str, note: str) -> str:
    name = _LINKED.sub(r"\\\1", _plain(title))
    return f"- [{name}]({address}){f': {_plain(note)}' if note else ''}\n"


def _fresh(freshness: Freshness) -> str:
    synced = f"Looked at last {freshness.synced_at:%Y-%m-%d %H:%M} UTC" if freshness.synced_at else "Never synced"
    behind = {Currency.STALE: "; some pages are behind", Currency.FAILED: "; the last sync failed"}
    return f"{synced}{behind.get(freshness.currency, '')}."


def _plain(text: str) -> str:
    return _SPACE.sub(" ", text).strip()


# --- llms-full.txt -----------------------------------------------------------------------------------------------


def _texts(serving: Services, root: str, indexes: Sequence[SourceIndex]) -> Iterator[str]:
    """All pages, one after the other, up to the first that doesn't fit any more."""
    left, total, told = serving.settings.llms_full_bytes, sum(len(index.tree.documents) for index in indexes), 0
    for index in indexes:
        for batch in index.table.batches(_COLUMNS):
            for text in _pages(root, index, batch):
                left -= len(text.encode())
                if left < 0:
                    yield f"# {total - told:,} more pages\n\n"
                    yield f"This file holds {told:,} of {total:,} pages. {root}/{SHORT} says where the others are.\n"
                    return
                told += 1
                yield text


def _pages(root: str, index: SourceIndex, batch: pa.RecordBatch) -> Iterator[str]:
    for row in batch.to_pylist():
        text = row["markdown"].strip("\n")
        if row["code_language"]:
            fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
            text = f"{fence}{row['code_language']}\n{text}\n{fence}"
        facts = [f"Source: {root}{page_address(index.record.key, row['wiki_path'])}"]
        if row["url"].startswith(("http://", "https://")):
            facts.append(f"Original: {row['url']}")
        if row["version"]:
            facts.append(f"Version: {row['version']}")
        if row["modified_at"]:
            by = f" by {_plain(row['author'])}" if row["author"] else ""
            facts.append(f"Edited: {row['modified_at']:%Y-%m-%d %H:%M} UTC{by}")
        told = "\n".join(facts)
        yield f"# {_plain(row['title']) or 'Untitled'}\n\n{told}\n\n{text}\n\n---\n\n"
