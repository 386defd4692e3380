"""wiki_pages: clean documents as pages to read. A page depends on its text, and on where its links lead in the wiki."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pyarrow as pa

from wiki_pipeline.links import files
from wiki_pipeline.links.index import BROKEN, COLUMNS, LinkIndex
from wiki_pipeline.model import CleanPage, SourceKey, Stage, StageReport, digest
from wiki_pipeline.sync.drivers import Inputs, each_document, update_from_table
from wiki_pipeline.sync.linked_anchors import linked_anchors
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import SourceTables, Sync
from wiki_pipeline.sync.stage import DeclaredStage, Histogram
from wiki_pipeline.wiki.render import CODE_VERSION, render_page


def inputs(tables: SourceTables, links: LinkIndex | None = None) -> Inputs:
    """What `wiki_pages` should be made from."""
    return _inputs(tables, links or _links(tables))[0]


def update(sync: Sync) -> StageReport:
    """Bring `wiki_pages` up to date with `clean_pages` and `attachments`. For errors see `update_from_table`."""
    links = _links(sync)
    convert = each_document(
        sync,
        (Stage.CLEAN_PAGES, CleanPage),
        Stage.WIKI_PAGES,
        partial(render_page, source=sync.source, links=links),
    )
    desired, broken = _inputs(sync, links)
    return update_from_table(
        sync, Stage.WIKI_PAGES, desired, convert, lambda report: replace(report, broken_links=broken)
    )


def _links(tables: SourceTables) -> LinkIndex:
    """The documents and files of all of the tenant's sources, for links from one into another."""
    store = tables.pipeline.store
    sources = {tables.source, *(record.key for record in tables.pipeline.catalog.sources(tables.source.tenant))}
    documents = {key: store.table(Stage.CLEAN_PAGES, key).read_known(COLUMNS) for key in sources}
    attachments = {key: store.table(Stage.ATTACHMENTS, key).read(columns=files.COLUMNS) for key in sources}
    complete = [key for key in sources if _is_complete(tables.pipeline, key, len(documents[key]))]
    links = LinkIndex(documents, complete, attachments)
    return links.with_anchors(linked_anchors(tables, links))


def _is_complete(pipeline: Pipeline, source: SourceKey, documents: int) -> bool:
    """Whether a source is meant to hold all pages of its space, and all that were listed are here."""
    record, observed = pipeline.catalog.source(source), pipeline.catalog.upstream.observation(source)
    if record is None or pipeline.problem_of(record) or observed is None or observed.listed_at is None:
        return False
    return pipeline.kind_of(source).is_whole(record.config) and documents >= observed.documents


def _inputs(tables: SourceTables, links: LinkIndex) -> tuple[Inputs, int]:
    """Each page with the hash of its text and of where its links lead; and how many of them lead nowhere."""
    ids: list[str] = []
    hashes: list[str] = []
    broken = 0
    names = ["document_id", "path", "links", "content_hash"]
    for batch in tables.table(Stage.CLEAN_PAGES).batches(names):
        columns = (batch.column(name).to_pylist() for name in names)
        for document_id, path, linked, content_hash in zip(*columns, strict=True):
            ids.append(document_id)
            targets = links.targets(tables.source, path, linked) if linked else ()
            broken += targets.count(BROKEN)
            hashes.append(digest(content_hash, targets))
    desired = pa.table({"document_id": pa.array(ids, pa.string()), "input_hash": pa.array(hashes, pa.string())})
    return Inputs(desired, CODE_VERSION), broken


DECLARED = DeclaredStage(
    stage=Stage.WIKI_PAGES,
    code_version=CODE_VERSION,
    update=update,
    inputs=inputs,
    preview=["document_id", "title", "wiki_path", "words"],
    picture=Histogram("Words a document", ["words"]),
    counts=["broken_links"],
)
