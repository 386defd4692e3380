"""Documents that a sync leaves behind in other sources, since they show what it changed: they become events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from wiki_pipeline.catalog import EventBatch, Origin
from wiki_pipeline.freshness.staleness import Reason, StaleDocument
from wiki_pipeline.model import ChangeHint, SourceKey
from wiki_pipeline.sync.pipeline import Pipeline

COMPARED = frozenset({Reason.DEPENDENCY_CHANGED, Reason.STAGE_BEHIND})
"""Reasons that comparing tables tells, whatever is upstream: a sync of the source mends them."""


def left_behind(stale: Iterable[StaleDocument], synced: SourceKey) -> dict[SourceKey, list[str]]:
    """The documents of other sources of its tenant than `synced` that only a sync of theirs brings up to date, by
    source."""
    found: dict[SourceKey, list[str]] = defaultdict(list)
    for document in stale:
        is_other = document.source != synced and document.source.tenant == synced.tenant
        if document.reason in COMPARED and is_other and document.document_id:
            found[document.source].append(document.document_id)
    return dict(found)


def follow(pipeline: Pipeline, stale: Iterable[StaleDocument], synced: SourceKey) -> int:
    """Write an event for each document that a sync left behind in other sources. Returns how many.

    Args:
        stale: what is stale after it, as a report lists it: what waits as an event already is there for that reason.

    Raises:
        CatalogError: they can't be written.
    """
    hints = []
    for source, documents in left_behind(stale, synced).items():
        what = f"it shows what a sync of {synced} changed"
        if len(documents) > pipeline.settings.batch_documents:
            hints.append(ChangeHint(source.kind, source, what=what))
        else:
            hints += [ChangeHint(source.kind, source, document_id, what) for document_id in documents]
    pipeline.catalog.events.record([EventBatch(synced.tenant, Origin.SYNC, hints)])
    return len(hints)
