"""What requests work with, opened once when the gateway starts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, cast

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI, Request

from wiki_pipeline import logs, sources
from wiki_pipeline.access import Action, How, Principal, Scope, local
from wiki_pipeline.access.actors import Actor
from wiki_pipeline.access.credentials import Visit
from wiki_pipeline.access.logins import Logins
from wiki_pipeline.access.people import People
from wiki_pipeline.access.reading import Reading
from wiki_pipeline.access.sealing import Vault
from wiki_pipeline.answers.llm.keys import Models
from wiki_pipeline.answers.research.running import Researching
from wiki_pipeline.answers.retrieve import Library
from wiki_pipeline.answers.running import Answering
from wiki_pipeline.catalog import Catalog, Kind, SourceRecord
from wiki_pipeline.errors import CatalogError, NotAllowedError, SourceNotFoundError
from wiki_pipeline.freshness import StalenessCache
from wiki_pipeline.gateway.draining import Draining
from wiki_pipeline.gateway.metrics import Metrics
from wiki_pipeline.gateway.rights import needed as needed_for
from wiki_pipeline.gateway.security import CLIENT, PRINCIPAL, VISIT
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.gateway.tenants import EachTenant, Served
from wiki_pipeline.gateway.wiki_reader import WikiReader
from wiki_pipeline.store import Filters, Found, Hit, Store, find
from wiki_pipeline.store.search import Mode
from wiki_pipeline.sync.pipeline import Pipeline, open_store
from wiki_pipeline.text.embed import Embedder, open_embedder
from wiki_pipeline.text.rerank import Reranker, open_reranker
from wiki_pipeline.tracing import span

_CHECKS_AT_ONCE = 4


def _threads_of_checks() -> CapacityLimiter:
    return CapacityLimiter(_CHECKS_AT_ONCE)


@dataclass(frozen=True)
class World:
    """All that a gateway has open of one tenant."""

    store: Store
    staleness: StalenessCache
    reader: WikiReader


class Tenants:
    """The tenants that a gateway serves: the default one from the start, others when they are asked for."""

    def __init__(self, settings: GatewaySettings, catalog: Catalog, default: World) -> None:
        self.served = Served(catalog)
        self._settings = settings
        self._catalog = catalog
        self._default = default
        self._others = EachTenant(self._opened)

    def of(self, tenant: str) -> World:
        """What is open of a tenant.

        Raises:
            NotAllowedError: it is not served.
            ConfigurationError, StoreError: its tables can't be opened.
        """
        if tenant == self._settings.tenant:
            return self._default
        if tenant not in self.served.names():
            self._others.forget(tenant)
            raise NotAllowedError("Your tenant is not served here any more.")
        return self._others.of(tenant)

    def close(self) -> None:
        """Close what was opened."""
        self._others.close(lambda world: world.staleness.close())

    def _opened(self, tenant: str) -> World:
        return open_world(self._settings, self._catalog, tenant)


def open_world(settings: GatewaySettings, catalog: Catalog, tenant: str) -> World:
    """What a gateway has open of one tenant; errors as `open_store`."""
    store = open_store(settings, catalog, tenant)
    staleness = StalenessCache(Pipeline(settings, catalog, store))
    return World(store, staleness, WikiReader(catalog, store, staleness, most_bytes=settings.tree_bytes))


@dataclass(frozen=True)
class Services:
    """Settings, catalog, tables and embedding model; safe between threads.

    Attributes:
        principal: who asks; `reader` shows what they may read.
        catalog: of all tenants; `store`, `reader` and `staleness` are of the principal's alone.
        tenants: leads to the others'.
        answering: makes answers to questions.
        researching: makes reports.
        reading: says which sources a principal may read.
        models: says which language model answers whom, by whose key.
        warm: whether what takes seconds to load is there.
        checks: threads of the health checks, which don't queue behind whatever else is asked.
        draining: whether this process is about to stop.
        people: accounts, tokens and sessions, and what is done with them.
        logins: logs people in.
        actor: who asks, as the audit names them.
        visit: with the session that the request is of.
    """

    settings: GatewaySettings
    principal: Principal
    catalog: Catalog
    store: Store
    reader: WikiReader
    embedder: Embedder
    metrics: Metrics
    staleness: StalenessCache
    tenants: Tenants
    answering: Answering
    researching: Researching
    reading: Reading
    models: Models
    reranker: Reranker | None = None
    warm: threading.Event = field(default_factory=threading.Event)
    checks: CapacityLimiter = field(default_factory=_threads_of_checks)
    draining: Draining = field(default_factory=Draining)
    people: People = field(kw_only=True)
    logins: Logins = field(kw_only=True)
    actor: Actor = field(kw_only=True)
    visit: Visit = field(kw_only=True)

    @property
    def pipeline(self) -> Pipeline:
        """The same, as stages and freshness know it."""
        return Pipeline(self.settings, self.catalog, self.store)

    def close(self) -> None:
        """Let go of what is open."""
        self.answering.close()
        self.researching.close()
        self.tenants.close()
        self.staleness.close()
        self.catalog.close()

    def as_seen_by(self, principal: Principal, visit: Visit | None = None, address: str = "") -> Services:
        """The same for another principal, of the principal's tenant, with the sources that it may read now, and the
        request that they sent.

        Raises:
            NotAllowedError: the tenant is not served.
            CatalogError: the catalog is out of reach.
        """
        principal = self.reading.applied(principal)
        world = self.tenants.of(principal.tenant)
        return replace(
            self,
            principal=principal,
            store=world.store,
            staleness=world.staleness,
            reader=world.reader.within(principal.scope),
            actor=Actor.of(principal, address, logs.about().get("request_id", "")),
            visit=visit or Visit(principal),
        )

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Around work that somebody asks for: it counts as one request of theirs, unless it could not be begun. What
        is asked for on this machine counts nowhere.

        Raises:
            QuotaError: their quota, or their tenant's, is used up.
        """
        who, quotas = self.principal, self.catalog.quotas
        if who.how is How.LOCAL:
            yield
            return
        held = quotas.reserve(who.tenant, who.account, {Kind.REQUESTS: 1})
        try:
            yield
        except BaseException:
            quotas.release(held)
            raise
        quotas.settle(held, {Kind.REQUESTS: 1})

    def search(self, query: str, *, k: int, mode: Mode, filters: Filters, per_document: int | None = None) -> list[Hit]:
        """The best chunks of what the principal may read; errors as `store.search`."""
        return list(self.find(query, k=k, mode=mode, filters=filters, per_document=per_document).hits)

    def find(
        self,
        query: str,
        *,
        k: int,
        mode: Mode,
        filters: Filters,
        per_document: int | None = None,
        language: str = "",
    ) -> Found:
        """The same with what the search has to say of the query; errors as `store.find`."""
        sources = self.principal.scope.narrow(filters.sources)
        if sources is None:
            return Found()
        with self.metrics.searching(mode), span("search", mode=mode):
            return find(
                self.store,
                self.embedder,
                query,
                k=k,
                mode=mode,
                filters=replace(filters, sources=sources),
                per_document=per_document,
                language=language,
                reranker=self.reranker,
            )

    def source_named(self, name: str) -> SourceRecord:
        """The source that a caller means: by datasource id, by key (`default:confluence:ENG`), or by its name in
        addresses (`confluence-ENG`).

        Raises:
            SourceNotFoundError: there is none.
        """
        for record in self.reader.sources():
            if name in {str(record.key), record.key.slug, datasource_id(record)}:
                return record
        raise SourceNotFoundError(f"There is no source {name!r}.", "GET /v1/datasources lists them.")


