"""What a sync changed, into the catalog's log of changes: once everything that readers see is in place.

It is found by comparing what `clean_pages` holds with what the log knows, not by listening to commits. So a document
that was only made anew, with the same outcome, did not change; and what a crash left unrecorded the next sync finds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any

import pyarrow as pa

from wiki_pipeline.catalog import Catalog, ChangeKind, DocumentChange, KnownDocument, SetKind
from wiki_pipeline.model import StageReport
from wiki_pipeline.store import StageTable

_COLUMNS = ["document_id", "content_hash", "version", "title", "path", "url", "author", "modified_at"]
_ROWS = 1_000  # a transaction
_FEW = 2_000  # documents that are looked up one by one rather than by reading all


def record_changes(
    catalog: Catalog, clean: StageTable, report: StageReport, remade: Collection[str], recorded: bool | None
) -> None:
    """Record what changed since changes of the source were recorded last. Costs one look if nothing did.

    Args:
        clean: the source's table `clean_pages`, and `report` what the sync did to it.
        remade: the documents that it made again.
        recorded: whether everything of before was recorded when it first committed; None if it did not.

    Raises:
        CatalogError, StoreError: what was not recorded is, by the next sync.
    """
    source, log = report.source, catalog.changes
    if recorded is None and log.state(source) == report.data_version:
        return
    few = bool(recorded) and not report.deleted and len(remade) <= _FEW
    among = sorted(remade) if few else None
    known = log.known(source, among)
    kind = SetKind.SYNC if known or few else SetKind.FIRST
    record = catalog.source(source)
    title = record.title if record and record.title else source.name
    changes = _changes(_rows(clean, among), known, complete=not few)
    made, set_id = list(islice(changes, _ROWS)), None
    while made:
        following = list(islice(changes, _ROWS))
        up_to = None if following else report.data_version
        set_id = log.add(source, made, title=title, kind=kind, set_id=set_id, up_to=up_to)
        made = following
    if set_id is None:
        log.complete(source, report.data_version)


def _rows(clean: StageTable, among: list[str] | None) -> Iterator[Mapping[str, Any]]:
    batches: Iterator[pa.RecordBatch] = (
        clean.batches(_COLUMNS) if among is None else iter(clean.read(among, _COLUMNS).to_batches())
    )
    for batch in batches:
        yield from batch.to_pylist()


def _changes(
    rows: Iterator[Mapping[str, Any]], known: Mapping[str, KnownDocument], *, complete: bool
) -> Iterator[DocumentChange]:
    """The rows that are not as they are known; and, if those are complete, the documents that have none any more."""
    seen: set[str] = set()
    for row in rows:
        document_id = row["document_id"]
        seen.add(document_id)
        before = known.get(document_id)
        if before is None or before.content_hash != row["content_hash"]:
            yield DocumentChange(
                **row,
                kind=ChangeKind.ADDED if before is None else ChangeKind.UPDATED,
                previous_version="" if before is None else before.version,
            )
    if complete:
        for document_id in sorted(known.keys() - seen):
            yield _deleted(document_id, known[document_id])


def _deleted(document_id: str, known: KnownDocument) -> DocumentChange:
    return DocumentChange(
        document_id=document_id,
        kind=ChangeKind.DELETED,
        version=known.version,
        previous_version=known.version,
        title=known.title,
        path=known.path,
        url=known.url,
    )
