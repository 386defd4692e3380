"""What requests work with, opened once when the gateway starts."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import Annotated, cast

from fastapi import Depends, Request

from wiki_pipeline.access import Action, Principal
from wiki_pipeline.answers.running import Answering
from wiki_pipeline.catalog import Catalog, SourceRecord
from wiki_pipeline.errors import ConfigurationError, NotAllowedError, SourceNotFoundError
from wiki_pipeline.freshness import StalenessCache
from wiki_pipeline.gateway.access import is_reading
from wiki_pipeline.gateway.metrics import Metrics
from wiki_pipeline.gateway.security import PRINCIPAL
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.gateway.wiki_reader import WikiReader
from wiki_pipeline.sources import kinds
from wiki_pipeline.store import Filters, Hit, Store, search
from wiki_pipeline.store.search import Mode
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.text.embed import Embedder


@dataclass(frozen=True)
class Services:
    """Settings, catalog, tables and embedding model; safe between threads.

    Attributes:
        principal: who asks; `reader` shows what they may read.
        answering: makes answers to questions.
        warm: whether what takes seconds to load is there.
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
    warm: threading.Event = field(default_factory=threading.Event)

    @property
    def pipeline(self) -> Pipeline:
        """The same, as stages and freshness know it."""
        return Pipeline(self.settings, self.catalog, self.store)

    def as_seen_by(self, principal: Principal) -> Services:
        """The same for somebody else."""
        return replace(self, principal=principal, reader=self.reader.within(principal.scope))

    def search(self, query: str, *, k: int, mode: Mode, filters: Filters, per_document: int | None = None) -> list[Hit]:
        """The best chunks of what the principal may read; errors as `store.search`."""
        sources = self.principal.scope.narrow(filters.sources)
        if sources is None:
            return []
        filters = replace(filters, sources=sources)
        return search(self.store, self.embedder, query, k=k, mode=mode, filters=filters, per_document=per_document)

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


def datasource_id(record: SourceRecord) -> str:
    """A source's id in this interface, as its kind makes it; its slug where its kind is not there or can't read it."""
    kind = kinds().get(record.key.kind)
    try:
        return record.key.slug if kind is None else kind.datasource_id(record.key, record.config)
    except ConfigurationError:  # its syncs fail with it; listing it and all others must not
        return record.key.slug


def opened(request: Request) -> Services:
    """The services of the application that a request came to, as they were opened: for the health checks alone."""
    return cast("Services", request.app.state.services)


def principal(request: Request) -> Principal:
    """Who sent a request, as `Access` decided.

    Raises:
        NotAllowedError: nobody whom the application knows, or somebody who may not do this.
    """
    found = request.scope.get("state", {}).get(PRINCIPAL)
    if not isinstance(found, Principal):
        raise NotAllowedError("It is not known who asks.")
    needed = Action.READ if is_reading(request.method, request.scope.get("path", "")) else Action.WRITE
    if needed not in found.scope.actions:
        raise NotAllowedError(f"{found.name} may not {needed} here.", "Ask with a token that may.")
    return found


def services(request: Request, who: Annotated[Principal, Depends(principal)]) -> Services:
    """The services as the one who asks may use them."""
    return opened(request).as_seen_by(who)


Serving = Annotated[Services, Depends(services)]
Opened = Annotated[Services, Depends(opened)]
