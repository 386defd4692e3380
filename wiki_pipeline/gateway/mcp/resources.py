"""What agents can read without a tool: every page as `wiki://SOURCE/PAGE`, listed source by source."""

from __future__ import annotations

from dataclasses import dataclass

from wiki_pipeline.gateway.mcp.addresses import PageAddress
from wiki_pipeline.gateway.mcp.reading import Asker, read

PAGE_SIZE = 100
_COMPLETIONS = 100


@dataclass(frozen=True, slots=True)
class Listed:
    """A page in the list."""

    uri: str
    title: str
    source: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A part of the list.

    Attributes:
        cursor: of the next part; None if there is none.
    """

    pages: list[Listed]
    cursor: str | None


def list_pages(asker: Asker, cursor: str | None) -> Listing | None:
    """The pages in reading order, source by source; None if the cursor is none of ours.

    A cursor is a place in a source: pages that come or go meanwhile move the others by as many places.
    """
    slug, _, place = (cursor or "").partition("@")
    records = asker.serving.reader.sources()
    slugs = [record.key.slug for record in records]
    if cursor is not None and (slug not in slugs or not place.isascii() or not place.isdecimal() or len(place) > 9):
        return None
    first, skipped = (slugs.index(slug), int(place)) if cursor else (0, 0)
    pages: list[Listed] = []
    for record in records[first:]:
        nodes = asker.serving.reader.index(record).tree.documents
        taken = nodes[skipped : skipped + PAGE_SIZE - len(pages)]
        title = record.title or record.key.name
        pages += [
            Listed(str(PageAddress(record.key.slug, node.document_id)), node.title or "Untitled", title)
            for node in taken
        ]
        if skipped + len(taken) < len(nodes):
            return Listing(pages, f"{record.key.slug}@{skipped + len(taken)}")
        skipped = 0
    return Listing(pages, None)


def read_page(asker: Asker, uri: str) -> tuple[str, str]:
    """The media type and text of a page or a section; errors as `read`."""
    found = read(asker, uri)
    return "text/plain" if found.page.code_language else "text/markdown", found.text


def complete(asker: Asker, name: str, begun: str, source: str) -> list[str]:
    """What may stand for a part of a page's address: sources, or ids of pages whose id or title has what was begun.

    Args:
        name: `source` or `page`.
        source: the source that was chosen already; empty if none was.
    """
    reader = asker.serving.reader
    if name == "source":
        slugs = [record.key.slug for record in reader.sources()]
        return [slug for slug in slugs if begun.lower() in slug.lower()][:_COMPLETIONS]
    record = reader.source_at(source)
    if name != "page" or record is None:
        return []
    nodes = reader.index(record).tree.documents
    return [
        node.document_id
        for node in nodes
        if node.document_id.startswith(begun) or begun.casefold() in node.title.casefold()
    ][:_COMPLETIONS]
