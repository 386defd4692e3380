"""The application: every route, with what holds for all of them, around services opened once."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.routing import Route

from wiki_pipeline.errors import WikiPipelineError
from wiki_pipeline.gateway import errors, reference, webhooks
from wiki_pipeline.gateway.access import Access, Decides, check_binding
from wiki_pipeline.gateway.api import account as account_api
from wiki_pipeline.gateway.api import ask as ask_api
from wiki_pipeline.gateway.api import (
    audiences,
    changes,
    connections,
    datasources,
    freshness,
    ingest,
    jobs,
    model_keys,
    operations,
    quotas,
)
from wiki_pipeline.gateway.api import members as members_api
from wiki_pipeline.gateway.api import research as research_api
from wiki_pipeline.gateway.api import search as search_api
from wiki_pipeline.gateway.event_writer import EventWriter
from wiki_pipeline.gateway.mcp.endpoint import McpEndpoint
from wiki_pipeline.gateway.observed import Observed
from wiki_pipeline.gateway.pages import account, files, login, members, wiki
from wiki_pipeline.gateway.pages import ask as ask_pages
from wiki_pipeline.gateway.pages import connections as connection_pages
from wiki_pipeline.gateway.pages import research as research_pages
from wiki_pipeline.gateway.pages import search as search_pages
from wiki_pipeline.gateway.security import Rates, SecurityMiddleware
from wiki_pipeline.gateway.services import Services, open_services
from wiki_pipeline.gateway.settings import GatewaySettings
from wiki_pipeline.gateway.syndication import feeds, llms, opensearch
from wiki_pipeline.store import Filters, search
from wiki_pipeline.store.tables import vectors_name
from wiki_pipeline.wiki import site

log = logging.getLogger(__name__)

_THREADS = 16  # requests that read catalog and tables at once; the others wait their turn
_RESUME_SECONDS = 20.0  # between two looks for research that nobody makes
_FOREVER = "public, max-age=31536000, immutable"
_DESCRIPTION = (
    "Search what wiki-pipeline keeps of Confluence spaces, Git repositories and Jira projects, and ask how fresh it "
    "is. "
    'Errors are `{"error": {"code", "message", "details"?}}`; codes stay the same between versions.'
)


def create_app(settings: GatewaySettings, access: Decides | None = None) -> FastAPI:
    """The gateway as an ASGI application.

    Args:
        access: decides who asks; None: `Access` by the settings.

    Raises:
        ConfigurationError: it is to serve on an address that others can reach, or the model's settings are wrong.
    """
    check_binding(settings)
    services = open_services(settings)
    event_writer = EventWriter(services.catalog.events.record, settings.intake_waiting)
    mcp = McpEndpoint(services)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
        event_writer.start()
        gc.collect()
        _keep_what_is_loaded()
        threading.Thread(target=_warm_up, args=(services,), name="warm-up", daemon=True).start()
        threading.Thread(target=_tidy_answers, args=(services,), name="tidy-answers", daemon=True).start()
        ended = threading.Event()
        resumer = threading.Thread(target=_resume_research, args=(services, ended), name="resume-research")
        resumer.start()
        yield
        ended.set()
        await anyio.to_thread.run_sync(resumer.join)
        await mcp.close()
        await event_writer.close()
        services.close()

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
    receivers = webhooks.Receivers(services.pipeline, services.tenants.served, event_writer, services.metrics)
    for router in (
        search_api.router,
        ask_api.router,
        research_api.router,
        datasources.router,
        audiences.router,
        quotas.router,
        model_keys.router,
        freshness.router,
        ingest.router(),
        jobs.router,
        changes.router,
        connections.router,
        webhooks.router(receivers),
        operations.router,
        account_api.router,
        members_api.router,
    ):
        app.include_router(router, responses=dict(errors.ANSWERS))
    for router in (feeds.router, llms.router, opensearch.router):
        app.include_router(router, responses=dict(errors.ANSWERS))
    pages = (search_pages, ask_pages, research_pages, connection_pages, files, wiki)
    for router in (module.router for module in pages):
        app.include_router(router, responses=dict(errors.PAGES))
    for router in (login.router, account.router, members.router):
        app.include_router(router, responses=dict(errors.PAGES))
    app.router.routes.append(Route("/mcp", mcp))
    _add_reference(app)
    _add_assets(app)
    app.add_middleware(webhooks.Shortcut, mounted=receivers)
    app.add_middleware(Observed, metrics=services.metrics)
    app.add_middleware(
        SecurityMiddleware,
        access=access or Access(settings, services.people.credentials),
        max_body_bytes=settings.max_body_bytes,
        rates=Rates(settings),
    )
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
    """Load what the first search would wait for: Lance and the embedding model take seconds."""
    try:
        search(services.store, services.embedder, "warm up", k=1, filters=Filters(document_ids=("-",)))
        if services.models.installation is not None:
            services.models.installation.load()
    except WikiPipelineError as error:
        log.warning("The first search will be slow, or fail: %s", error)
    finally:
        _keep_what_is_loaded()
        services.warm.set()
    try:
        services.store.vocabulary(vectors_name(services.embedder.model))
    except WikiPipelineError as error:
        log.warning("The first query with an unknown word will be slow, or fail: %s", error)


def _tidy_answers(services: Services) -> None:
    """End answers that a process left behind, and forget those that are old."""
    try:
        for tenant in services.tenants.served.names():
            services.answering.recover(tenant)
        services.answering.expire()
        services.catalog.quotas.expire()
    except WikiPipelineError as error:
        log.warning("Answers of before could not be tidied up: %s", error)


def _resume_research(services: Services, ended: threading.Event) -> None:
    """Go on with research that a process left behind: at the start, and whenever another process was killed."""
    while not ended.is_set():
        try:
            for tenant in services.tenants.served.names():
                services.researching.resume(tenant)
        except WikiPipelineError as error:
            log.warning("Research of before could not be gone on with: %s", error)
        ended.wait(_RESUME_SECONDS)


def _keep_what_is_loaded() -> None:
    """Have Python look for unreachable objects among new ones only. Looking through all that libraries brought took a
    tenth of a second each time, in which nothing was answered."""
    gc.freeze()
