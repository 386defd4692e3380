"""Asset checks: what Dagster shows in yellow or red on a node of the graph."""

from __future__ import annotations

import dagster as dg

from wiki_pipeline.model import Stage, StageReport

NAME = "every_document"


def every_document(stage: Stage) -> dg.AssetCheckSpec:
    """Did the stage's last run bring every document up to date? One that failed keeps its old rows meanwhile."""
    return dg.AssetCheckSpec(
        NAME,
        asset=stage.value,
        description="Every document of the source was brought up to date. A document that failed keeps its old rows, "
        "is named here and is tried again by the next sync.",
    )


def documents_checked(report: StageReport) -> dg.AssetCheckResult:
    """The check's result for one run: a warning with a table of the documents that failed."""
    failures = [
        dg.TableRecord({"document": failure.document_id, "title": failure.title, "problem": failure.message})
        for failure in report.failures
    ]
    return dg.AssetCheckResult(
        passed=report.failed == 0,
        check_name=NAME,
        asset_key=report.stage.value,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"{report.failed} documents of {report.source} failed in {report.stage}; they keep their old rows."
            if report.failed
            else f"All documents of {report.source} are up to date."
        ),
        metadata={
            "source": str(report.source),
            "failed": report.failed,
            **({"failures": dg.MetadataValue.table(records=failures)} if failures else {}),
        },
    )
