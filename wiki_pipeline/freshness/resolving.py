"""Events that name a document but not its source: the sources that hold it are found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from wiki_pipeline.catalog import EventRecord
from wiki_pipeline.errors import ConfigurationError, SourceError
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sources import kinds
from wiki_pipeline.sync import signals
from wiki_pipeline.sync.claim import retry
from wiki_pipeline.sync.pipeline import Pipeline

_AT_ONCE = 200


def resolve(pipeline: Pipeline) -> int:
    """Give events without a source those that are known to hold their document, and those that hold it now. Trouble
    with one kind of source postpones its events only. Returns of how many events that was found out.

    Raises:
        CatalogError: the catalog can't be used.
    """
    catalog, tenant = pipeline.catalog, pipeline.settings.tenant
    by_kind: dict[str, list[EventRecord]] = defaultdict(list)
    for event in catalog.events.unresolved(tenant, _AT_ONCE):
        by_kind[event.kind].append(event)
    resolved = 0
    for kind, events in by_kind.items():
        try:
            found = _found(pipeline, kind, events)
        except (ConfigurationError, SourceError) as error:
            catalog.events.postpone([event.event_id for event in events], str(error), retry(pipeline.settings))
            continue
        catalog.events.resolve(found)
        resolved += len(found)
    return resolved


def _found(pipeline: Pipeline, kind: str, events: Sequence[EventRecord]) -> dict[int, list[SourceKey]]:
    tenant = pipeline.settings.tenant
    ids = list(dict.fromkeys(event.document_id for event in events))
    held = pipeline.catalog.upstream.holders(tenant, kind, ids)
    known = {r.key: r.config for r in pipeline.catalog.sources(tenant) if r.key.kind == kind}
    located = signals.run_interruptibly(kinds()[kind].locate(ids, known)) if kind in kinds() else {}
    return {
        event.event_id: list(dict.fromkeys([*held.get(event.document_id, ()), *located.get(event.document_id, ())]))
        for event in events
    }
