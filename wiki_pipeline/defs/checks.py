"""Asset checks: what Dagster shows in yellow or red on a node of the graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from wiki_pipeline.catalog import Catalog
from wiki_pipeline.model import SourceKey, Stage, StageReport
from wiki_pipeline.sync.session import Sync

NAME = "all_documents_processed"
WORDS = "no_text_lost"
_SHOWN = 100


def specs(stage: Stage) -> list[dg.AssetCheckSpec]:
    """The checks of a stage's asset."""
    all_documents_processed = dg.AssetCheckSpec(
        NAME,
        asset=stage.value,
        description="Every document of every source was processed. One that failed keeps its old rows, is named here "
        "with its source, and is tried again by the next sync.",
    )
    no_text_lost = dg.AssetCheckSpec(
        WORDS,
        asset=stage.value,
        description="The text of every page holds all words of its body. Pages that lost some are counted by source, "
        "and named with the words when their source is synced; that is a defect of the conversion.",
    )
    return [all_documents_processed, no_text_lost] if stage is Stage.CLEAN_PAGES else [all_documents_processed]


def checked(sync: Sync, report: StageReport) -> list[dg.AssetCheckResult]:
    """Their results after a stage's run for one source. They hold for all sources of the tenant: Dagster shows the last
    result of a check, whichever partition it came from, so that one source's pass would hide another's failure."""
    results = [_documents_checked(sync, report)]
    return [*results, _words_checked(sync, report)] if report.stage is Stage.CLEAN_PAGES else results


def _documents_checked(sync: Sync, report: StageReport) -> dg.AssetCheckResult:
    catalog, tenant = sync.pipeline.catalog, report.source.tenant
    records = catalog.failing(tenant, report.stage)
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


def _words_checked(sync: Sync, report: StageReport) -> dg.AssetCheckResult:
    catalog = sync.pipeline.catalog
    counts = Counter({report.source: report.lossy})
    for record in catalog.sources(report.source.tenant):
        if record.key != report.source:
            counts[record.key] = _lossy(catalog, record.key)
    source = str(report.source)
    return _result(
        report,
        WORDS,
        counts,
        "pages lost words in their conversion",
        "No page of any source lost a word.",
        [
            {"source": source, "document": p.document_id, "title": p.title, "words": ", ".join(p.words)}
            for p in report.lost_words
        ],
    )


def _lossy(catalog: Catalog, source: SourceKey) -> int:
    """How many pages had lost words when the source was last converted."""
    for sync in catalog.syncs(source):
        for report in sync.reports:
            if report.stage is Stage.CLEAN_PAGES:
                return report.lossy
    return 0


def _result(
    report: StageReport,
    name: str,
    counts: Mapping[SourceKey, int],
    problem: str,
    well: str,
    documents: Sequence[Mapping[str, str]],
) -> dg.AssetCheckResult:
    """A check that passes where no source has such documents; otherwise a warning with tables of sources and documents.

    Args:
        counts: of such documents, by source.
        problem: what happened to them, after their number.
        well: what is said if there are none.
        documents: the first of them.
    """
    having = {str(key): count for key, count in sorted(counts.items(), key=lambda item: str(item[0])) if count}
    total = sum(having.values())
    tables: dict[str, Any] = {}
    if having:
        by_source = [dg.TableRecord({"source": source, "documents": count}) for source, count in having.items()]
        tables["sources"] = dg.MetadataValue.table(by_source)
    if documents:
        tables["documents"] = dg.MetadataValue.table([dg.TableRecord(dict(document)) for document in documents])
    named = ", ".join(f"{source} ({count})" for source, count in having.items())
    return dg.AssetCheckResult(
        passed=not total,
        check_name=name,
        asset_key=report.stage.value,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{total} {problem}: {named}." if total else well,
        metadata={"synced": str(report.source), "count": total, **tables},
    )
