"""The page level: which documents are behind, since when and why, as an asset with its check."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dagster as dg

from wiki_pipeline.catalog import EventState
from wiki_pipeline.defs.links import source_links
from wiki_pipeline.defs.resources import PipelineResource, people_can_read_errors
from wiki_pipeline.freshness import FreshnessReport, StaleDocument, freshness
from wiki_pipeline.freshness.settings import FreshnessSettings
from wiki_pipeline.settings import load
from wiki_pipeline.sync.pipeline import Pipeline

KEY = dg.AssetKey("stale_documents")
CHECK = "documents_fresh"
_ROWS = 500  # of a table in the metadata
_STALEST = 25
_COLUMNS = ["source", "document", "reason", "behind for", "upstream", "served", "detail", "link"]
_SCHEMA = dg.TableSchema([dg.TableColumn(name) for name in _COLUMNS])


@dg.asset(
    key=KEY,
    group_name="pipeline",  # see stage_asset
    kinds={"table"},
    owners=["team:data-platform"],
    description="Every document that is served behind its source: why, since when, and which versions. Refreshed "
    "every few minutes by the sensor freshness_report and after each poll; its numbers are plotted over time (Plots).",
    check_specs=[
        dg.AssetCheckSpec(
            CHECK,
            asset=KEY,
            description="No document is stale for longer than WIKI_PIPELINE_STALE_WARN_SECONDS (a warning) or "
            "WIKI_PIPELINE_STALE_ERROR_SECONDS (an error). Shows the stalest.",
        )
    ],
)
def stale_documents(pipeline: PipelineResource) -> dg.MaterializeResult:
    with people_can_read_errors():
        opened = pipeline.pipeline()
        found = freshness(opened)
        return dg.MaterializeResult(metadata=figures(opened, found), check_results=[check(opened, found)])


def materialization(opened: Pipeline, found: FreshnessReport) -> dg.AssetMaterialization:
    """The asset as an event of its own, where no step makes it."""
    return dg.AssetMaterialization(KEY, metadata=figures(opened, found))


def evaluation(opened: Pipeline, found: FreshnessReport) -> dg.AssetCheckEvaluation:
    """The check as an event of its own, where no step makes it."""
    result = check(opened, found)
    return dg.AssetCheckEvaluation(
        asset_key=KEY,
        check_name=CHECK,
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
    )


def figures(opened: Pipeline, found: FreshnessReport) -> dict[str, Any]:
    """What Dagster plots over time, and the whole table."""
    lag = found.lag
    plotted: dict[str, Any] = {
        "stale documents": len(found.stale),
        "longest stale (s)": round(found.oldest, 1),
        **{f"stale: {reason}": number for reason, number in found.reasons.items()},
        "sources": found.sources,
        "waiting events": sum(found.events[s] for s in (EventState.PENDING, EventState.CLAIMED, EventState.FAILED)),
        "dead events": found.events[EventState.DEAD],
        "changes in a day": lag.changes if lag else 0,
    }
    if lag:
        plotted |= {
            "lag p50 (s)": round(lag.p50, 3),
            "lag p95 (s)": round(lag.p95, 3),
            "lag max (s)": round(lag.most, 3),
        }
    return {**plotted, "dagster/row_count": len(found.stale), "documents": _table(opened, found, _ROWS)}


def check(opened: Pipeline, found: FreshnessReport) -> dg.AssetCheckResult:
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
            "stalest": _table(opened, found, _STALEST),
        },
    )


def _table(opened: Pipeline, found: FreshnessReport, most: int) -> dg.MetadataValue[Any]:
    links = {str(key): link for key, link in source_links(opened)}
    records = [_record(document, found, links) for document in found.stale[:most]]
    if not records:
        return dg.MetadataValue.text("None.")
    return dg.MetadataValue.table(records, _SCHEMA)


def _record(document: StaleDocument, found: FreshnessReport, links: dict[str, str]) -> dg.TableRecord:
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
