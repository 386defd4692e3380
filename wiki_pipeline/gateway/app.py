"""The application: every route, with what holds for all of them, around services opened once."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from wiki_pipeline.access import local
from wiki_pipeline.catalog import Catalog
from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.freshness import StalenessCache
from wiki_pipeline.gateway import errors, reference, webhooks
from wiki_pipeline.gateway.access import Access, check_binding
from wiki_pipeline.gateway.api import datasources, freshness, ingest, jobs, operations
from wiki_pipeline.gateway.api import search as search_api
from wiki_pipeline.gateway.event_writer import EventWriter
from wiki_pipeline.gateway.metrics import Metrics
from wiki_pipeline.gateway.pages import files, wiki
from wiki_pipeline.gateway.pages import search as search_pages
from wiki_pipeline.gateway.security import SecurityMiddleware
from wiki_pipeline.gateway.services import Services
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.gateway.wiki_reader import WikiReader
from wiki_pipeline.store import Filters, Store, search
from wiki_pipeline.store.tables import vectors_name
from wiki_pipeline.sync.pipeline import Pipeline
from wiki_pipeline.text.embed import open_embedder
from wiki_pipeline.text.rerank import open_reranker
from wiki_pipeline.wiki import site

log = logging.getLogger(__name__)

_THREADS = 16  # requests that read catalog and tables at once; the others wait their turn
_FOREVER = "public, max-age=31536000, immutable"
_DESCRIPTION = (
    "Search what wiki-pipeline keeps of Confluence spaces and Git repositories, and ask how fresh it is. "
    'Errors are `{"error": {"code", "message", "details"?}}`; codes stay the same between versions.'
)


def create_app(settings: GatewaySettings) -> FastAPI:
    """The gateway as an ASGI application.

    Raises:
        ConfigurationError: it is to serve on an address that others can reach, or the model's settings are wrong.
    """
    check_binding(settings)
    settings.home.mkdir(parents=True, exist_ok=True)
    catalog = Catalog(settings.catalog_url)
    store = Store(settings.lance_url, settings.tenant)
    metrics = Metrics(catalog, settings.tenant)
    staleness = StalenessCache(Pipeline(settings, catalog, store))
    reader = WikiReader(catalog, store, staleness)
    embedder = open_embedder(settings)
    services = Services(
        settings,
        local(settings),
        catalog,
        store,
        reader,
        embedder,
        metrics,
        staleness,
        reranker=open_reranker(settings),
    )
    event_writer = EventWriter(catalog.events.record, settings.intake_waiting)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        event_writer.start()
        gc.collect()
        _keep_what_is_loaded()
        threading.Thread(target=_warm_up, args=(services,), name="warm-up", daemon=True).start()
        yield
        await asyncio.to_thread(event_writer.close)
        staleness.close()
        catalog.close()

    app = FastAPI(
        title="wiki-pipeline",
        version=version("wiki-pipeline"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    errors.install(app)
    receivers = webhooks.receivers(services.pipeline, event_writer, metrics)
    for router in (
        search_api.router,
        datasources.router,
        freshness.router,
        ingest.router(),
        jobs.router,
        webhooks.router(receivers),
        operations.router,
    ):
        app.include_router(router, responses=dict(errors.ANSWERS))
    for router in (search_pages.router, files.router, wiki.router):
        app.include_router(router, responses=dict(errors.PAGES))
    _add_reference(app)
    _add_assets(app)
    app.add_middleware(webhooks.Shortcut, mounted=receivers)
    access = Access(settings)
    app.add_middleware(SecurityMiddleware, access=access, max_body_bytes=settings.max_body_bytes)
    return app


def _add_reference(app: FastAPI) -> None:
    @app.get("/docs", include_in_schema=False)
    def reference_page() -> HTMLResponse:
        return HTMLResponse(site.html(reference.view_of(app.openapi())))


def _add_assets(app: FastAPI) -> None:
    by_address = {asset.address: asset for asset in site.assets().values()}

    @app.get(site.ASSETS_ROOT + "{path:path}", include_in_schema=False)
    async def asset(request: Request) -> Response:
        found = by_address.get(request.url.path)
        if found is None:
            raise errors.PageNotFound
        return Response(found.content, media_type=found.media_type, headers={"cache-control": _FOREVER})


def _warm_up(services: Services) -> None:
    """Load what the first search would wait for: LanceDB and the embedding model take seconds."""
    try:
        search(services.store, services.embedder, "warm up", k=1, filters=Filters(document_ids=("-",)))
    except WikiPipelineError as error:
        log.warning("The first search will be slow, or fail: %s", error)
    finally:
        _keep_what_is_loaded()
        services.warm.set()
    try:
        services.store.vocabulary(vectors_name(services.embedder.model))
    except WikiPipelineError as error:
        log.warning("The first query with an unknown word will be slow, or fail: %s", error)


def _keep_what_is_loaded() -> None:
    """Have Python look for unreachable objects among new ones only. Looking through all that libraries brought took a
    tenth of a second each time, in which nothing was answered."""
    gc.freeze()
