"""Lists of stale documents for those who read them page by page, worked out once as long as nothing changes."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from wiki_pipeline.catalog import SourceRecord
from wiki_pipeline.freshness.stale import StaleDocument, stale_in
from wiki_pipeline.model import SourceKey, Stage
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import SourceTables

_MOST_DOCUMENTS = 200_000  # kept at once, about 100 MB


class StaleLists:
    """The lists of a tenant's sources; safe between threads, of which one works at a time."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._kept: dict[SourceKey, tuple[object, Sequence[StaleDocument]]] = {}
        self._working = threading.Lock()

    def of(self, record: SourceRecord) -> Sequence[StaleDocument]:
        """As `stale_in`, as things are now.

        Raises:
            ConfigurationError, CatalogError, StoreError: as `stale_documents`.
        """
        with self._working:
            state = self._state(record.key)  # before the work: what changes meanwhile shows next time
            kept = self._kept.pop(record.key, None)
            if kept is None or kept[0] != state:
                kept = (state, stale_in(self._pipeline, record))
            self._kept[record.key] = kept
            while len(self._kept) > 1 and sum(len(found) for _, found in self._kept.values()) > _MOST_DOCUMENTS:
                del self._kept[next(iter(self._kept))]
            return kept[1]

    def _state(self, source: SourceKey) -> object:
        mark = self._pipeline.catalog.marks.of(source)
        # Tables change in syncs only, which the mark tells of, but for those under way.
        return mark, tuple(self._versions(key) for key in sorted({source, *mark.busy}, key=str))

    def _versions(self, source: SourceKey) -> tuple[int, ...]:
        tables = SourceTables(self._pipeline, source)
        found = (tables.table(stage).dataset() for stage in Stage)
        return tuple(0 if dataset is None else dataset.version for dataset in found)
