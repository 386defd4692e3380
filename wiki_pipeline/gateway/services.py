"""What requests work with, opened once when the gateway starts."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, cast

from anyio import CapacityLimiter
from fastapi import Depends, FastAPI, Request

from wiki_pipeline import logs, sources
from wiki_pipeline.access import Action, Principal, Scope, local
from wiki_pipeline.access.actors import Actor
from wiki_pipeline.access.credentials import Visit
from wiki_pipeline.access.logins import Logins
from wiki_pipeline.access.people import People
from wiki_pipeline.answers.llm import open_chat
from wiki_pipeline.answers.research.running import Researching
from wiki_pipeline.answers.retrieve import Library
from wiki_pipeline.answers.running import Answering
from wiki_pipeline.catalog import Catalog, SourceRecord
from wiki_pipeline.errors import NotAllowedError, SourceNotFoundError
from wiki_pipeline.freshness import StalenessCache
from wiki_pipeline.gateway.draining import Draining
from wiki_pipeline.gateway.metrics import Metrics
from wiki_pipeline.gateway.rights import needed as needed_for
from wiki_pipeline.gateway.security import CLIENT, PRINCIPAL, VISIT
from wiki_pipeline.gateway.settings import GatewaySettings
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
class Services:
    """Settings, catalog, tables and embedding model; safe between threads.

    Attributes:
        principal: who asks; `reader` shows what they may read.
        answering: makes answers to questions.
        researching: makes reports.
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
    answering: Answering
    researching: Researching
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
        self.staleness.close()
        self.catalog.close()

    def as_seen_by(self, principal: Principal, visit: Visit | None = None, address: str = "") -> Services:
        """The same for another principal, and the request that they sent."""
        return replace(
            self,
            principal=principal,
            reader=self.reader.within(principal.scope),
            actor=Actor.of(principal, address, logs.about().get("request_id", "")),
            visit=visit or Visit(principal),
        )

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
    store = open_store(settings, catalog)
    staleness = StalenessCache(Pipeline(settings, catalog, store))
    reader = WikiReader(catalog, store, staleness, most_bytes=settings.tree_bytes)
    metrics = Metrics(catalog, settings.tenant, partial(_stale, catalog, staleness, settings.tenant))
    embedder = open_embedder(settings)

    def library(scope: Scope) -> Library:
        return Library(catalog, store, embedder, staleness, scope)

    model = open_chat(settings, catalog.model_calls)
    people = People(catalog, settings, settings.public_url or "wiki-pipeline")
    return Services(
        settings,
        local(settings),
        catalog,
        store,
        reader,
        embedder,
        metrics,
        staleness,
        Answering(catalog, library, model, settings),
        Researching(catalog, library, model, settings),
        open_reranker(settings),
        people=people,
        logins=Logins(catalog, settings, people.credentials),
        actor=Actor.of(local(settings)),
        visit=Visit(local(settings)),
    )


def _stale(catalog: Catalog, staleness: StalenessCache, tenant: str) -> dict[tuple[str, str], int]:
    """The number of stale documents by kind of source and reason, as far as a glance shows them."""
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
