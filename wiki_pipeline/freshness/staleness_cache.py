"""Staleness for those who ask often: worked out once as long as nothing changes, and at a glance while it is."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from wiki_pipeline.catalog import SourceRecord
from wiki_pipeline.freshness.staleness import Reason, SourceStaleness, StaleDocument, staleness, staleness_at_a_glance
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import SourceTables

_MOST_DOCUMENTS = 200_000  # kept at once, about 100 MB
_AT_ONCE = 2_000  # documents of a source that is looked at completely while somebody waits


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was worked out, and from which state of catalog and tables."""

    state: object
    found: SourceStaleness


class StalenessCache:
    """The staleness of a tenant's sources; safe between threads, of which one works at a time."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._kept: dict[SourceKey, _Kept] = {}
        self._glances: dict[SourceKey, _Kept] = {}
        self._working = threading.Lock()
        self._background = ThreadPoolExecutor(max_workers=1, thread_name_prefix="staleness")
        self._under_way: dict[SourceKey, Future[SourceStaleness]] = {}

    def close(self) -> None:
        """Wait for nothing that is still being worked out."""
        self._background.shutdown(wait=False, cancel_futures=True)

    def of(self, record: SourceRecord) -> SourceStaleness:
        """As `staleness`, as things are now.

        Raises:
            CatalogError, StoreError: as `staleness`.
        """
        with self._working:
            state = self._state(record.key)  # before the work: what changes meanwhile shows next time
            kept = self._kept.pop(record.key, None)
            if kept is None or kept.state != state:
                kept = _Kept(state, staleness(self._pipeline, record))
            self._kept[record.key] = kept
            while len(self._kept) > 1 and sum(len(each.found.stale) for each in self._kept.values()) > _MOST_DOCUMENTS:
                del self._kept[next(iter(self._kept))]
            return kept.found

    def glance(self, record: SourceRecord) -> SourceStaleness:
        """The same, without a wait for large sources: failures and events are those of now, the rest is what was last
        worked out, which goes on in the background.

        Raises:
            CatalogError, StoreError: as `staleness`.
        """
        state = self._state(record.key)
        kept = self._kept.get(record.key)
        if kept is not None and kept.state == state:
            return kept.found
        if self._pipeline.store.table(Stage.RAW_PAGES, record.key).row_count() <= _AT_ONCE:
            return self.of(record)
        self._work_out(record)
        glanced = self._glances.get(record.key)
        if glanced is None or glanced.state != (state, kept and kept.state):
            known = [document for document in kept.found.stale if _is_compared(document)] if kept else []
            glanced = _Kept((state, kept and kept.state), staleness_at_a_glance(self._pipeline, record, known))
            self._glances[record.key] = glanced
        return glanced.found

    def _work_out(self, record: SourceRecord) -> None:
        under_way = self._under_way.get(record.key)
        if under_way is None or under_way.done():
            self._under_way[record.key] = self._background.submit(self.of, record)

    def _state(self, source: SourceKey) -> object:
        mark = self._pipeline.catalog.marks.of(source)
        # Tables change in syncs only, which the mark tells of, but for those under way.
        return mark, tuple(self._versions(key) for key in sorted({source, *mark.busy}, key=str))

    def _versions(self, source: SourceKey) -> tuple[int, ...]:
        tables = SourceTables(self._pipeline, source)
        found = (tables.table(stage).dataset() for stage in Stage)
        return tuple(0 if dataset is None else dataset.version for dataset in found)


def _is_compared(document: StaleDocument) -> bool:
    """Whether a document was found stale by comparing tables, rather than by a failure, an event or a listing."""
    return document.reason in {Reason.DEPENDENCY_CHANGED, Reason.STAGE_BEHIND}
