"""wiki_pages: clean documents as pages to read. A page depends on its text, and on where its links lead in the wiki."""

from __future__ import annotations

from functools import partial

import pyarrow as pa

from wiki_pipeline.model import CleanPage, Stage, StageReport, digest
from wiki_pipeline.stages.derived import Inputs, each_document, update_from_table
from wiki_pipeline.stages.sync import SourceTables, Sync
from wiki_pipeline.wiki.links import COLUMNS, LinkIndex
from wiki_pipeline.wiki.render import CODE_VERSION, render_page

__all__ = ["CODE_VERSION", "update"]


def inputs(tables: SourceTables, links: LinkIndex | None = None) -> Inputs:
    """What `wiki_pages` should be made from."""
    return Inputs(_wanted(tables, links or _links(tables)), CODE_VERSION)


def update(sync: Sync) -> StageReport:
    """Bring `wiki_pages` up to date with `clean_pages`. For errors see `update_from_table`."""
    links = _links(sync)
    convert = each_document(
        sync,
        (Stage.CLEAN_PAGES, CleanPage),
        Stage.WIKI_PAGES,
        partial(render_page, source=sync.source, links=links),
    )
    return update_from_table(sync, Stage.WIKI_PAGES, inputs(sync, links), convert)


def _links(tables: SourceTables) -> LinkIndex:
    """The documents of all of the tenant's sources, for links from one into another."""
    store = tables.pipeline.store
    sources = {tables.source, *(record.key for record in tables.pipeline.catalog.sources(tables.source.tenant))}
    return LinkIndex({key: store.table(Stage.CLEAN_PAGES, key).read(columns=COLUMNS) for key in sources})


def _wanted(tables: SourceTables, links: LinkIndex) -> pa.Table:
    """Each page with the hash of its text and of where its links lead."""
    ids: list[str] = []
    hashes: list[str] = []
    for batch in tables.table(Stage.CLEAN_PAGES).batches(["document_id", "path", "links", "content_hash"]):
        for row in batch.to_pylist():
            ids.append(row["document_id"])
            hashes.append(digest(row["content_hash"], links.targets(tables.source, row["path"], row["links"])))
    return pa.table({"document_id": pa.array(ids, pa.string()), "input_hash": pa.array(hashes, pa.string())})
