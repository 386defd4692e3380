"""What the gateway counts, as `/metrics` tells it to Prometheus and its like.

Some figures are this process's own: add them up over replicas. The others are of the catalog, where every replica finds
the same; their help text says so, and `max by (...)` is the way to ask for them.
"""

from __future__ import annotations

import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from importlib.metadata import version
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from wiki_pipeline.catalog import BUCKET, COUNT, SUM, Catalog, Figure, Spent
from wiki_pipeline.model import SourceKey
from wiki_pipeline.sync.figures import LAG_BUCKETS

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_PREFIX = "wiki_pipeline_"
_OF_CATALOG = " Of the catalog: every replica says the same."
_STALE_SECONDS = 30.0

Stale = Callable[[str], dict[tuple[str, str], int]]
"""The number of a tenant's stale documents by kind of source and reason."""

# What runs write into the catalog, by name; `_total` are counters, the others gauges.
_HELP = {
    "syncs_total": "Syncs by kind of source, mode and outcome.",
    "sync_documents_total": "Documents that stages of syncs added, updated, deleted or failed on.",
    "sync_stage_seconds_total": "Seconds that stages of syncs took.",
    "embeddings_total": "Texts embedded.",
    "embeddings_reused_total": "Vectors taken over for texts that were embedded before.",
    "embedding_tokens_total": "Tokens embedded.",
    "freshness_lag_seconds": "Seconds from the report of a change until it was served.",
    "lance_table_rows": "Rows of a serving table.",
    "lance_table_fragments": "Fragments of a serving table; each costs a reader a request.",
    "lance_table_bytes": "Bytes of a serving table's data.",
    "lance_table_unindexed_rows": "Rows of a serving table that no index holds; they are searched one by one.",
}


