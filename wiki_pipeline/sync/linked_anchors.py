"""Where on other pages links lead: `.../On+call#OnCall-WhoToCall` to the heading that Confluence calls so.

Only pages that links with a fragment lead to are read for that, some at once, and only the names of their places kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

import pyarrow.compute as pc

from wiki_pipeline.links.index import FindAnchor, LinkIndex
from wiki_pipeline.model import Heading, SourceKey, Stage
from wiki_pipeline.sync.session import SourceTables
from wiki_pipeline.text.heading_anchors import Places

_READ_AT_ONCE = 100
_COLUMNS = ["document_id", "title", "headings", "markdown"]


def linked_anchors(tables: SourceTables, links: LinkIndex) -> Mapping[tuple[SourceKey, str], FindAnchor]:
    """What finds anchors on each page that a link of the source's pages leads into; by source and document id."""
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
