"""Asset checks: what Dagster shows in yellow or red on a node of the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg

from wiki_pipeline.model import Stage, StageReport

NAME = "all_documents_processed"
WORDS = "no_text_lost"


def specs(stage: Stage) -> list[dg.AssetCheckSpec]:
    """The checks of a stage's asset."""
    all_documents_processed = dg.AssetCheckSpec(
        NAME,
        asset=stage.value,
        description="Every document of the source was brought up to date. A document that failed keeps its old rows, "
        "is named here and is tried again by the next sync.",
    )
    no_text_lost = dg.AssetCheckSpec(
        WORDS,
        asset=stage.value,
        description="The text of every wiki page holds all words of its body. A page that lost some is named here with "
        "the words; that is a defect of the conversion.",
    )
    return [all_documents_processed, no_text_lost] if stage is Stage.CLEAN_PAGES else [all_documents_processed]


def checked(report: StageReport) -> list[dg.AssetCheckResult]:
    """Their results for one run."""
    results = [_documents_checked(report)]
    return [*results, _words_checked(report)] if report.stage is Stage.CLEAN_PAGES else results


def _documents_checked(report: StageReport) -> dg.AssetCheckResult:
    return _result(
        report,
        NAME,
        report.failed,
        f"{report.failed} documents of {report.source} failed in {report.stage}; they keep their old rows."
        if report.failed
        else f"All documents of {report.source} are up to date.",
        [{"document": f.document_id, "title": f.title, "problem": f.message} for f in report.failures],
    )


def _words_checked(report: StageReport) -> dg.AssetCheckResult:
    return _result(
        report,
        WORDS,
        report.lossy,
        f"{report.lossy} pages of {report.source} lost words in their conversion."
        if report.lossy
        else f"No page of {report.source} lost a word.",
        [{"document": p.document_id, "title": p.title, "words": ", ".join(p.words)} for p in report.lost_words],
    )


def _result(
    report: StageReport, name: str, count: int, description: str, documents: Sequence[Mapping[str, str]]
) -> dg.AssetCheckResult:
    """A check that passes where it counts no documents; otherwise a warning with a table of them."""
    table = dg.MetadataValue.table([dg.TableRecord(dict(document)) for document in documents]) if documents else None
    return dg.AssetCheckResult(
        passed=count == 0,
        check_name=name,
        asset_key=report.stage.value,
        severity=dg.AssetCheckSeverity.WARN,
        description=description,
        metadata={"source": str(report.source), "count": count, **({"documents": table} if table else {})},
    )
