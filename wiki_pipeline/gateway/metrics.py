"""What the gateway counts, as `/metrics` tells it to Prometheus and its like."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from wiki_pipeline.catalog import Catalog


class Metrics:
    """Counters of one gateway, and the catalog's figures at the moment of asking."""

    def __init__(self, catalog: Catalog, tenant: str) -> None:
        self._registry = CollectorRegistry()
        self._deliveries = Counter(
            "wiki_pipeline_webhook_deliveries",
            "Deliveries by webhook, event, and what became of them.",
            ("webhook", "event", "outcome"),
            registry=self._registry,
        )
        self._registry.register(_Events(catalog, tenant))

    def delivered(self, webhook: str, event: str, outcome: str) -> None:
        """Count a delivery. All three are of a bounded number."""
        self._deliveries.labels(webhook, event, outcome).inc()

    def text(self) -> bytes:
        """The figures in Prometheus' text format.

        Raises:
            CatalogError: the catalog can't be asked.
        """
        return generate_latest(self._registry)


class _Events(Collector):
    """Freshness events by state, counted when asked for."""

    def __init__(self, catalog: Catalog, tenant: str) -> None:
        self._catalog = catalog
        self._tenant = tenant

    def describe(self) -> list[GaugeMetricFamily]:
        return [self._family(), _waiting()]  # so that registering it asks no table

    def collect(self) -> list[GaugeMetricFamily]:
        family = self._family()
        for state, number in self._catalog.events.counts(self._tenant).items():
            family.add_metric([state.value], number)
        waiting = self._catalog.claims.waiting(self._tenant)
        seconds = _waiting()
        seconds.add_metric([], (waiting.at - waiting.since).total_seconds() if waiting else 0.0)
        return [family, seconds]

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily("wiki_pipeline_freshness_events", "Freshness events by state.", labels=["state"])


def _waiting() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "wiki_pipeline_work_waiting_seconds",
        "How long the oldest event has waited that could be claimed; 0 if none does.",
    )
