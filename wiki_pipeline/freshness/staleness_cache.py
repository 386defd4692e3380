"""Staleness for those who ask often: worked out once as long as nothing changes, and at a glance while it is."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from wiki_pipeline.catalog import SourceRecord
from wiki_pipeline.freshness.left_behind import COMPARED
from wiki_pipeline.freshness.staleness import SourceStaleness, staleness, staleness_at_a_glance
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import SourceTables, lease_name

_MOST_DOCUMENTS = 200_000  # kept at once, about 100 MB
_AT_ONCE = 2_000  # documents of a source that is looked at completely while a reader waits


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was worked out, and from which state of catalog and tables."""

    state: object
    found: SourceStaleness


class _Results:
    """Results by source, those used last at the end, with a bound on the documents that they list."""

    def __init__(self) -> None:
        self._kept: OrderedDict[SourceKey, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, source: SourceKey) -> _Kept | None:
        with self._lock:
            if source in self._kept:
                self._kept.move_to_end(source)
            return self._kept.get(source)

    def put(self, source: SourceKey, kept: _Kept) -> None:
        with self._lock:
            self._kept[source] = kept
            self._kept.move_to_end(source)
            listed = sum(len(each.found.stale) for each in self._kept.values())
            while len(self._kept) > 1 and listed > _MOST_DOCUMENTS:
                listed -= len(self._kept.popitem(last=False)[1].found.stale)


class StalenessCache:
    """The staleness of a tenant's sources. Safe between threads; a source is worked out by one of them at a time.

    Args:
        background: large sources are worked out in a thread of the cache's own after a glance at them. Without, for
            a process that ends soon, a glance is all that there is of those.
    """

    def __init__(self, pipeline: Pipeline, *, background: bool = True) -> None:
        self._pipeline = pipeline
        self._complete = _Results()
        self._glances = _Results()
        self._lock = threading.Lock()  # of the two that follow
        self._working: defaultdict[SourceKey, threading.Lock] = defaultdict(threading.Lock)
        self._under_way: dict[SourceKey, Future[SourceStaleness]] = {}
        self._background = ThreadPoolExecutor(1, thread_name_prefix="staleness") if background else None

    def close(self) -> None:
        """Wait for nothing that is still being worked out."""
        if self._background is not None:
            self._background.shutdown(wait=False, cancel_futures=True)

    def of(self, record: SourceRecord) -> SourceStaleness:
        """As `staleness`, as things are now.

        Raises:
            CatalogError, StoreError: as `staleness`.
        """
        with self._lock:
            working = self._working[record.key]
        with working:
            state = self._state(record)  # before the work: what changes meanwhile shows next time
            kept = self._complete.get(record.key)
            if kept is None or kept.state != state:
                kept = _Kept(state, staleness(self._pipeline, record))
                self._complete.put(record.key, kept)
            return kept.found

    def glance(self, record: SourceRecord) -> SourceStaleness:
        """The same, without a wait for large sources: failures and events are those of now, the rest is what was last
        worked out, which goes on in the background.

        Raises:
            CatalogError, StoreError: as `staleness`.
        """
        source, state = record.key, self._state(record)
        kept = self._complete.get(source)
        if kept is not None and kept.state == state:
            return kept.found
        if self._pipeline.store.table(Stage.RAW_PAGES, source).row_count() <= _AT_ONCE:
            return self.of(record)
        self._work_out(record)
        based_on = (state, kept and kept.state)
        glanced = self._glances.get(source)
        if glanced is None or glanced.state != based_on:
            known = [document for document in kept.found.stale if document.reason in COMPARED] if kept else []
            glanced = _Kept(based_on, staleness_at_a_glance(self._pipeline, record, known))
            self._glances.put(source, glanced)
        return glanced.found

    def _work_out(self, record: SourceRecord) -> None:
        if self._background is None:
            return
        with self._lock:
            under_way = self._under_way.get(record.key)
            if under_way is None or under_way.done():
                self._under_way[record.key] = self._background.submit(self.of, record)

    def _state(self, record: SourceRecord) -> object:
        source, catalog = record.key, self._pipeline.catalog
        mark, problem = catalog.marks.of(source), self._pipeline.problem_of(record)
        if not mark.busy:  # tables change in syncs only, and the mark is another one after a sync
            return mark, problem
        is_written = source in mark.busy and catalog.is_held(lease_name(source))  # else its sync was interrupted
        return mark, problem, is_written, tuple(self._versions(key) for key in sorted({source, *mark.busy}, key=str))

    def _versions(self, source: SourceKey) -> tuple[int, ...]:
        tables = SourceTables(self._pipeline, source)
        found = (tables.table(stage).dataset() for stage in Stage)
        return tuple(0 if dataset is None else dataset.version for dataset in found)
