"""Saying who may read a source, and having the other sources take out what their readers may see of it no longer."""

from __future__ import annotations

from wiki_pipeline.catalog import Audience, EventBatch, Origin
from wiki_pipeline.errors import SourceNotFoundError
from wiki_pipeline.freshness.left_behind import COMPARED
from wiki_pipeline.freshness.staleness import staleness
from wiki_pipeline.model import ChangeHint, SourceKey
from wiki_pipeline.sync.pipeline import Pipeline

_WHAT = "who may read what it shows of others has changed"


def set_audience(pipeline: Pipeline, source: SourceKey, audience: Audience) -> int:
    """Say who may read a source: from the next request on nobody else finds anything in it. Returns how many documents
    of other sources show something of it that not all their readers may read, or may show more now: the source's own
    pages are shut at once, these with their next sync, which is asked for here.

    Raises:
        SourceNotFoundError: there is no such source.
        CatalogError, StoreError: catalog or tables are out of reach. The audience is set, if the tables are.
    """
    if not pipeline.catalog.audiences.set(source, audience):
        raise SourceNotFoundError(f"There is no source {source}.")
    hints: list[ChangeHint] = []
    for record in pipeline.catalog.sources(source.tenant):
        if pipeline.problem_of(record):
            continue
        found = [each for each in staleness(pipeline, record).stale if each.reason in COMPARED and each.document_id]
        if len(found) > pipeline.settings.batch_documents:
            hints.append(ChangeHint(record.key.kind, record.key, what=_WHAT))
        else:
            hints += [ChangeHint(record.key.kind, record.key, each.document_id, _WHAT) for each in found]
    if hints:
        pipeline.catalog.events.record([EventBatch(source.tenant, Origin.SYNC, hints)])
    return len(hints)
