"""What Dagster is told of a stage: counts, a picture and a few rows as metadata, the data version, the check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pyarrow.compute as pc

from wiki_pipeline.defs.checks import checked
from wiki_pipeline.defs.links import links
from wiki_pipeline.defs.plot import bars, histogram
from wiki_pipeline.model import Stage, StageReport
from wiki_pipeline.store import StageTable
from wiki_pipeline.sync.session import Sync

_PREVIEW_ROWS = 8


def result(sync: Sync, report: StageReport, made_of: Mapping[str, str] | None = None) -> dg.MaterializeResult[None]:
    """What an asset returns: the report as metadata, the hash of the content as data version, the check's result.

    Args:
        made_of: tags that say what it was made of, where Dagster does not know.
    """
    return dg.MaterializeResult(
        metadata={**_counts(report), **links(sync.pipeline, sync.source), **_preview(sync, report)},
        data_version=dg.DataVersion(report.data_version),
        check_results=checked(report),
        tags=made_of,
    )


def _counts(report: StageReport) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "added": report.added,
        "updated": report.updated,
        "deleted": report.deleted,
        "unchanged": report.unchanged,
        "failed": report.failed,
        "dagster/row_count": report.rows,
        "commits": report.commits,
        "seconds": round(report.seconds, 3),
        "bytes": report.bytes,
        "tokens": report.tokens,
    }
    if report.stage is Stage.VECTORS:
        counts |= {"embedded": report.embedded, "reused": report.reused}
    if report.stage is Stage.CLEAN_PAGES:
        counts["dependency_changed"] = report.dependency_changed
        counts["unknown_macros"] = sum(report.unknown_macros.values())
        counts["lossy"] = report.lossy
    if report.stage is Stage.WIKI_PAGES:
        counts["broken_links"] = report.broken_links
    if report.dependents:
        counts["dependents"] = dg.MetadataValue.json(list(report.dependents))
    if report.unknown_macros:
        macros = [dg.TableRecord({"macro": name, "occurs": count}) for name, count in report.unknown_macros.items()]
        counts["unknown_macros_by_name"] = dg.MetadataValue.table(macros)
    if report.skipped:
        counts["skipped"] = dg.MetadataValue.json(report.skipped)
    return counts


def _preview(sync: Sync, report: StageReport) -> dict[str, Any]:
    """A few rows and a picture of the table; nothing where the stage found nothing to do."""
    if not report.commits:
        return {}
    table = sync.table(report.stage)
    first = next(table.batches(_PREVIEW[report.stage]), None)
    if first is None:
        return {}
    rows = first.slice(0, _PREVIEW_ROWS).to_pylist()
    shown = [dg.TableRecord({name: _cell(value) for name, value in row.items()}) for row in rows]
    return {"preview": dg.MetadataValue.table(shown), "plot": _picture(report.stage, table)}


_PREVIEW = {
    Stage.RAW_PAGES: ["document_id", "title", "version", "author", "modified_at", "url"],
    Stage.CLEAN_PAGES: ["document_id", "title", "words", "code_language", "notes"],
    Stage.ATTACHMENTS: ["document_id", "title", "media_type", "size", "words", "notes"],
    Stage.CHUNKS: ["document_id", "title", "heading_path", "chunk_index", "total_chunks"],
    Stage.VECTORS: ["document_id", "title", "heading_path", "chunk_index", "total_chunks", "embedding_model"],
    Stage.WIKI_PAGES: ["document_id", "title", "wiki_path", "words"],
}


def _cell(value: object) -> str | int:
    if isinstance(value, list):
        return " > ".join(str(item) for item in value)
    return value if isinstance(value, int) else "" if value is None else str(value)


def _picture(stage: Stage, table: StageTable) -> dg.MetadataValue[Any]:
    if stage is Stage.RAW_PAGES:
        changed = pc.strftime(table.read(columns=["modified_at"])["modified_at"].drop_null(), format="%Y-%m")
        months = ((item["values"], item["counts"]) for item in pc.value_counts(changed).to_pylist())
        return bars("Documents by the month of their last change", sorted(months)[-60:])
    if stage in {Stage.CHUNKS, Stage.VECTORS}:
        rows = table.read(columns=["chunk_index", "total_chunks"])
        return histogram("Chunks a document", rows.filter(pc.field("chunk_index") == 0)["total_chunks"].to_pylist())
    if stage is Stage.ATTACHMENTS:
        kinds = pc.value_counts(table.read(columns=["media_type"])["media_type"])
        return bars("Files by media type", sorted((item["values"], item["counts"]) for item in kinds.to_pylist()))
    return histogram("Words a document", table.read(columns=["words"])["words"].to_pylist())
