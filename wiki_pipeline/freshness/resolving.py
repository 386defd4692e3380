"""Events that name a document but not its source: the sources that hold it are found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from wiki_pipeline.catalog import EventRecord
from wiki_pipeline.errors import ConfigurationError, SourceError
from wiki_pipeline.model import Connection, SourceKey
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
            found, unknown = _found(pipeline, kind, events)
        except (ConfigurationError, SourceError) as error:
            found, unknown = {}, dict.fromkeys((event.event_id for event in events), error)
        for event_id, trouble in unknown.items():
            catalog.events.postpone([event_id], str(trouble), retry(pipeline.settings))
        catalog.events.resolve(found)
        resolved += len(found)
    return resolved


def _found(
    pipeline: Pipeline, kind: str, events: Sequence[EventRecord]
) -> tuple[dict[int, list[SourceKey]], dict[int, ConfigurationError | SourceError]]:
    """The sources of each event; and the events of which it can't be told, because a site does not answer."""
    ids = list(dict.fromkeys(event.document_id for event in events))
    held = pipeline.catalog.upstream.holders(pipeline.settings.tenant, kind, ids)
    located, trouble = _located(pipeline, kind, ids) if kind in kinds() else ({}, None)
    found, unknown = {}, {}
    for event in events:
        id_ = event.document_id
        sources = list(dict.fromkeys([*held.get(id_, ()), *located.get(id_, ())]))
        if trouble and id_ not in located:
            unknown[event.event_id] = trouble
        else:
            found[event.event_id] = sources
    return found, unknown


def _located(
    pipeline: Pipeline, kind: str, ids: Sequence[str]
) -> tuple[dict[str, list[SourceKey]], ConfigurationError | SourceError | None]:
    """Where the sites of all connections have documents now; and what went wrong with one of them."""
    located: dict[str, list[SourceKey]] = defaultdict(list)
    trouble: ConfigurationError | SourceError | None = None
    for connection, known in _by_connection(pipeline, kind):
        try:
            answer = signals.run(kinds()[kind].locate(ids, known, connection))
        except (ConfigurationError, SourceError) as error:
            trouble = error
            continue
        for id_, sources in answer.items():
            located[id_].extend(sources)
    return located, trouble


def _by_connection(pipeline: Pipeline, kind: str) -> list[tuple[Connection | None, dict[SourceKey, str]]]:
    groups: dict[str, tuple[Connection | None, dict[SourceKey, str]]] = {}
    for record in pipeline.catalog.sources(pipeline.settings.tenant):
        if record.key.kind == kind:
            connection = pipeline.connection_of(record)
            group = groups.setdefault(connection.name if connection else "", (connection, {}))
            group[1][record.key] = record.config
    return list(groups.values())
