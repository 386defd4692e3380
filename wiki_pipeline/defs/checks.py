"""Asset checks: what Dagster shows in yellow or red on a node of the graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.defs.settings import DagsterSettings
from wiki_pipeline.model import SourceKey, Stage, StageReport
from wiki_pipeline.settings import load
from wiki_pipeline.sync.session import Sync
from wiki_pipeline.sync.stage import DeclaredStage, StageCheck

NAME = "all_documents_processed"
_SHOWN = 100


def specs(declared: DeclaredStage) -> list[dg.AssetCheckSpec]:
    """The checks of a stage's asset."""
    all_documents_processed = dg.AssetCheckSpec(
        NAME,
        asset=str(declared.stage),
        description="Every document of every source was processed. One that failed keeps its old rows, is named here "
        "with its source, and is tried again by the next sync.",
    )
    return [
        all_documents_processed,
        *(dg.AssetCheckSpec(c.name, asset=str(declared.stage), description=c.description) for c in declared.checks),
    ]


def checked(declared: DeclaredStage, sync: Sync, report: StageReport) -> list[dg.AssetCheckResult]:
    """Their results after a stage's run for one source. They hold for all sources of all tenants: Dagster shows the
    last result of a check, whichever partition it came from, so that one source's pass would hide another's failure."""
    return [_documents_checked(sync, report), *(_checked(check, sync, report) for check in declared.checks)]


def _documents_checked(sync: Sync, report: StageReport) -> dg.AssetCheckResult:
    catalog = sync.pipeline.catalog
    records = [record for tenant in catalog.tenancy.active() for record in catalog.failing(tenant, report.stage)]
    counts = Counter(record.source for record in records)
    counts[report.source] = max(report.failed, counts[report.source])
    records.sort(key=lambda record: record.source != report.source)
    rows = [
        {"source": str(r.source), "document": r.document_id, "title": r.title, "problem": r.message} for r in records
    ]
    return _result(
        report,
        NAME,
        counts,
        f"documents failed in {report.stage}; they keep their old rows",
        "All documents of all sources were processed.",
        rows[:_SHOWN],
    )


def _checked(check: StageCheck, sync: Sync, report: StageReport) -> dg.AssetCheckResult:
    catalog = sync.pipeline.catalog
    counts = Counter({report.source: check.count(report)})
    for record in (record for tenant in catalog.tenancy.active() for record in catalog.sources(tenant)):
        if record.key != report.source:
            last = _last_report(catalog, record.key, report.stage)
            counts[record.key] = check.count(last) if last else 0
    documents = [{"source": str(report.source), **row} for row in check.documents(report)]
    return _result(report, check.name, counts, check.problem, check.passed, documents[:_SHOWN])


def _last_report(catalog: Catalog, source: SourceKey, stage: Stage) -> StageReport | None:
    """What the stage reported when it last ran for a source."""
    reports = (report for sync in catalog.syncs(source) for report in sync.reports)
    return next((report for report in reports if report.stage == stage), None)


def _result(
    report: StageReport,
    name: str,
    counts: Mapping[SourceKey, int],
    problem: str,
    passed: str,
    documents: Sequence[Mapping[str, str]],
) -> dg.AssetCheckResult:
    """A check that passes where no source has such documents; otherwise a warning with tables of sources and documents.

    Args:
        counts: of such documents, by source.
        problem: what happened to them, after their number.
        passed: what is said if there are none.
        documents: the first of them.
    """
    having = {str(key): count for key, count in sorted(counts.items(), key=lambda item: str(item[0])) if count}
    total = sum(having.values())
    tables: dict[str, Any] = {}
    if having:
        by_source = [dg.TableRecord({"source": source, "documents": count}) for source, count in having.items()]
        tables["sources"] = dg.MetadataValue.table(by_source)
    if documents and load(DagsterSettings).names_documents:
        tables["documents"] = dg.MetadataValue.table([dg.TableRecord(dict(document)) for document in documents])
    named = ", ".join(f"{source} ({count})" for source, count in having.items())
    return dg.AssetCheckResult(
        passed=not total,
        check_name=name,
        asset_key=str(report.stage),
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{total} {problem}: {named}." if total else passed,
        metadata={"synced": str(report.source), "count": total, **tables},
    )
