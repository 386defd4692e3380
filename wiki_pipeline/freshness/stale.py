"""Which documents are served behind what is upstream, since when, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wiki_pipeline.catalog import EventRecord, EventState, SourceRecord, SyncStatus
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.stages import attachments, chunks, clean_pages, vectors, wiki_pages
from wiki_pipeline.sync.dependents import dependents_behind
from wiki_pipeline.sync.drivers import Inputs
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import SourceTables


class Reason(StrEnum):
    """Why a document is stale; of several reasons that hold for one, the first of these is given."""

    FAILED = "failed"
    NEVER_SYNCED = "never_synced"
    UPSTREAM_NEWER = "upstream_newer"
    DEPENDENCY_CHANGED = "dependency_changed"
    STAGE_BEHIND = "stage_behind"


@dataclass(frozen=True, slots=True)
class StaleDocument:
    """A document whose served state is behind.

    Attributes:
        document_id: empty for a source of which something changed, but not known what.
        title: the id where nothing better is known.
        since: since when it is known to be behind; None where that was not taken down.
        upstream_version: its version upstream, where that was told.
        served_version: what is served; empty if nothing is.
        detail: for people: the error, the event, the stage.
    """

    source: SourceKey
    document_id: str
    title: str
    url: str
    reason: Reason
    since: datetime | None
    upstream_version: str
    served_version: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Found:
    """That a document is behind, and how that shows."""

    reason: Reason
    since: datetime | None
    detail: str
    upstream_version: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class _Served:
    title: str
    url: str
    version: str
    version_key: str


_DERIVED: Mapping[Stage, Callable[[SourceTables], Inputs]] = {
    Stage.CLEAN_PAGES: clean_pages.inputs,
    Stage.ATTACHMENTS: attachments.inputs,
    Stage.CHUNKS: chunks.inputs,
    Stage.VECTORS: vectors.inputs,
    Stage.WIKI_PAGES: wiki_pages.inputs,
}
_ORDER = list(Reason)
_ENDED_WELL = {SyncStatus.COMPLETED, SyncStatus.COMPLETED_WITH_ERRORS}


def stale_documents(pipeline: Pipeline, source: SourceKey) -> list[StaleDocument]:
    """The source's stale documents, each once, those that have been so for longest first.

    Nothing upstream is asked: what the source said last counts, by listing, poll, sync or webhook.

    Raises:
        ConfigurationError: there is no such source.
        CatalogError, StoreError: they can't be read.
    """
    served = _served(pipeline, source)
    found: dict[str, _Found] = {}
    for document_id, one in _all(pipeline, source, served):
        before = found.get(document_id)
        if before is None or _ORDER.index(one.reason) < _ORDER.index(before.reason):
            found[document_id] = one
    stale = [_stale(source, document_id, one, served.get(document_id)) for document_id, one in found.items()]
    return sorted(stale, key=lambda s: (s.since is None, s.since.timestamp() if s.since else 0.0, s.document_id))


def stale_in(pipeline: Pipeline, record: SourceRecord) -> list[StaleDocument]:
    """As `stale_documents`, and of a source that was never synced and of which nothing is known, that it is so."""
    stale = stale_documents(pipeline, record.key)
    if stale or any(sync.status in _ENDED_WELL for sync in pipeline.catalog.syncs(record.key)):
        return stale
    never = _Found(Reason.NEVER_SYNCED, record.added_at, "It was never synced.")
    return [_stale(record.key, "", never, None)]


def _all(pipeline: Pipeline, source: SourceKey, served: Mapping[str, _Served]) -> Iterator[tuple[str, _Found]]:
    for failure in pipeline.catalog.failures(source):
        detail = f"{failure.stage}: {failure.message}"
        yield (
            failure.parent_id or failure.document_id,
            _Found(Reason.FAILED, failure.first_failed_at, detail, title=failure.title),
        )
    yield from _by_listing(pipeline, source, served)
    yield from _by_events(pipeline.catalog.events.unsettled(source), served)
    yield from _by_dependencies(pipeline, source)
    yield from _by_stages(pipeline, source)


def _by_listing(pipeline: Pipeline, source: SourceKey, served: Mapping[str, _Served]) -> Iterator[tuple[str, _Found]]:
    """What the source said last that it holds, against the rows of `raw_pages`."""
    observation = pipeline.catalog.upstream.observation(source)
    if observation is None:
        return
    upstream = {document.document_id: document for document in pipeline.catalog.upstream.documents(source)}
    for document_id, document in upstream.items():
        here = served.get(document_id)
        if here is None:
            yield (
                document_id,
                _Found(Reason.NEVER_SYNCED, document.changed_at, "It was listed, but never brought over."),
            )
        elif here.version_key != document.version_key:
            yield document_id, _Found(Reason.UPSTREAM_NEWER, document.changed_at, "It was listed in another version.")
    if observation.listed_at is not None:
        for document_id in served.keys() - upstream.keys():
            yield document_id, _Found(Reason.UPSTREAM_NEWER, observation.listed_at, "It is gone upstream.")


def _by_events(events: Iterable[EventRecord], served: Mapping[str, _Served]) -> Iterator[tuple[str, _Found]]:
    """What was said to have changed and was not looked at since; the first event of a document tells since when."""
    first: dict[str, EventRecord] = {}
    for event in events:
        first.setdefault(event.document_id, event)
    for document_id, event in first.items():
        dead = f" It was given up after {event.attempts} attempts." if event.state is EventState.DEAD else ""
        detail = f"{event.what} ({event.origin}) was not applied yet.{dead} {event.reason}".strip()
        reason = Reason.UPSTREAM_NEWER if document_id in served or not document_id else Reason.NEVER_SYNCED
        yield document_id, _Found(reason, event.received_at, detail, event.version)


def _by_dependencies(pipeline: Pipeline, source: SourceKey) -> Iterator[tuple[str, _Found]]:
    """Pages that show pages which have changed since, of this source or of others."""
    for page in dependents_behind(pipeline, source):
        titles = ", ".join(sorted({f"“{each.title}”" for each in page.changed}))
        yield page.document_id, _Found(Reason.DEPENDENCY_CHANGED, page.since, f"It includes {titles}, which changed.")


def _by_stages(pipeline: Pipeline, source: SourceKey) -> Iterator[tuple[str, _Found]]:
    """Rows that an earlier stage, the code or a setting has left behind."""
    tables = SourceTables(pipeline, source)
    last = next(iter(pipeline.catalog.syncs(source, limit=1)), None)
    since = last.finished or last.started if last else None
    for stage, inputs in _DERIVED.items():
        plan = inputs(tables).behind(tables.table(stage), stage)
        behind = [*plan.todo.to_pylist(), *plan.deleted.to_pylist()]
        if behind and stage is Stage.ATTACHMENTS:
            behind = tables.table(stage).read(behind, ["parent_id"])["parent_id"].to_pylist()
        for document_id in behind:
            yield document_id, _Found(Reason.STAGE_BEHIND, since, f"{stage} is behind the stage before it.")


def _served(pipeline: Pipeline, source: SourceKey) -> dict[str, _Served]:
    columns = ["document_id", "title", "url", "version", "version_key"]
    served = {}
    for batch in pipeline.store.table(Stage.RAW_PAGES, source).batches(columns):
        for row in batch.to_pylist():
            document_id = row.pop("document_id")
            served[document_id] = _Served(**row)
    return served


def _stale(source: SourceKey, document_id: str, found: _Found, served: _Served | None) -> StaleDocument:
    return StaleDocument(
        source=source,
        document_id=document_id,
        title=served.title if served else found.title or document_id or "The whole source",
        url=served.url if served else "",
        reason=found.reason,
        since=found.since,
        upstream_version=found.upstream_version,
        served_version=served.version if served else "",
        detail=found.detail,
    )
