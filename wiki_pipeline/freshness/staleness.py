"""Which documents are stale: served behind what is upstream, since when, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import chain

from wiki_pipeline.catalog import COMPLETED, EventRecord, EventState, FailureRecord, SourceRecord, SyncStatus
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.stages import STAGES
from wiki_pipeline.sync.dependents import dependents_behind
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import SourceTables, lease_name


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
        document_id: empty for a source that changed or was never synced, where the documents are not known.
        title: the id where nothing better is known.
        since: since when it is known to be behind; None where that was not recorded.
        upstream_version: its version upstream, where that was reported.
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

    def age(self, at: datetime) -> float | None:
        """Seconds that it has been behind at a moment; None where it is not known since when."""
        return None if self.since is None else max(0.0, (at - self.since).total_seconds())


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


_ORDER = list(Reason)
_TITLES = 5
_INTERRUPTED = "The last sync was interrupted. The next one goes on where it stopped."


class Condition(StrEnum):
    """How a source as a whole stands to what is upstream."""

    FRESH = "fresh"
    STALE = "stale"
    FAILED = "failed"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class SourceStaleness:
    """How a source and its documents stand to what is upstream, as far as that is known here.

    Attributes:
        condition: `FAILED` if the source can't be opened or its last sync failed; else `NEVER` until a sync completed;
            `STALE` if a document is.
        syncing: a sync is under way.
        synced_at: when the last sync that completed ended.
        problem: why the source can't be opened, or why its last sync failed; empty if neither is so.
        stale: stale documents, each once, those that have been so for longest first. A source that can't be opened is
            one more line, for it as a whole. Before a first sync completed that is all that there may be.
    """

    condition: Condition
    syncing: bool = False
    synced_at: datetime | None = None
    problem: str = ""
    stale: tuple[StaleDocument, ...] = ()
    _by_id: dict[str, StaleDocument] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {document.document_id: document for document in self.stale})

    def of(self, document_id: str) -> StaleDocument | None:
        """How a document is stale, or the whole source where it is not known what changed. None: it is not."""
        return self._by_id.get(document_id) or self._by_id.get("")


def staleness(pipeline: Pipeline, record: SourceRecord) -> SourceStaleness:
    """How a source and its documents stand. Everything that shows freshness, anywhere, asks this.

    Nothing upstream is asked: what a listing, poll, sync or webhook last said of the source counts.

    Raises:
        CatalogError, StoreError: they can't be read.
    """
    history = _History.of(pipeline, record)
    if not history.completed:
        return history.before_first_sync(record)
    served = _served(pipeline, record.key)
    found = chain(history.as_a_whole(), _all(pipeline, record.key, served))
    return history.staleness(_listed(record.key, found, served))


def staleness_at_a_glance(pipeline: Pipeline, record: SourceRecord, known: Sequence[StaleDocument]) -> SourceStaleness:
    """As `staleness`, but only failures and events are read; for the rest, what was found before holds.

    Costs some queries of the catalog and a look at the documents that they name, however large the source is.

    Args:
        known: stale documents by stages and dependencies, from an earlier `staleness`.
    """
    history = _History.of(pipeline, record)
    if not history.completed:
        return history.before_first_sync(record)
    failures = pipeline.catalog.failures(record.key)
    events = pipeline.catalog.events.unsettled(record.key)
    ids = {failure.parent_id or failure.document_id for failure in failures} | {event.document_id for event in events}
    served = _served(pipeline, record.key, sorted(ids - {""}))
    found = {document.document_id: document for document in known}
    reported = [*history.as_a_whole(), *_by_failures(failures), *_by_events(events, served)]
    found |= {document.document_id: document for document in _listed(record.key, reported, served)}
    return history.staleness(sorted(found.values(), key=_longest_first))


def stale_documents(pipeline: Pipeline, source: SourceKey) -> list[StaleDocument]:
    """The source's stale documents, each once, those that have been so for longest first.

    Raises:
        CatalogError, StoreError: as `staleness`.
    """
    record = pipeline.catalog.source(source)
    return [] if record is None else list(staleness(pipeline, record).stale)


@dataclass(frozen=True, slots=True)
class _History:
    """What the source's syncs tell of how it stands.

    Attributes:
        began: a sync ever did.
        completed: one ever ended well.
        unusable: why the source can't be opened; empty if it can.
        problem: that, or why the last sync failed.
    """

    began: bool
    completed: bool
    syncing: bool
    synced_at: datetime | None
    unusable: str
    problem: str

    @classmethod
    def of(cls, pipeline: Pipeline, record: SourceRecord) -> _History:
        source, unusable = record.key, pipeline.problem_of(record)
        syncs = pipeline.catalog.syncs(source, 2)
        # Without its lease a sync that is "running" was interrupted.
        syncing = bool(syncs) and syncs[0].status is SyncStatus.RUNNING and pipeline.catalog.is_held(lease_name(source))
        ended = next(iter(syncs[1:] if syncing else syncs), None)
        completed = pipeline.catalog.last_completed_sync(source)
        problem = unusable
        if not problem and ended is not None and ended.status not in COMPLETED:
            problem = ended.error_message or _INTERRUPTED
        synced_at = completed.finished if completed else None
        return cls(bool(syncs), completed is not None, syncing, synced_at, unusable, problem)

    def before_first_sync(self, record: SourceRecord) -> SourceStaleness:
        """The source is behind as a whole, unless its first sync is under way. Its documents don't count one by one."""
        if self.syncing:
            return self.staleness(())
        what = "Its first sync did not complete." if self.began else "It was never synced."
        detail = f"{what} {self.problem}".strip()
        return self.staleness([_stale(record.key, "", _Found(Reason.NEVER_SYNCED, record.added_at, detail), None)])

    def as_a_whole(self) -> Iterator[tuple[str, _Found]]:
        """That the source can't be opened: what changed since its last sync is not known."""
        if self.unusable:
            yield "", _Found(Reason.FAILED, self.synced_at, self.unusable)

    def staleness(self, stale: Sequence[StaleDocument]) -> SourceStaleness:
        if self.problem:
            condition = Condition.FAILED
        elif not self.completed:
            condition = Condition.NEVER
        else:
            condition = Condition.STALE if stale else Condition.FRESH
        return SourceStaleness(condition, self.syncing, self.synced_at, self.problem, tuple(stale))


