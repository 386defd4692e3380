"""What a sync counts for /metrics: written to the catalog at its end, since its process is gone before anyone asks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from wiki_pipeline.catalog import Catalog, Figure, SyncMode, observed
from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.model import SourceKey, Stage, StageReport
from wiki_pipeline.store import StageTable, statistics

LAG = "freshness_lag_seconds"
LAG_BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0)
logger = logging.getLogger(__name__)


def record(
    catalog: Catalog,
    source: SourceKey,
    mode: SyncMode,
    reports: Sequence[StageReport],
    claim_id: str,
    serving: Callable[[], StageTable],
    *,
    failed: bool,
) -> None:
    """Write what a sync counted. A catalog that refuses it costs the figures and nothing else.

    Args:
        claim_id: of the events that it settled; empty if of none.
        serving: the serving table, which is measured if the sync wrote it.
    """
    try:
        lags = catalog.claims.lags(claim_id) if claim_id else []
        counted = [Figure("syncs_total", {"kind": source.kind, "mode": mode.value, "outcome": _outcome(failed)}, 1)]
        counted += [figure for report in reports for figure in _of_stage(report)]
        counted += observed(LAG, lags, LAG_BUCKETS, {})
        vectors = next((report for report in reports if report.stage is Stage.VECTORS), None)
        if vectors is not None and vectors.commits:
            table = serving()
            model = {"model": table.name.partition(".")[2]}
            embedded = {"embeddings_total": vectors.embedded, "embeddings_reused_total": vectors.reused}
            embedded["embedding_tokens_total"] = vectors.tokens
            counted += [Figure(name, model, value) for name, value in embedded.items()]
            measured = statistics(table).items()
            catalog.figures.put(
                source.tenant, [Figure(f"lance_table_{name}", {"table": table.name}, value) for name, value in measured]
            )
        catalog.figures.add(source.tenant, counted)
    except WikiPipelineError as error:
        logger.warning("The figures of this sync could not be written: %s", error)


def _outcome(failed: bool) -> str:
    return "failed" if failed else "completed"


def _of_stage(report: StageReport) -> Iterator[Figure]:
    stage = {"stage": str(report.stage)}
    for name in ("added", "updated", "deleted", "failed"):
        yield Figure("sync_documents_total", {**stage, "outcome": name}, getattr(report, name))
    yield Figure("sync_stage_seconds_total", stage, report.seconds)
