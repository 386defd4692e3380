"""/metrics: what the process counts, and what runs left in the catalog."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from wiki_pipeline.catalog import Catalog, Figure, Spent, SyncMode, observed
from wiki_pipeline.gateway.metrics import Metrics
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sync.figures import LAG, LAG_BUCKETS

SOURCE = SourceKey("default", "confluence", "ENG")


def figures(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Samples by name and labels."""
    families = text_string_to_metric_families(metrics.text().decode())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite'}")


def test_figures_of_runs_add_up_and_are_one_tenants(catalog: Catalog) -> None:
    counted = [Figure("embeddings_total", {"model": "m"}, 3), *observed(LAG, [0.5, 3.0, 1e9], LAG_BUCKETS, {})]
    catalog.figures.add("default", counted)
    catalog.figures.add("default", counted)
    catalog.figures.add("other", counted)
    catalog.figures.put("default", [Figure("lance_table_rows", {"table": "vectors.m"}, 7)])
    catalog.figures.put("default", [Figure("lance_table_rows", {"table": "vectors.m"}, 8)])
    catalog.figures.add("default", [Figure("of_a_later_version_total", {}, 1)])
    catalog.add_source(SOURCE, "{}")
    catalog.finish_sync(catalog.start_sync(SOURCE, SyncMode.FULL))
    call = Spent(1, 100, 20, 0.5)
    catalog.model_calls.settle(catalog.model_calls.reserve("default", "chat", call), call)
    metrics = Metrics(catalog, lambda: ["default"], lambda _: {("confluence", "failed"): 2})
    shown = figures(metrics)

    def of(name: str, **labels: str) -> float | None:
        return shown.get((f"wiki_pipeline_{name}", tuple(sorted({"tenant": "default", **labels}.items()))))

    assert of("embeddings_total", model="m") == 6
    assert [of(f"{LAG}_bucket", le=le) for le in ("1.0", "2.0", "5.0", "86400.0", "+Inf")] == [2, 2, 4, 4, 6]
    assert of(f"{LAG}_count") == 6
    assert of("lance_table_rows", table="vectors.m") == 8
    assert of("model_tokens_total", model="chat", direction="prompt") == 100
    assert of("model_cost_total", model="chat") == 0.5
    assert of("stale_documents", source_kind="confluence", reason="failed") == 2
    assert (of("source_last_success_timestamp_seconds", source=str(SOURCE)) or 0) > 1e9
    assert shown["wiki_pipeline_leases_held", ()] == 0
    with catalog.lease("source x", 60):
        assert figures(Metrics(catalog, lambda: ["default"]))["wiki_pipeline_leases_held", ()] == 1
    both = Metrics(catalog, lambda: ["other", "default"])
    label = ("tenant", "other")
    assert figures(both)["wiki_pipeline_embeddings_total", (("model", "m"), label)] == 3
    alone = text_string_to_metric_families(both.text("other").decode())
    assert {sample.labels.get("tenant") for family in alone for sample in family.samples} == {"other"}
    assert not any("later_version" in name for name, _ in shown)


def test_gauges_of_the_catalog_say_so(catalog: Catalog) -> None:
    metrics = Metrics(catalog, lambda: ["default"])
    metrics.requested("/wiki/{slug}", "GET", 200, 0.2)
    with metrics.searching("hybrid"):
        pass
    own = {"http_request_duration_seconds", "search_duration_seconds", "webhook_deliveries", "build_info"}
    for family in text_string_to_metric_families(metrics.text().decode()):
        name = family.name.removeprefix("wiki_pipeline_").removesuffix("_created")
        assert ("every replica says the same" in family.documentation) != (name in own), name
    assert (
        figures(metrics)[
            "wiki_pipeline_http_request_duration_seconds_count",
            (("method", "GET"), ("route", "/wiki/{slug}"), ("status", "200")),
        ]
        == 1
    )
