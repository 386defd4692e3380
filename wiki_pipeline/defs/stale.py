"""The report of stale documents: what `stale_documents` and its check show, whoever refreshes them.

A run of the asset refreshes them, the sensor `freshness_report` as time passes, each poll, and each sync at its end.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import dagster as dg

from wiki_pipeline.catalog import EventState
from wiki_pipeline.defs import sources
from wiki_pipeline.defs.report import source_links
from wiki_pipeline.freshness import FreshnessReport, StaleDocument, follow, freshness, together
from wiki_pipeline.freshness.settings import FreshnessSettings
from wiki_pipeline.settings import load
from wiki_pipeline.stages import STAGES
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.sync.session import Sync

KEY = dg.AssetKey("stale_documents")
CHECK = "documents_fresh"
CODE_VERSION = "1"
COMPARED = (sources.KEY, *(dg.AssetKey(str(declared.stage)) for declared in STAGES))
"""The assets whose state is compared."""
_ROWS = 500  # of a table in the metadata
_STALEST = 25
_COLUMNS = ["source", "document", "reason", "behind for", "upstream", "served", "detail", "link"]
SCHEMA = dg.TableSchema([dg.TableColumn(name) for name in _COLUMNS])
_BY_SOURCE, _SECONDS = "stale by source", "seconds to count"
# Counting looks at every document: where that takes long, syncs that end close together share one count.
_CHEAP_SECONDS = 2.0
_SHARE_OF_TIME = 10

check_spec = dg.AssetCheckSpec(
    CHECK,
    asset=KEY,
    description="No document has been stale for longer than WIKI_PIPELINE_STALE_WARN_SECONDS (a warning) or "
    "WIKI_PIPELINE_STALE_ERROR_SECONDS (an error). Shows those that have been so for longest.",
)


def result(opened: Pipeline) -> dg.MaterializeResult[None]:
    """The report as the asset's step returns it.

    Raises:
        CatalogError, StoreError: they can't be read.
    """
    metadata, check, _ = _count(opened)
    return dg.MaterializeResult(metadata=metadata, check_results=[check])


def events(instance: dg.DagsterInstance, opened: Pipeline) -> tuple[dg.AssetMaterialization, dg.AssetCheckEvaluation]:
    """The report as events of its own, where no step of the asset runs.

    Raises:
        CatalogError, StoreError: they can't be read.
    """
    return _events(instance, opened)[0]


def _events(
    instance: dg.DagsterInstance, opened: Pipeline
) -> tuple[tuple[dg.AssetMaterialization, dg.AssetCheckEvaluation], FreshnessReport]:
    tags = _made_of(instance)  # before the count: what happens meanwhile makes the report out of date
    metadata, check, found = _count(opened)
    shown = (
        dg.AssetMaterialization(KEY, metadata=metadata, tags=tags),
        dg.AssetCheckEvaluation(
            asset_key=KEY,
            check_name=CHECK,
            passed=check.passed,
            severity=check.severity,
            description=check.description,
            metadata=check.metadata,
        ),
    )
    return shown, found


def refresh(instance: dg.DagsterInstance, opened: Pipeline) -> FreshnessReport:
    """Count now, and have Dagster show it. Returns what was counted.

    Raises:
        CatalogError, StoreError: they can't be read.
    """
    shown, found = _events(instance, opened)
    for event in shown:
        instance.report_runless_asset_event(event)
    return found


def refresh_after(instance: dg.DagsterInstance, sync: Sync) -> bool:
    """Refresh the report after a sync, and have other sources follow what it changed. Returns whether it did.

    A report that shows the source as stale is always counted anew. One that shows it as fresh stays where the sync
    changed nothing, and where counting is expensive: the last count took more than two seconds and more than a tenth of
    the time since. Then the sensor refreshes it a little later.

    Raises:
        CatalogError, StoreError: they can't be read.
    """
    last = instance.get_latest_materialization_event(KEY)
    if last is not None and last.asset_materialization is not None:
        shown = {name: value.value for name, value in last.asset_materialization.metadata.items()}
        by_source, seconds = shown.get(_BY_SOURCE), shown.get(_SECONDS)
        shown_fresh = isinstance(by_source, Mapping) and by_source.get(str(sync.source)) == 0
        is_same = sync.error is None and not any(report.commits or report.failed for report in sync.reports)
        seconds = seconds if isinstance(seconds, float) else 0.0
        is_expensive = seconds > _CHEAP_SECONDS and 0 <= time.time() - last.timestamp < _SHARE_OF_TIME * seconds
        if shown_fresh and (is_same or is_expensive):
            return False
    follow(sync.pipeline, refresh(instance, sync.pipeline).stale, sync.source)
    return True


def _made_of(instance: dg.DagsterInstance) -> dict[str, str]:
    """Tags by which Dagster knows what a report saw of the assets that it compares, and when it is out of date.

    Without them it goes by time, and a sync that changed nothing would make the report out of date.
    """
    tags = {"dagster/code_version": CODE_VERSION}
    for key in COMPARED:
        fetch = instance.fetch_observations if key == sources.KEY else instance.fetch_materializations
        latest = fetch(key, limit=1).records
        name = key.to_user_string()
        tags[f"dagster/input_event_pointer/{name}"] = str(latest[0].storage_id) if latest else "NULL"
        tags[f"dagster/input_data_version/{name}"] = "partitions"  # each partition has its own, found by the pointer
    return tags


def _count(opened: Pipeline) -> tuple[dict[str, Any], dg.AssetCheckResult, FreshnessReport]:
    began = time.perf_counter()
    found = together([freshness(each) for each in opened.each()])
    links = {str(key): link for key, link in source_links(opened)}
    counts = Counter(str(document.source) for document in found.stale)
    metadata = {
        **_figures(found),
        _BY_SOURCE: dg.MetadataValue.json({key: counts[key] for key in links}),
        "documents": _table(found, links, _ROWS),
        _SECONDS: round(time.perf_counter() - began, 3),
    }
    return metadata, _check(opened, found, links), found


def _figures(found: FreshnessReport) -> dict[str, Any]:
    """What Dagster plots over time."""
    lag = found.lag
    plotted: dict[str, Any] = {
        "stale documents": len(found.stale),
        "longest stale (s)": round(found.oldest, 1),
        **{f"stale: {reason}": number for reason, number in found.reasons.items()},
        "sources": found.sources,
        "waiting events": sum(found.events[s] for s in (EventState.PENDING, EventState.CLAIMED, EventState.FAILED)),
        "dead events": found.events[EventState.DEAD],
        "changes in a day": lag.changes if lag else 0,
        "dagster/row_count": len(found.stale),
    }
    if lag:
        plotted |= {
            "lag p50 (s)": round(lag.p50, 3),
            "lag p95 (s)": round(lag.p95, 3),
            "lag max (s)": round(lag.most, 3),
        }
    return plotted


def _check(opened: Pipeline, found: FreshnessReport, links: Mapping[str, str]) -> dg.AssetCheckResult:
    """Whether a document has been stale for too long."""
    settings, oldest = load(FreshnessSettings), found.oldest
    is_error, is_warning = oldest > settings.stale_error_seconds, oldest > settings.stale_warn_seconds
    if not found.stale:
        said = f"All documents of {found.sources} sources are fresh."
    else:
        said = f"{len(found.stale)} documents are stale, the first of them for {_duration(oldest)}."
    return dg.AssetCheckResult(
        passed=not is_warning and not is_error,
        check_name=CHECK,
        asset_key=KEY,
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        description=said,
        metadata={
            "stale": len(found.stale),
            "dead events": found.events[EventState.DEAD],
            "stalest": _table(found, links, _STALEST),
        },
    )


def _table(found: FreshnessReport, links: Mapping[str, str], most: int) -> dg.MetadataValue[Any]:
    records = [_record(document, found, links) for document in found.stale[:most]]
    if not records:
        return dg.MetadataValue.text("None.")
    return dg.MetadataValue.table(records, SCHEMA)


def _record(document: StaleDocument, found: FreshnessReport, links: Mapping[str, str]) -> dg.TableRecord:
    key = str(document.source)
    return dg.TableRecord(
        {
            "source": key,
            "document": document.title,
            "reason": document.reason.value,
            "behind for": _duration(found.age(document)) if document.since else "unknown",
            "upstream": document.upstream_version,
            "served": document.served_version,
            "detail": document.detail,
            "link": document.url or links.get(key, ""),
        }
    )


def _duration(seconds: float) -> str:
    """As people say it: "3 d 4 h", "12 min", "40 s"."""
    whole = timedelta(seconds=int(seconds))
    hours, minutes = divmod(whole.seconds // 60, 60)
    if whole.days:
        return f"{whole.days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{whole.seconds} s"
