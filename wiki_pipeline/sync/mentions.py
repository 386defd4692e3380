"""What a source's documents mention, into the catalog's index: what pages show as "Mentioned by".

Only what changed is looked at: the documents that `clean_pages` made again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from wiki_pipeline.catalog.mentions import DOCUMENT, Mention, Mentions
from wiki_pipeline.links.jira import MAY_MEAN_ISSUES, issue_meant
from wiki_pipeline.model import SourceKey
from wiki_pipeline.store import StageTable

_MOST_OF_ONE = 200  # of a document
_FEW = 2_000  # documents that are looked up one by one rather than by reading all
_COLUMNS = ["document_id", "links"]


def record_mentions(
    index: Mentions, clean: StageTable, source: SourceKey, version: str, remade: Collection[str], *, complete: bool
) -> None:
    """Bring the index up to date with a source's `clean_pages`. Costs one look if nothing changed.

    Args:
        version: of the table's data.
        remade: the documents that were made again since the index was up to date.
        complete: whether that is known to be all of them.

    Raises:
        CatalogError, StoreError: out of reach; the next sync does it.
    """
    before = index.state(source, DOCUMENT)
    if before == version:
        return
    if before is None or not complete or len(remade) > _FEW:
        index.record(source, DOCUMENT, _of_all(source, clean.batches(_COLUMNS)), version, None)
        return
    gone: set[str] = set()
    if holders := index.holders(source, DOCUMENT):
        here = clean.read(sorted(holders), ["document_id"])["document_id"].to_pylist()
        gone = holders.difference(here)
    rows = clean.read(sorted(remade), _COLUMNS).to_batches() if remade else ()
    index.record(source, DOCUMENT, _of_all(source, rows), version, gone.union(remade))


def _of_all(source: SourceKey, batches: Iterable[pa.RecordBatch]) -> Iterator[Mention]:
    for batch in batches:
        links = batch.column("links")
        targets = links.flatten().field("target")
        hits = pc.match_substring_regex(targets, MAY_MEAN_ISSUES)
        owners = batch.column("document_id").take(pc.list_parent_indices(links).filter(hits))
        seen: dict[str, set[str]] = {}
        for target, owner in zip(targets.filter(hits).to_pylist(), owners.to_pylist(), strict=True):
            names = seen.setdefault(owner, set())
            key = issue_meant(target)
            if key is None or str(key) in names or len(names) >= _MOST_OF_ONE:
                continue
            names.add(str(key))
            yield Mention(source, DOCUMENT, owner, str(key))
