"""`/settings/connections`: the tenant's connections, for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import SecretStr, ValidationError

from wiki_pipeline.errors import PayloadError, WikiPipelineError
from wiki_pipeline.gateway.api.connections import (
    Administering,
    ConnectionFacts,
    NewConnection,
    added,
    listed,
    removed_connection,
    tried,
)
from wiki_pipeline.gateway.errors import status_of
from wiki_pipeline.gateway.form_fields import form_of
from wiki_pipeline.gateway.services import Services
from wiki_pipeline.sources import kinds
from wiki_pipeline.wiki import site
from wiki_pipeline.wiki.views import View

router = APIRouter(prefix="/settings/connections", tags=["pages"])
_ADDRESS = "/settings/connections"
_FORBIDDEN: dict[int | str, dict[str, Any]] = {
    403: {"content": {"text/html": {}}, "description": "Only who looks after the tenant may, from this page's form."}
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionsView(View):
    """What the page shows.

    Attributes:
        entered: of a form that was refused, without its secrets.
        tried, seen: the connection that was tried, and what its server answered.
    """

    template: ClassVar[str] = "connections.html"

    connections: list[ConnectionFacts]
    kinds: list[str]
    tenant: str
    problem: str = ""
    tried: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)
    entered: Mapping[str, str] = field(default_factory=dict)


@router.get("", summary="Show the connections", response_class=HTMLResponse, responses=_FORBIDDEN)
def connections_page(serving: Administering) -> HTMLResponse:
    """With a form to add one."""
    return HTMLResponse(site.html(_view(serving)))


@router.post(
    "",
    summary="Add or change a connection on the page",
    response_class=HTMLResponse,
    responses=_FORBIDDEN | {303: {}},
)
async def add_on_page(request: Request, serving: Administering) -> Response:
    """Takes the page's form."""
    fields = form_of(await request.body())
    return await anyio.to_thread.run_sync(_added, serving, fields)


@router.post("/{name}/remove", include_in_schema=False)
def remove_on_page(serving: Administering, name: str) -> Response:
    try:
        removed_connection(serving, name)
    except WikiPipelineError as error:
        return _refused(serving, error, {})
    return RedirectResponse(_ADDRESS, HTTPStatus.SEE_OTHER)


@router.post("/{name}/test", include_in_schema=False)
async def test_on_page(serving: Administering, name: str) -> Response:
    try:
        seen = await tried(serving, name)
    except WikiPipelineError as error:
        return await anyio.to_thread.run_sync(_refused, serving, error, {})
    view = await anyio.to_thread.run_sync(lambda: _view(serving, tried=name, seen={"": "It answers.", **seen}))
    return HTMLResponse(site.html(view))


def _added(serving: Services, fields: Mapping[str, str]) -> Response:
    try:
        try:
            asked = NewConnection(
                connection=fields.get("connection", ""),
                kind=fields.get("kind", ""),
                url=fields.get("url", ""),
                options={"username": fields["username"]} if fields.get("username") else {},
                secret=SecretStr(fields["secret"]) if fields.get("secret") else None,
                webhook_secret=SecretStr(fields["webhook_secret"]) if fields.get("webhook_secret") else None,
            )
        except ValidationError:
            raise PayloadError("A field is too long.") from None
        added(serving, asked)
    except WikiPipelineError as error:
        shown = {name: fields.get(name, "")[:200] for name in ("connection", "kind", "url", "username")}
        return _refused(serving, error, shown)
    return RedirectResponse(_ADDRESS, HTTPStatus.SEE_OTHER)


def _refused(serving: Services, error: WikiPipelineError, entered: Mapping[str, str]) -> Response:
    return HTMLResponse(site.html(_view(serving, problem=str(error), entered=entered)), status_of(error))


def _view(
    serving: Services,
    *,
    problem: str = "",
    tried: str = "",
    seen: Mapping[str, str] | None = None,
    entered: Mapping[str, str] | None = None,
) -> ConnectionsView:
    return ConnectionsView(
        connections=listed(serving),
        kinds=[name for name, kind in kinds().items() if kind.connection_options],
        tenant=serving.principal.tenant,
        problem=problem,
        tried=tried,
        seen=seen or {},
        entered=entered or {},
    )
