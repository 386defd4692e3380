"""What requests work with, opened once when the gateway starts."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request

from wiki_pipeline.catalog import Catalog, SourceRecord
from wiki_pipeline.errors import ConfigurationError, SourceNotFoundError
from wiki_pipeline.freshness import StalenessCache
from wiki_pipeline.gateway.metrics import Metrics
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.gateway.wiki_reader import WikiReader
from wiki_pipeline.sources import kinds
from wiki_pipeline.store import Store
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.text.embed import Embedder


@dataclass(frozen=True)
class Services:
    """Settings, catalog, tables and embedding model; safe between threads.

    Attributes:
        warm: whether what takes seconds to load is there.
    """

    settings: GatewaySettings
    catalog: Catalog
    store: Store
    library: WikiReader
    embedder: Embedder
    metrics: Metrics
    staleness: StalenessCache
    warm: threading.Event = field(default_factory=threading.Event)

    @property
    def pipeline(self) -> Pipeline:
        """The same, as stages and freshness know it."""
        return Pipeline(self.settings, self.catalog, self.store)

    def source_named(self, name: str) -> SourceRecord:
        """The source that a caller means: by datasource id, by key (`default:confluence:ENG`), or by its name in
        addresses (`confluence-ENG`).

        Raises:
            SourceNotFoundError: there is none.
        """
        for record in self.library.sources():
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


def services(request: Request) -> Services:
    """The services of the application that a request came to."""
    return cast("Services", request.app.state.services)


Serving = Annotated[Services, Depends(services)]
