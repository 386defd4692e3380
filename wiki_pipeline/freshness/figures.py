"""Freshness in figures: how long edits take to be served, how much is stale, what was given up."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wiki_pipeline.catalog import EventState
from wiki_pipeline.freshness.staleness import Reason, StaleDocument, staleness
from wiki_pipeline.sync.pipeline import Pipeline

LAG_WINDOW = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Lag:
    """Seconds from the report of a change until it was served, of so many changes."""

    changes: int
    p50: float
    p95: float
    most: float


@dataclass(frozen=True, slots=True)
class FreshnessReport:
    """How fresh a tenant's documents are.

    Attributes:
        sources: how many there are.
        stale: all stale documents, those that have been so for longest first.
        events: how many there are in each state.
        lag: of the last day; None if nothing changed.
        lags: what it is of, in seconds.
        at: when this was found out.
    """

    sources: int
    stale: Sequence[StaleDocument]
    events: dict[EventState, int]
    lag: Lag | None
    at: datetime
    lags: Sequence[float] = ()

    def age(self, document: StaleDocument) -> float:
        """Seconds that a document has been stale; 0 where that is not known."""
        return document.age(self.at) or 0.0

    @property
    def oldest(self) -> float:
        """The age of the document that has been stale for longest, in seconds; 0 if none is."""
        return max((self.age(document) for document in self.stale), default=0.0)

    @property
    def reasons(self) -> dict[Reason, int]:
        """How many documents are stale for each reason."""
        counted = Counter(document.reason for document in self.stale)
        return {reason: counted[reason] for reason in Reason}


def freshness(pipeline: Pipeline) -> FreshnessReport:
    """Look at every source of the tenant. Nothing upstream is asked.

    Raises:
        CatalogError, StoreError: they can't be read.
    """
    catalog, tenant = pipeline.catalog, pipeline.tenant
    sources = catalog.sources(tenant)
    moment = datetime.now(UTC)
    stale = [document for record in sources for document in staleness(pipeline, record).stale]
    stale.sort(key=lambda document: (document.since or moment, str(document.source), document.document_id))
    lags = [seconds for settled, seconds in catalog.events.lags(tenant) if settled > moment - LAG_WINDOW]
    return FreshnessReport(len(sources), stale, catalog.events.counts(tenant), lag_of(lags), moment, lags)


def together(reports: Sequence[FreshnessReport]) -> FreshnessReport:
    """The reports of several tenants as one: for whoever runs the installation."""
    moment = max((report.at for report in reports), default=datetime.now(UTC))
    stale = [document for report in reports for document in report.stale]
    stale.sort(key=lambda document: (document.since or moment, str(document.source), document.document_id))
    lags = [seconds for report in reports for seconds in report.lags]
    events = {state: sum(report.events[state] for report in reports) for state in EventState}
    return FreshnessReport(sum(report.sources for report in reports), stale, events, lag_of(lags), moment, lags)


def lag_of(seconds: Sequence[float]) -> Lag | None:
    """Median, 95th percentile (of the nearest rank) and maximum; None of nothing."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    p50, p95 = (ordered[math.ceil(len(ordered) * part) - 1] for part in (0.5, 0.95))
    return Lag(len(ordered), p50, p95, ordered[-1])
