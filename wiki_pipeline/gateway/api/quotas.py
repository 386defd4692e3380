"""`/v1/usage`: what the asker's tenant and account use, and what they may."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from wiki_pipeline.catalog import Kind, Period, Use
from wiki_pipeline.gateway.services import Serving
from wiki_pipeline.sync.quotas import measured

router = APIRouter(prefix="/v1", tags=["access"])


class Used(BaseModel):
    """What is used of one thing."""

    of: str = Field(description="`tenant` or `account`: whose use it is.", examples=["tenant"])
    kind: Kind = Field(
        description="`requests`: questions, research and syncs that were asked for; `tokens` of language models; "
        "`money` in millionths; `pages`, `bytes` and `repositories` that are kept."
    )
    period: Period
    used: int = Field(examples=[120])
    reserved: int = Field(description="By what is under way.", examples=[0])
    cap: int | None = Field(description="Null: there is no bound.", examples=[1000])
    resets_at: datetime | None = Field(description="Null for what is kept.")


class Usage(BaseModel):
    """What is used, and what may be. A full quota stops new work; reading and deleting go on."""

    tenant: str = Field(examples=["default"])
    usage: list[Used] = Field(description="Without what is neither used nor bounded.")


@router.get("/usage", summary="Show what is used")
def usage(serving: Serving) -> Usage:
    """Of the asker's tenant, and of the asker's account."""
    who = serving.principal
    found = serving.catalog.quotas.usage(who.tenant, who.account, measured(serving.pipeline, who.tenant))
    return Usage(tenant=who.tenant, usage=[used_of(each) for each in found])


def used_of(use: Use) -> Used:
    """A line, as it is told."""
    return Used(
        of="account" if use.account else "tenant",
        kind=use.kind,
        period=use.period,
        used=use.used,
        reserved=use.reserved,
        cap=use.cap,
        resets_at=use.resets_at,
    )
