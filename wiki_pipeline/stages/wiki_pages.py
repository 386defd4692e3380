"""wiki_pages: clean documents as pages to read. A page depends on its text, and on where its links lead in the wiki."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.links import files
from wiki_pipeline.links.index import BROKEN, COLUMNS, FindAnchor, LinkIndex
from wiki_pipeline.model import CleanPage, Heading, SourceKey, Stage, StageReport, digest
from wiki_pipeline.store import fingerprint
from wiki_pipeline.sync.drivers import Inputs, ShownChange, each_document, update_from_table
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import SourceTables, Sync
from wiki_pipeline.sync.stage import DeclaredStage, Histogram
from wiki_pipeline.text.heading_anchors import Places
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
    """The documents and files of the tenant's sources, as far as all readers of this one may know of them, for links
    from one into another."""
    store = tables.pipeline.store
    sources = {tables.source, *(record.key for record in tables.pipeline.shown_by(tables.source))}
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
    return Inputs(desired, CODE_VERSION, shown=partial(_shown, tables, links)), broken


def _shown(tables: SourceTables, links: LinkIndex, document_ids: Sequence[str]) -> dict[str, ShownChange]:
    """Of pages that are behind, those whose own text is as it was: what their links lead to, or show of it, changed."""
    changed: dict[str, set[tuple[SourceKey, str]]] = {}
    for start in range(0, len(document_ids), _READ_AT_ONCE):
        some = document_ids[start : start + _READ_AT_ONCE]
        made = {
            row["document_id"]: row
            for row in tables.table(Stage.WIKI_PAGES).read(some, ["document_id", "targets", "fingerprint"]).to_pylist()
        }
        clean = tables.table(Stage.CLEAN_PAGES).read(some, ["document_id", "path", "links", "content_hash"])
        for row in clean.to_pylist():
            before = made.get(row["document_id"])
            if before is None or len(before["targets"]) != len(row["links"]):
                continue
            as_it_was = digest(row["content_hash"], tuple(before["targets"]))
            if fingerprint(Stage.WIKI_PAGES, CODE_VERSION, (), as_it_was) != before["fingerprint"]:
                continue  # its own text changed, or how pages are rendered
            now = links.targets(tables.source, row["path"], row["links"])
            changed[row["document_id"]] = {
                place
                for link, old, new in zip(row["links"], before["targets"], now, strict=True)
                if old != new and (place := links.document(link["target"], tables.source, row["path"]))
            }
    return _told(tables, changed)


def _told(tables: SourceTables, changed: Mapping[str, set[tuple[SourceKey, str]]]) -> dict[str, ShownChange]:
    """The same with titles and times of what changed."""
    facts: dict[tuple[SourceKey, str], tuple[str, datetime | None]] = {}
    places = sorted(set().union(*changed.values())) if changed else []
    for source, group in groupby(places, key=lambda place: place[0]):
        table, ids = tables.pipeline.store.table(Stage.CLEAN_PAGES, source), [id_ for _, id_ in group]
        for start in range(0, len(ids), _READ_AT_ONCE):
            rows = table.read(ids[start : start + _READ_AT_ONCE], ["document_id", "title", "modified_at"]).to_pylist()
            facts.update(((source, row["document_id"]), (row["title"], row["modified_at"])) for row in rows)
    told = {}
    for document_id, shown in changed.items():
        known = sorted((facts[place] for place in shown if place in facts), key=lambda fact: fact[0])
        moments = [moment for _, moment in known if moment is not None]
        told[document_id] = ShownChange(tuple(title for title, _ in known), max(moments, default=None))
    return told


DECLARED = DeclaredStage(
    stage=Stage.WIKI_PAGES,
    code_version=CODE_VERSION,
    update=update,
    inputs=inputs,
    preview=["document_id", "title", "wiki_path", "words"],
    picture=Histogram("Words a document", ["words"]),
    counts=["broken_links"],
)


_READ_AT_ONCE = 100
_COLUMNS = ["document_id", "title", "headings", "markdown"]


def linked_anchors(tables: SourceTables, links: LinkIndex) -> Mapping[tuple[SourceKey, str], FindAnchor]:
    """What finds anchors on each page that a link of the source's pages leads into; by source and document id: for
    `.../On+call#OnCall-WhoToCall` the heading that Confluence calls so.

    Only pages that links with a fragment lead to are read for that, some at once, and only the names of their places
    kept.
    """
    found = {}
    desired = {links.document(target, tables.source, path) for path, target in _into_pages(tables)} - {None}
    for source, places in groupby(sorted(filter(None, desired)), key=lambda place: place[0]):
        table = tables.pipeline.store.table(Stage.CLEAN_PAGES, source)
        ids = [document_id for _, document_id in places]
        for start in range(0, len(ids), _READ_AT_ONCE):
            for row in table.read(ids[start : start + _READ_AT_ONCE], _COLUMNS).to_pylist():
                headings = (Heading(**heading) for heading in row["headings"])
                places_of = Places.of_page(row["title"], headings, row["markdown"])
                found[source, row["document_id"]] = places_of.find
    return found


def _into_pages(tables: SourceTables) -> Iterator[tuple[str, str]]:
    """The path of each document and the target of each of its links that has a fragment."""
    for batch in tables.table(Stage.CLEAN_PAGES).batches(["path", "links"]):
        links = batch.column("links")
        targets = pc.struct_field(pc.list_flatten(links), "target")
        chosen = pc.match_substring(targets, "#")
        if not pc.any(chosen).as_py():
            continue
        paths = pc.take(batch.column("path"), pc.list_parent_indices(links).filter(chosen))
        yield from zip(paths.to_pylist(), targets.filter(chosen).to_pylist(), strict=True)
