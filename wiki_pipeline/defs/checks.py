"""Asset checks: what Dagster shows in yellow or red on a node of the graph."""

from __future__ import annotations

import dagster as dg

from wiki_pipeline.model import Stage, StageReport

NAME = "every_document"
WORDS = "every_word"


def specs(stage: Stage) -> list[dg.AssetCheckSpec]:
    """The checks of a stage's asset."""
    return [_every_document(stage), *([_every_word()] if stage is Stage.CLEAN_PAGES else [])]


def checked(report: StageReport) -> list[dg.AssetCheckResult]:
    """Their results for one run."""
    return [_documents_checked(report), *([_words_checked(report)] if report.stage is Stage.CLEAN_PAGES else [])]


def _every_document(stage: Stage) -> dg.AssetCheckSpec:
    """Did the stage's last run bring every document up to date? One that failed keeps its old rows meanwhile."""
    return dg.AssetCheckSpec(
        NAME,
        asset=stage.value,
        description="Every document of the source was brought up to date. A document that failed keeps its old rows, "
        "is named here and is tried again by the next sync.",
    )


def _documents_checked(report: StageReport) -> dg.AssetCheckResult:
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


def _every_word() -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        WORDS,
        asset=Stage.CLEAN_PAGES.value,
        description="The text of every wiki page holds all words of its body. A page that lost some is named here with "
        "the words; that is a defect of the conversion.",
    )


def _words_checked(report: StageReport) -> dg.AssetCheckResult:
    """A warning with a table of the pages that lost words."""
    lossy = [
        dg.TableRecord({"document": page.document_id, "title": page.title, "words": ", ".join(page.words)})
        for page in report.lost_words
    ]
    return dg.AssetCheckResult(
        passed=report.lossy == 0,
        check_name=WORDS,
        asset_key=report.stage.value,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"{report.lossy} pages of {report.source} lost words in their conversion."
            if report.lossy
            else f"No page of {report.source} lost a word."
        ),
        metadata={
            "source": str(report.source),
            "lossy": report.lossy,
            **({"pages": dg.MetadataValue.table(records=lossy)} if lossy else {}),
        },
    )