def _listed(
    source: SourceKey, found: Iterable[tuple[str, _Found]], served: Mapping[str, _Served]
) -> list[StaleDocument]:
    """Each document once, by the first of its reasons, since the first time that it was found for it."""
    first: dict[str, _Found] = {}
    for document_id, one in found:
        before = first.get(document_id)
        if before is None or _ORDER.index(one.reason) < _ORDER.index(before.reason):
            first[document_id] = one
        elif one.reason is before.reason:
            since = min(filter(None, (before.since, one.since)), default=None)
            first[document_id] = replace(before, since=since)
    stale = (_stale(source, document_id, one, served.get(document_id)) for document_id, one in first.items())
    return sorted(stale, key=_longest_first)


def _longest_first(document: StaleDocument) -> tuple[bool, float, str]:
    since = document.since
    return since is None, since.timestamp() if since else 0.0, document.document_id


def _all(pipeline: Pipeline, source: SourceKey, served: Mapping[str, _Served]) -> Iterator[tuple[str, _Found]]:
    yield from _by_failures(pipeline.catalog.failures(source))
    yield from _by_events(pipeline.catalog.events.unsettled(source), served)
    yield from _by_listing(pipeline, source, served)
    yield from _by_dependencies(pipeline, source)
    yield from _by_stages(pipeline, source)


def _by_failures(failures: Iterable[FailureRecord]) -> Iterator[tuple[str, _Found]]:
    """What a stage failed on; of an attachment, the document that shows it."""
    for failure in failures:
        detail = f"{failure.stage}: {failure.message}"
        found = _Found(Reason.FAILED, failure.first_failed_at, detail, title=failure.title)
        yield failure.parent_id or failure.document_id, found


def _by_listing(pipeline: Pipeline, source: SourceKey, served: Mapping[str, _Served]) -> Iterator[tuple[str, _Found]]:
    """What the source was last seen to hold, against the rows of `raw_pages`."""
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
    """What was reported as changed and is not applied yet; since the first event of each document."""
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
        told = []
        if titles := ", ".join(sorted({f"“{each.title}”" for each in page.changed})):
            told.append(f"It includes {titles}, which changed.")
        if names := ", ".join(page.names):
            told.append(f"It names documents of {names}, to which such names did not lead before.")
        yield page.document_id, _Found(Reason.DEPENDENCY_CHANGED, page.since, " ".join(told))


def _by_stages(pipeline: Pipeline, source: SourceKey) -> Iterator[tuple[str, _Found]]:
    """Rows that an earlier stage, the code or a setting has left behind."""
    tables = SourceTables(pipeline, source)
    last = next(iter(pipeline.catalog.syncs(source, limit=1)), None)
    since = last.finished or last.started if last else None
    for declared in STAGES:
        if declared.inputs is None:
            continue
        stage = declared.stage
        inputs = declared.inputs(tables)
        plan = inputs.behind(tables.table(stage), stage)
        behind = [*plan.todo.to_pylist(), *plan.deleted.to_pylist()]
        for document_id, change in (inputs.shown(behind) if inputs.shown and behind else {}).items():
            titles = ", ".join(f"“{title}”" for title in change.titles[:_TITLES])
            detail = (
                f"It shows {titles or 'a document'}{', and others' * (len(change.titles) > _TITLES)}, which changed."
            )
            yield document_id, _Found(Reason.DEPENDENCY_CHANGED, change.since or since, detail)
        if behind and (column := declared.document_id) != "document_id":
            behind = tables.table(stage).read(behind, [column])[column].to_pylist()
        for document_id in behind:
            yield document_id, _Found(Reason.STAGE_BEHIND, since, f"{stage} is behind the stage before it.")


def _served(pipeline: Pipeline, source: SourceKey, ids: Sequence[str] | None = None) -> dict[str, _Served]:
    """What is served of the source's documents, of all or of some."""
    columns = ["document_id", "title", "url", "version", "version_key"]
    table = pipeline.store.table(Stage.RAW_PAGES, source)
    batches = table.batches(columns) if ids is None else [table.read(ids, columns)]
    served = {}
    for batch in batches:
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
