"""`/livez`, `/readyz`, `/metrics`: whether the process answers, whether what it needs does, and what it counts."""

from __future__ import annotations

from datetime import datetime

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from wiki_pipeline.access import Action
from wiki_pipeline.errors import BusyError, NotAllowedError
from wiki_pipeline.freshness import stalled
from wiki_pipeline.gateway.errors import ErrorAnswer
from wiki_pipeline.gateway.services import Services, Serving, opened

_LOADED_WITHIN = 30.0
router = APIRouter(tags=["operations"])


class Alive(BaseModel):
    """The process answers."""

    status: str = Field(examples=["ok"])


class Ready(BaseModel):
    """What the gateway needs answers too."""

    status: str = Field(examples=["ok"])
    sources: int = Field(description="Sources in the catalog.", examples=[2])
    tables: int = Field(description="Tables in the storage.", examples=[11])
    stalled: str = Field(
        description="Which reported changes no sync takes up, and since when; empty if all are. Search and wiki go on, "
        "so the gateway is ready nevertheless.",
        examples=[""],
    )
    stalled_since: datetime | None = Field(description="Since when; null if nothing waits.", examples=[None])


@router.get("/livez", summary="Is the process alive")
async def alive() -> Alive:
    """Touches neither catalog nor tables."""
    return Alive(status="ok")


@router.get(
    "/readyz",
    summary="Is the gateway ready",
    responses={503: {"model": ErrorAnswer, "description": "Catalog or tables out of reach, or about to stop."}},
)
async def ready(request: Request) -> Ready:
    """Waits until Lance and the model are loaded, which slows down whatever comes meanwhile, then asks the catalog
    and the storage."""
    serving = opened(request)
    return await run_sync(_ready, serving, limiter=serving.checks)


def _ready(serving: Services) -> Ready:
    if serving.draining.begun:
        raise BusyError("This gateway is about to stop.", "Ask another one; this one answers what it has begun.")
    serving.warm.wait(_LOADED_WITHIN)
    waiting = stalled(serving.pipeline)
    return Ready(
        status="ok",
        sources=len(serving.reader.sources()),
        tables=len(serving.store.names()),
        stalled=str(waiting or ""),
        stalled_since=waiting.since if waiting else None,
    )


@router.get(
    "/metrics",
    summary="Figures for monitoring",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {}}, "description": "In Prometheus' text format."},
        503: {"model": ErrorAnswer, "description": "Catalog out of reach."},
    },
)
def figures(serving: Serving) -> Response:
    """For Prometheus. Who looks after the installation sees all of it, each tenant's figures with its name as a label;
    others, who may read every source of theirs, see the figures of their tenant."""
    if serving.principal.scope.sources is not None or not serving.principal.scope.membership.everything:
        raise NotAllowedError("The figures are of all sources: they are for those who may read every one.")
    only = "" if Action.OPERATE in serving.principal.scope.actions else serving.principal.tenant
    return Response(serving.metrics.text(only), media_type="text/plain; version=0.0.4")