class Metrics:
    """Counters of one gateway, and the catalog's figures at the moment of asking.

    Args:
        tenants: those that are served.
        stale: counts stale documents; asked every 30 seconds at most.
    """

    def __init__(self, catalog: Catalog, tenants: Callable[[], Iterable[str]], stale: Stale = lambda _: {}) -> None:
        self._registry = CollectorRegistry()
        self._of_tenants = _OfTenants(catalog, tenants, stale)
        self._deliveries = Counter(
            "wiki_pipeline_webhook_deliveries",
            "Deliveries by webhook, event, and what became of them.",
            ("webhook", "event", "outcome"),
            registry=self._registry,
        )
        self._requests = Histogram(
            "wiki_pipeline_http_request_duration_seconds",
            "Seconds until a request was answered; of a stream, until it began.",
            ("route", "method", "status"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._searches = Histogram(
            "wiki_pipeline_search_duration_seconds",
            "Seconds of a search, by its mode.",
            ("mode",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        build = Gauge(
            "wiki_pipeline_build_info", "Version of the program; always 1.", ("version",), registry=self._registry
        )
        build.labels(version("wiki-pipeline")).set(1)
        self._registry.register(self._of_tenants)
        self._registry.register(_Leases(catalog))

    def delivered(self, webhook: str, event: str, outcome: str) -> None:
        """Count a delivery. All three are of a bounded number."""
        self._deliveries.labels(webhook, event, outcome).inc()

    def requested(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request. `route` is its pattern, not its path, of which there are any number."""
        self._requests.labels(route, method, str(status)).observe(seconds)

    @contextmanager
    def searching(self, mode: str) -> Iterator[None]:
        """Count a search that does not fail."""
        began = time.perf_counter()
        yield
        self._searches.labels(mode).observe(time.perf_counter() - began)

    def text(self, tenant: str = "") -> bytes:
        """The figures in Prometheus' text format.

        Args:
            tenant: only what the catalog has of this one; empty: everything.

        Raises:
            CatalogError: the catalog can't be asked.
        """
        if not tenant:
            return generate_latest(self._registry)
        alone = CollectorRegistry()
        alone.register(_Collected(self._of_tenants.of(tenant)))
        return generate_latest(alone)


class _OfTenants(Collector):
    """The catalog's figures of each tenant, with its name as a label."""

    def __init__(self, catalog: Catalog, tenants: Callable[[], Iterable[str]], stale: Stale) -> None:
        self._catalog = catalog
        self._tenants = tenants
        self._stale = stale
        self._parts: dict[str, tuple[_Events, _Questions, _OfCatalog]] = {}

    def describe(self) -> list[Metric]:
        events, questions, others = self._made("")
        return [*events.describe(), *questions.describe(), *others.describe()]

    def collect(self) -> list[Metric]:
        return self.of(*sorted(self._tenants()))

    def of(self, *tenants: str) -> list[Metric]:
        """The families of some tenants, each name once."""
        families: dict[str, Metric] = {}
        for tenant in tenants:
            if tenant not in self._parts:
                self._parts[tenant] = self._made(tenant)
            for family in (family for part in self._parts[tenant] for family in part.collect()):
                labelled = [sample._replace(labels={"tenant": tenant, **sample.labels}) for sample in family.samples]
                families.setdefault(family.name, _empty(family)).samples += labelled
        return list(families.values())

    def _made(self, tenant: str) -> tuple[_Events, _Questions, _OfCatalog]:
        return (
            _Events(self._catalog, tenant),
            _Questions(self._catalog, tenant),
            _OfCatalog(self._catalog, tenant, partial(self._stale, tenant)),
        )


class _Collected(Collector):
    """Families that were collected already."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Sequence[Metric]:
        return self._families


class _Leases(Collector):
    """How many leases are held, whoever's."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def describe(self) -> list[Metric]:
        return [_leases()]

    def collect(self) -> list[Metric]:
        leases = _leases()
        leases.add_metric([], float(self._catalog.leases_held()))
        return [leases]


def _leases() -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{_PREFIX}leases_held", f"Sources and tables that are being written.{_OF_CATALOG}")


def _empty(family: Metric) -> Metric:
    made = Metric(family.name, family.documentation, family.type, family.unit)
    made.samples = []
    return made


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
        return GaugeMetricFamily(
            "wiki_pipeline_freshness_events", f"Freshness events by state.{_OF_CATALOG}", labels=["state"]
        )


class _Questions(Collector):
    """Answers and research by status, and what their models took today, counted when asked for."""

    def __init__(self, catalog: Catalog, tenant: str) -> None:
        self._catalog = catalog
        self._tenant = tenant

    def describe(self) -> list[GaugeMetricFamily]:
        return [_questions(), _tokens()]

    def collect(self) -> list[GaugeMetricFamily]:
        questions, tokens = _questions(), _tokens()
        for (kind, status), number in self._catalog.answers.counts(self._tenant).items():
            questions.add_metric([kind, status.value], number)
        spent = self._catalog.model_calls.spent_today(self._tenant)
        tokens.add_metric(["prompt"], spent.prompt_tokens)
        tokens.add_metric(["completion"], spent.completion_tokens)
        return [questions, tokens]


def _questions() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "wiki_pipeline_questions",
        f"Answers and research that are kept, by kind and status.{_OF_CATALOG}",
        labels=["kind", "status"],
    )


def _tokens() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "wiki_pipeline_model_tokens_today",
        f"Tokens of language models since midnight UTC.{_OF_CATALOG}",
        labels=["of"],
    )


def _waiting() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "wiki_pipeline_work_waiting_seconds",
        f"How long the oldest event has waited that could be claimed; 0 if none does.{_OF_CATALOG}",
    )


class _OfCatalog(Collector):
    """What runs wrote into the catalog, what models cost, when sources were last synced."""

    def __init__(self, catalog: Catalog, tenant: str, stale: Callable[[], dict[tuple[str, str], int]]) -> None:
        self._catalog = catalog
        self._tenant = tenant
        self._stale = stale
        self._counted: tuple[float, dict[tuple[str, str], int]] | None = None
        self._counting = threading.Lock()

    def describe(self) -> list[Metric]:
        return [
            *(_family(name, []) for name in _HELP),
            *self._models({}),
            self._successes({}),
            self._stale_documents({}),
        ]

    def collect(self) -> list[Metric]:
        by_name: dict[str, list[Figure]] = defaultdict(list)
        for figure in self._catalog.figures.all(self._tenant):
            name = figure.name
            for part in (BUCKET, SUM, COUNT):
                name = name.removesuffix(part) if name.removesuffix(part) in _HELP else name
            if name in _HELP:  # a later version's figures are not shown
                by_name[name].append(figure)
        families = [_family(name, by_name[name]) for name in _HELP if by_name[name]]
        return [
            *families,
            *self._models(self._catalog.model_calls.totals(self._tenant)),
            self._successes(self._catalog.last_successes(self._tenant)),
            self._stale_documents(self._stale_now()),
        ]

    def _stale_now(self) -> dict[tuple[str, str], int]:
        with self._counting:
            if self._counted is None or time.monotonic() - self._counted[0] > _STALE_SECONDS:
                self._counted = (time.monotonic(), self._stale())
            return self._counted[1]

    @staticmethod
    def _models(spent: Mapping[str, Spent]) -> list[Metric]:
        tokens = CounterMetricFamily(
            f"{_PREFIX}model_tokens", f"Tokens of calls of language models.{_OF_CATALOG}", labels=["model", "direction"]
        )
        cost = CounterMetricFamily(
            f"{_PREFIX}model_cost",
            f"What calls of language models cost, in the currency of the prices that are set.{_OF_CATALOG}",
            labels=["model"],
        )
        calls = CounterMetricFamily(
            f"{_PREFIX}model_calls", f"Calls of language models.{_OF_CATALOG}", labels=["model"]
        )
        for model, each in spent.items():
            tokens.add_metric([model, "prompt"], each.prompt_tokens)
            tokens.add_metric([model, "completion"], each.completion_tokens)
            cost.add_metric([model], each.price)
            calls.add_metric([model], each.calls)
        return [tokens, cost, calls]

    @staticmethod
    def _successes(moments: Mapping[SourceKey, datetime]) -> Metric:
        family = GaugeMetricFamily(
            f"{_PREFIX}source_last_success_timestamp_seconds",
            f"When the last sync of a source ended well, as Unix time.{_OF_CATALOG}",
            labels=["source"],
        )
        for source, moment in moments.items():
            family.add_metric([str(source)], moment.timestamp())
        return family

    @staticmethod
    def _stale_documents(counts: Mapping[tuple[str, str], int]) -> Metric:
        family = GaugeMetricFamily(
            f"{_PREFIX}stale_documents",
            f"Documents whose served state is behind, by kind of source and reason.{_OF_CATALOG}",
            labels=["source_kind", "reason"],
        )
        for (kind, reason), number in counts.items():
            family.add_metric([kind, reason], number)
        return family


def _family(name: str, figures: Sequence[Figure]) -> Metric:
    """What runs wrote into the catalog under one name."""
    said = f"{_HELP[name]}{_OF_CATALOG}"
    labels = sorted({label for figure in figures for label in figure.labels} - {"le"})
    if any(figure.name.endswith(BUCKET) for figure in figures) or name.endswith("_lag_seconds"):
        return _histogram(name, said, figures)
    kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    family: Metric = kind(f"{_PREFIX}{name.removesuffix('_total')}", said, labels=labels)
    for figure in figures:
        family.add_metric([figure.labels.get(label, "") for label in labels], figure.value)  # type: ignore[attr-defined]
    return family


def _histogram(name: str, said: str, figures: Sequence[Figure]) -> Metric:
    """A histogram without labels, whose buckets are kept one by one and shown added up."""
    family = HistogramMetricFamily(f"{_PREFIX}{name}", said, labels=[])
    counts = {float(figure.labels["le"]): figure.value for figure in figures if figure.name == name + BUCKET}
    if counts:
        bounds = sorted({*counts, *LAG_BUCKETS, math.inf})
        running = accumulate(counts.get(bound, 0.0) for bound in bounds)
        buckets = [
            ("+Inf" if math.isinf(bound) else str(bound), value) for bound, value in zip(bounds, running, strict=True)
        ]
        total = next((figure.value for figure in figures if figure.name == name + SUM), 0.0)
        family.add_metric([], buckets, total)
    return family