def open_services(settings: GatewaySettings) -> Services:
    """The services of a process, for whoever uses this machine; `close` them.

    Raises:
        ConfigurationError: the catalog's address or the embedding model's settings are wrong.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    catalog = Catalog(settings.catalog_url)
    with suppress(CatalogError):  # out of reach now: the gateway starts all the same, and /readyz says so
        catalog.tenancy.ensure(settings.tenant)
    world = open_world(settings, catalog, settings.tenant)
    tenants = Tenants(settings, catalog, world)
    metrics = Metrics(catalog, tenants.served.names, partial(_stale, catalog, tenants))
    embedder = open_embedder(settings)

    def library(scope: Scope) -> Library:
        of_tenant = tenants.of(scope.tenant)
        return Library(catalog, of_tenant.store, embedder, of_tenant.staleness, scope)

    models = Models(settings, catalog, Vault(catalog, settings))
    people = People(catalog, settings, settings.public_url or "wiki-pipeline")
    return Services(
        settings,
        local(settings),
        catalog,
        world.store,
        world.reader,
        embedder,
        metrics,
        world.staleness,
        tenants,
        Answering(catalog, library, models.of, settings),
        Researching(catalog, library, models.of, settings),
        Reading(catalog),
        models,
        open_reranker(settings),
        people=people,
        logins=Logins(catalog, settings, people.credentials),
        actor=Actor.of(local(settings)),
        visit=Visit(local(settings)),
    )


def _stale(catalog: Catalog, tenants: Tenants, tenant: str) -> dict[tuple[str, str], int]:
    """The number of stale documents by kind of source and reason, as far as a glance shows them."""
    staleness = tenants.of(tenant).staleness
    return Counter(
        (record.key.kind, document.reason.value)
        for record in catalog.sources(tenant)
        for document in staleness.glance(record).stale
    )


def datasource_id(record: SourceRecord) -> str:
    """A source's id in this interface."""
    return sources.datasource_id(record.key, record.config)


def opened_by(app: FastAPI) -> Services:
    """The services of an application."""
    return cast("Services", app.state.services)


def opened(request: Request) -> Services:
    """The services of the application that a request came to, as they were opened: for the health checks alone."""
    return cast("Services", request.app.state.services)


def principal(request: Request) -> Principal:
    """Who sent a request, as `Access` decided; errors as `asking`."""
    return asking(request, needed_for(request.method, request.scope.get("path", "")))


def asking(request: Request, needed: Action) -> Principal:
    """Who sent a request that is to do something.

    Raises:
        NotAllowedError: the principal is not known, or may not do this.
    """
    found = request.scope.get("state", {}).get(PRINCIPAL)
    if not isinstance(found, Principal):
        raise NotAllowedError("It is not known who asks.")
    if needed not in found.scope.actions:
        raise NotAllowedError(f"{found.name} may not {needed} here.", "Ask with a token that may.")
    return found


def services(request: Request, who: Annotated[Principal, Depends(principal)]) -> Services:
    """The services as the one who asks may use them."""
    state = request.scope.get("state", {})
    return opened(request).as_seen_by(who, state.get(VISIT), state.get(CLIENT, ""))


Serving = Annotated[Services, Depends(services)]
