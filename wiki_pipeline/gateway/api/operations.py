"""`/livez` and `/readyz`: whether the process answers, and whether what it needs does."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from wiki_pipeline.gateway.errors import ErrorAnswer
from wiki_pipeline.gateway.services import Serving

router = APIRouter(tags=["operations"])


class Alive(BaseModel):
    """The process answers."""

    status: str = Field(examples=["ok"])


class Ready(BaseModel):
    """What the gateway needs answers too."""

    status: str = Field(examples=["ok"])
    sources: int = Field(description="Sources in the catalog.", examples=[2])
    tables: int = Field(description="Tables in the storage.", examples=[11])


@router.get("/livez", summary="Is the process alive")
async def alive() -> Alive:
    """Touches neither catalog nor tables."""
    return Alive(status="ok")


@router.get(
    "/readyz",
    summary="Is the gateway ready",
    responses={503: {"model": ErrorAnswer, "description": "Catalog or tables out of reach."}},
)
def ready(serving: Serving) -> Ready:
    """Asks the catalog and the storage."""
    return Ready(status="ok", sources=len(serving.library.sources()), tables=len(serving.store.names()))
